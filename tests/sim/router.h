// From a request to its handler: one table of routes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "asterisk.h"
#include "http.h"
#include "params.h"

namespace aribus::sim {

// One request below /ari as its handler sees it.
struct Call {
  const HttpRequest& request;
  const Params& params;
  std::vector<std::string> parts;  // what the {} of the pattern stand for, decoded

  // The first of them.
  [[nodiscard]] const std::string& id() const { return parts.front(); }
};

using Handler = HttpReply (*)(Asterisk&, const Call&);

struct Route {
  const char* method;
  const char* pattern;  // below /ari, as /channels/{}/answer
  Handler handler;
};

// In the routes_*.cpp. Of patterns that both fit, the one with the plain word comes first.
[[nodiscard]] std::span<const Route> asterisk_routes();
[[nodiscard]] std::span<const Route> channel_routes();
[[nodiscard]] std::span<const Route> bridge_routes();
[[nodiscard]] std::span<const Route> media_routes();
[[nodiscard]] std::span<const Route> misc_routes();

// Answers a request that has been authorised: everything below /ari but the WebSocket.
[[nodiscard]] HttpReply answer(Asterisk& asterisk, const HttpRequest& request);

// Answers for handlers.
[[nodiscard]] HttpReply no_content();
[[nodiscard]] HttpReply json_reply(std::string body, int status = 200);
// {"message": …}
[[nodiscard]] HttpReply refusal(int status, std::string_view message, std::string_view reason = "");

}  // namespace aribus::sim
