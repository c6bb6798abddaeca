#include "router.h"

#include <string_view>

#include "text.h"

namespace aribus::sim {
namespace {

enum class Fit { no, container, yes };

// Whether `path`, in parts, is `pattern`, or leads to it.
Fit fits(std::string_view pattern, const std::vector<std::string>& path, std::vector<std::string>& captured) {
  const auto words = split(pattern.substr(1), '/');
  captured.clear();
  if (path.size() > words.size()) return Fit::no;
  for (size_t i = 0; i < path.size(); ++i) {
    if (words[i] == "{}") {
      captured.push_back(url_decoded(path[i], false));
    } else if (words[i] != path[i]) {
      return Fit::no;
    }
  }
  return path.size() == words.size() ? Fit::yes : Fit::container;
}

std::string allowed(const std::vector<const Route*>& routes) {
  std::string out = "Allow: OPTIONS";
  for (const auto* method : {"GET", "POST", "PUT", "DELETE"}) {
    for (const auto* route : routes) {
      if (std::string_view(route->method) == method) out += std::string(",") + method;
    }
  }
  return out;
}

}  // namespace

HttpReply no_content() {
  return {};
}

HttpReply json_reply(std::string body, int status) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = std::move(body);
  return reply;
}

HttpReply refusal(int status, std::string_view message, std::string_view reason) {
  auto reply = json_reply(Object().text("message", message).str(), status);
  reply.reason = reason;
  return reply;
}

HttpReply answer(Asterisk& asterisk, const HttpRequest& request) {
  const auto path = request.path().substr(4);  // without /ari
  if (path.size() > 1 && path.back() == '/') {
    return refusal(404, "ARI URLs do not end with a slash. Try /ari" + path.substr(0, path.size() - 1));
  }
  const auto parts = split(path.empty() ? path : path.substr(1), '/');
  std::vector<const Route*> found;
  std::vector<std::string> captured;
  std::vector<std::string> kept;
  bool is_container = false;
  for (const auto table :
       {asterisk_routes(), channel_routes(), bridge_routes(), media_routes(), misc_routes()}) {
    for (const auto& route : table) {
      const auto fit = fits(route.pattern, parts, captured);
      is_container = is_container || fit == Fit::container;
      if (fit != Fit::yes) continue;
      if (!found.empty() && std::string_view(found.front()->pattern) != route.pattern) continue;
      found.push_back(&route);
      kept = captured;
    }
  }
  if (found.empty() && !is_container) return refusal(404, "Resource not found");
  if (request.method == "OPTIONS") {
    HttpReply reply;
    reply.extra.push_back(allowed(found));
    return reply;
  }
  for (const auto* route : found) {
    if (route->method != request.method) continue;
    Params params;
    if (!params.read(request)) return refusal(400, "Error parsing request body");
    return route->handler(asterisk, {request, params, kept});
  }
  auto reply = refusal(405, "Invalid method");
  reply.extra.push_back(allowed(found));
  return reply;
}

}  // namespace aribus::sim
