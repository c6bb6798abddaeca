#include "control/upstream.h"

#include "ari/refusal.h"
#include "base/bytes.h"
#include "control/params.h"
#include "record/record.h"

namespace aribus::control {
namespace {

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
  return client_->options().apps.empty() ? std::string() : client_->options().apps.front();
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
  if (!response->succeeded()) return ari::refusal(*response, method, path);
  if (answer.type == ari::Type::binary) return binary_result(*response);
  if (response->body.empty()) return std::string("null");
  if (auto text = record::regular_answer(response->body, answer)) return std::move(*text);
  return binary_result(*response);  // ari.request can ask for anything
}

void Upstream::reclaim(const Reply& reply) {
  const Result<void> reclaimed = client_->reclaim();
  if (reclaimed) return reply(std::string("null"));
  reply(reclaimed.error().kind == ErrorKind::not_connected ? not_connected("not connected")
                                                           : reclaimed.error());
}

void Upstream::call(const ari::Operation& operation, const JsonValue& params, Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  if (auto checked = check_version(operation, params, client_->info()->version); !checked) {
    reply(checked.error());
    return;
  }
  client_->call(operation, params,
                [this, &operation, reply = std::move(reply)](Result<ari::HttpResponse> response) {
                  reply(answer_of(std::move(response), operation.answer, operation.method, operation.path));
                });
}

void Upstream::request(const std::string& method, const std::string& path, const std::string& query,
                       const std::string& body, Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  client_->request(method, path + (query.empty() ? "" : "?" + query), body,
                   [this, method, path, reply = std::move(reply)](Result<ari::HttpResponse> response) {
                     reply(answer_of(std::move(response), {ari::Type::object, false, nullptr}, method, path));
                   });
}

}  // namespace aribus::control
