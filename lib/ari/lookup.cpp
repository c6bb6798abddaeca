#include "ari/lookup.h"

#include <memory>

#include <arpa/inet.h>

namespace aribus::ari {

struct Lookup::Request {
  uv_getaddrinfo_t raw;
  Done done;
  Lookup* owner;
};

void Lookup::start(Loop& loop, const std::string& host, Done done) {
  cancel();
  auto* request = new Request{{}, std::move(done), this};
  request->raw.data = request;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop.raw(), &request->raw, &Lookup::finished, host.c_str(), nullptr, &hints);
  if (status != 0) {
    const Done failed = std::move(request->done);
    delete request;
    failed({}, uv_strerror(status));
    return;
  }
  request_ = request;
}

void Lookup::cancel() {
  if (request_ == nullptr) return;
  request_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&request_->raw));
  request_ = nullptr;
}

void Lookup::finished(uv_getaddrinfo_t* raw, int status, addrinfo* found) {
  const std::unique_ptr<Request> request(static_cast<Request*>(raw->data));
  std::vector<std::string> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    uv_ip_name(at->ai_addr, text, sizeof text);
    addresses.emplace_back(text);
  }
  uv_freeaddrinfo(found);
  if (request->owner == nullptr) return;
  request->owner->request_ = nullptr;
  request->done(std::move(addresses), status == 0 ? "" : uv_strerror(status));
}

}  // namespace aribus::ari
