#include "control/upstream.h"

#include "base/bytes.h"
#include "control/params.h"
#include "record/regular.h"

namespace aribus::control {
namespace {

constexpr size_t max_refusal_bytes = 1024;

// What Asterisk says of a refusal: {"message":…} mostly, {"error":…} at times, HTML from its HTTP server.
std::string refusal_text(const ari::HttpResponse& response) {
  if (const Result<Json> json = parse_json(response.body)) {
    std::string_view text = find_string(*json, "message");
    if (text.empty()) text = find_string(*json, "error");
    if (!text.empty()) return to_valid_utf8(text, max_refusal_bytes);
  }
  const size_t open = response.body.find("<p>");
  const size_t close = response.body.find("</p>");
  if (open != std::string::npos && close != std::string::npos && open < close) {
    return to_valid_utf8(response.body.substr(open + 3, close - open - 3), max_refusal_bytes);
  }
  return to_valid_utf8(response.body, max_refusal_bytes);
}

// What a refusal does not say, or "". Asterisk answers these to whatever needs a channel in Stasis: 422 when
// it is to join a bridge, 409 else (res/ari/resource_*.c).
std::string_view hint_of(const std::string& text) {
  if (text == "Channel not in Stasis application")
    return ": the channel is in the dialplan, or not in Stasis() any more";
  return "";
}

std::string binary_result(const ari::HttpResponse& response) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "content_type", to_valid_utf8(response.content_type, 128));
    write_member(writer, "encoding", "base64");
    write_member(writer, "data", base64(response.body));
    writer.EndObject();
  });
}

}  // namespace

std::string Upstream::default_app() const {
  return client_.options().apps.empty() ? std::string() : client_.options().apps.front();
}

Error Upstream::not_connected(const std::string& why) const {
  return Error{ErrorKind::not_connected, "Asterisk '" + name_ + "': " + why, render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_member(writer, "server", name_);
                 writer.EndObject();
               })};
}

Result<std::string> Upstream::answer_of(Result<ari::HttpResponse> response, const ari::Answer& answer,
                                        std::string_view method, std::string_view path) const {
  if (!response) {
    if (response.error().kind != ErrorKind::not_connected) return response.error();
    return not_connected(response.error().message);
  }
  if (response->status >= 400) {
    const std::string text = refusal_text(*response);
    return Error{ErrorKind::refused,
                 "Asterisk refused: " + text + " (" + std::to_string(response->status) + ")" +
                     std::string(hint_of(text)),
                 render([&](JsonWriter& writer) {
                   writer.StartObject();
                   write_key(writer, "status");
                   writer.Int(response->status);
                   write_member(writer, "message", text);
                   write_member(writer, "method", method);
                   write_member(writer, "path", path);
                   writer.EndObject();
                 })};
  }
  if (answer.type == ari::Type::binary) return binary_result(*response);
  if (response->body.empty()) return std::string("null");
  const Result<Json> json = parse_json(response->body);
  if (!json) return binary_result(*response);  // ari.request can ask for anything
  return render([&](JsonWriter& writer) { record::write_regular(writer, *json, answer.type, answer.model); });
}

void Upstream::call(const ari::Operation& operation, const JsonValue& params, Reply reply) {
  if (!client_.is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  if (auto checked = check_version(operation, params, client_.info()->version); !checked) {
    reply(checked.error());
    return;
  }
  client_.call(operation, params,
               [this, &operation, reply = std::move(reply)](Result<ari::HttpResponse> response) {
                 reply(answer_of(std::move(response), operation.answer, operation.method, operation.path));
               });
}

void Upstream::request(const std::string& method, const std::string& path, const std::string& query,
                       const std::string& body, Reply reply) {
  if (!client_.is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  client_.request(method, path + (query.empty() ? "" : "?" + query), body,
                  [this, method, path, reply = std::move(reply)](Result<ari::HttpResponse> response) {
                    reply(answer_of(std::move(response), {ari::Type::object, false, nullptr}, method, path));
                  });
}

}  // namespace aribus::control
