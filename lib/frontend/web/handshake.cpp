#include "frontend/web/handshake.h"

#include <algorithm>

#include "net/websocket_handshake.h"

namespace aribus::frontend {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

// Whether the page of `origin`, as "https://pbx.example", is from `host`.
bool is_from(std::string_view origin, std::string_view host) {
  std::string page = lower_case(origin), connected = lower_case(host);
  for (const auto& [scheme, port] : {std::pair("https://", ":443"), std::pair("http://", ":80")}) {
    if (!page.starts_with(scheme)) continue;
    page.erase(0, std::string_view(scheme).size());
    for (std::string* one : {&page, &connected}) {
      if (one->ends_with(port)) one->resize(one->size() - std::string_view(port).size());
    }
    return page == connected;
  }
  return false;
}

Error refusal(std::string_view status, const std::string& text) {
  return Error{ErrorKind::refused, refusing_answer(status, text + "\n"), {}};
}

}  // namespace

Result<std::string> accept_request(std::string_view head) {
  const Result<HandshakeRequest> request = read_request(head);
  if (!request) return request.error();
  if (std::string_view(request->target).substr(0, request->target.find('?')) != rpc_path) {
    return refusal("404 Not Found", "The path is " + std::string(rpc_path) + ".");
  }
  if (!request->origin.empty() && !is_from(request->origin, request->host)) {
    return refusal(
        "403 Forbidden",
        "The page is from another host (Origin) than the one that is connected to (Host). A proxy must pass "
        "on the Host, with its port, that the browser has sent.");
  }
  return accepting_answer(request->key, "");
}

}  // namespace aribus::frontend
