#include "net/dns_resolver.h"

#include <memory>

#include <arpa/inet.h>
#include <netdb.h>

namespace aribus {
namespace {

constexpr size_t max_addresses = 16;  // of one name: each gets its share of the time to connect

int under_way = 0;  // on the loop's thread alone

std::vector<std::string> texts_of(const addrinfo* found) {
  std::vector<std::string> addresses;
  for (; found != nullptr && addresses.size() < max_addresses; found = found->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    uv_ip_name(found->ai_addr, text, sizeof text);
    addresses.emplace_back(text);
  }
  return addresses;
}

// `host` when it is an address: that takes no thread, of which libuv has few.
std::vector<std::string> numeric(const std::string& host, addrinfo hints) {
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::vector<std::string> addresses = texts_of(found);
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

struct DnsResolver::Request {
  uv_getaddrinfo_t raw;
  Done done;
  DnsResolver* owner;
};

void DnsResolver::start(Loop& loop, const std::string& host, Done done) {
  cancel();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (auto addresses = numeric(host, hints); !addresses.empty()) return done(std::move(addresses), "");
  auto* request = new Request{{}, std::move(done), this};
  request->raw.data = request;
  const int status =
      uv_getaddrinfo(loop.raw(), &request->raw, &DnsResolver::finished, host.c_str(), nullptr, &hints);
  if (status != 0) {
    const Done failed = std::move(request->done);
    delete request;
    failed({}, uv_strerror(status));
    return;
  }
  request_ = request;
  ++under_way;
}

void DnsResolver::cancel() {
  if (request_ == nullptr) return;
  request_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&request_->raw));
  request_ = nullptr;
}

void DnsResolver::finished(uv_getaddrinfo_t* raw, int status, addrinfo* found) {
  const std::unique_ptr<Request> request(static_cast<Request*>(raw->data));
  --under_way;
  std::vector<std::string> addresses = texts_of(found);
  uv_freeaddrinfo(found);
  if (request->owner == nullptr) return;
  request->owner->request_ = nullptr;
  request->done(std::move(addresses), status == 0 ? "" : uv_strerror(status));
}

bool DnsResolver::any_under_way() {
  return under_way > 0;
}

}  // namespace aribus
