#include "ari/error_response.h"

#include <string>

#include "base/utf8.h"
#include "json/json.h"

namespace aribus::ari {
namespace {

constexpr size_t max_refusal_bytes = 1024;
constexpr size_t max_json_bytes = 64 << 10;  // error responses are shorter

// What a refusal with that status does not say, or "" (res/res_ari.c). The second sentence is for an answer
// without words, as of a proxy: what it may be.
std::string_view hint_of(int status, std::string_view text) {
  if (status == 401) {
    return ": it does not accept the user and password: compare `username` and `password` of this server "
           "with "
           "Asterisk's ari.conf";
  }
  if (text == "Write access denied") return ": the user is read_only in Asterisk's ari.conf";
  if (text == "Access denied by ACL")
    return ": permit, deny and acl in Asterisk's ari.conf keep this host out";
  if (status == 403 && text.empty()) return ": perhaps the user may not do this, or a proxy forbids it";
  if (text == "Resource not found")
    return ": this Asterisk has no such operation: its version has none, or its module (res_ari_…) is not "
           "loaded";
  return "";
}

}  // namespace

// {"message":…} mostly, {"error":…} at times, HTML from its HTTP server.
std::string error_response_text(std::string_view body) {
  body = body.substr(0, max_json_bytes);
  if (const Result<Json> json = parse_json(body)) {
    std::string_view text = find_string(*json, "message");
    if (text.empty()) text = find_string(*json, "error");
    if (!text.empty()) return to_valid_utf8(text, max_refusal_bytes);
  }
  const size_t open = body.find("<p>");
  const size_t close = body.find("</p>");
  if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
    return to_valid_utf8(body.substr(open + 3, close - open - 3), max_refusal_bytes);
  }
  return to_valid_utf8(body, max_refusal_bytes);
}

Error response_error(const HttpResponse& response, std::string_view method, std::string_view path) {
  const std::string text = error_response_text(response.body);
  const std::string status = " (" + std::to_string(response.status) + ")";
  // Between success and 4xx, and beyond 5xx, an answer does not say that nothing was done.
  const bool says_no = response.status >= 400 && response.status < 600;
  const bool unknown = !says_no && method != "GET";
  const std::string message =
      says_no ? "Asterisk refused: " + text + status + std::string(hint_of(response.status, text))
              : "Asterisk answered with a status that ARI does not have" + status +
                    (unknown ? ": the outcome of " + std::string(method) + " is unknown" : "");
  return Error{unknown ? ErrorKind::outcome_unknown : ErrorKind::refused, message,
               render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_key(writer, "status");
                 writer.Int(response.status);
                 write_member(writer, "message", text);
                 write_member(writer, "method", method);
                 write_member(writer, "path", path);
                 writer.EndObject();
               })};
}

}  // namespace aribus::ari
