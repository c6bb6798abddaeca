#include "net/dns_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>

namespace aribus {
namespace {

constexpr size_t max_addresses = 16;  // of one name: they share the time to connect

std::vector<std::string> texts_of(const addrinfo* found) {
  std::vector<std::string> addresses;
  for (; found != nullptr && addresses.size() < max_addresses; found = found->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    uv_ip_name(found->ai_addr, text, sizeof text);
    addresses.emplace_back(text);
  }
  return addresses;
}

// `host` when it is an address: that needs no thread, and libuv has few.
std::vector<std::string> numeric(const std::string& host, addrinfo hints) {
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::vector<std::string> addresses = texts_of(found);
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

void DnsResolver::start(Loop& loop, const std::string& host, Done done) {
  request_.cancel();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (auto addresses = numeric(host, hints); !addresses.empty()) return done(std::move(addresses), "");
  const int status = request_.start(done, [&](uv_getaddrinfo_t* raw) {
    return uv_getaddrinfo(loop.raw(), raw, &DnsResolver::finished, host.c_str(), nullptr, &hints);
  });
  if (status != 0) done({}, uv_strerror(status));
}

void DnsResolver::finished(uv_getaddrinfo_t* raw, int status, addrinfo* found) {
  std::vector<std::string> addresses = texts_of(found);
  uv_freeaddrinfo(found);
  const auto done = Request::finish(raw);
  if (done) (*done)(std::move(addresses), status == 0 ? "" : uv_strerror(status));
}

}  // namespace aribus
