#include "control/upstream.h"

#include <memory>

#include "ari/refusal.h"
#include "base/bytes.h"
#include "base/json_tape.h"
#include "control/params.h"
#include "record/record.h"

namespace aribus::control {
namespace {

// Larger ones are handled on another thread.
constexpr size_t max_bytes_at_once = 64 << 10;
// A larger answer of JSON, or of more values, is not taken: it takes many times its size.
constexpr size_t max_json_bytes = 16 << 20;
constexpr size_t max_json_tokens = 2'000'000;

ResultText binary_result(ari::HttpResponse response) {
  std::string head = R"({"content_type":)";
  append_json_string(head, to_valid_utf8(response.content_type, 128));
  head += R"(,"encoding":"base64","data":")";
  return ResultText(std::move(head)).add_base64(std::move(response.body)).add("\"}");
}

bool looks_like_json(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
}

bool is_too_complex(std::string_view json) {
  return json.size() > max_json_bytes || JsonTape::has_more_tokens(json, max_json_tokens);
}

Error too_complex() {
  return Error{ErrorKind::outcome_unknown,
               "the answer is over the limit of " + std::to_string(max_json_bytes >> 20) + " MiB or " +
                   std::to_string(max_json_tokens) + " tokens of JSON",
               {}};
}

// ari.request can ask for anything.
Result<ResultText> result_of(ari::HttpResponse response, const ari::Answer& declared) {
  if (!looks_like_json(response.body) && response.body.size() > max_bytes_at_once) {
    return binary_result(std::move(response));
  }
  if (is_too_complex(response.body)) return too_complex();
  if (auto text = record::regular_answer(response.body, declared)) return ResultText(std::move(*text));
  return binary_result(std::move(response));
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

void Upstream::answer(Result<ari::HttpResponse> response, const ari::Answer& declared,
                      std::string_view method, std::string_view path, const Reply& reply) {
  if (!response) {
    const bool unsent = response.error().kind == ErrorKind::not_connected;
    return reply(unsent ? not_connected(response.error().message) : response.error());
  }
  if (!response->succeeded()) return reply(ari::refusal(*response, method, path));
  if (declared.type == ari::Type::binary) return reply(binary_result(std::move(*response)));
  if (response->body.empty()) return reply(ResultText("null"));
  if (response->body.size() <= max_bytes_at_once) return reply(result_of(std::move(*response), declared));
  const auto large = std::make_shared<ari::HttpResponse>(std::move(*response));
  const auto result = std::make_shared<Result<ResultText>>(ResultText("null"));
  large_.add([large, result, declared] { *result = result_of(std::move(*large), declared); },
             [result, reply] { reply(std::move(*result)); });
}

void Upstream::reclaim(const Reply& reply) {
  const Result<void> reclaimed = client_->reclaim();
  if (reclaimed) return reply(ResultText("null"));
  reply(reclaimed.error().kind == ErrorKind::not_connected ? not_connected("not connected")
                                                           : reclaimed.error());
}

void Upstream::call(const ari::Operation& operation, const JsonValue& params,
                    const ari::Requester& requester, Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  if (auto checked = check_version(operation, params, client_->info()->version); !checked) {
    reply(checked.error());
    return;
  }
  client_->call(
      operation, params,
      [this, &operation, reply = std::move(reply)](Result<ari::HttpResponse> response) {
        answer(std::move(response), operation.answer, operation.method, operation.path, reply);
      },
      requester);
}

void Upstream::request(const std::string& method, const std::string& path, const std::string& query,
                       const std::string& body, const ari::Requester& requester, Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  client_->request(
      method, path + (query.empty() ? "" : "?" + query), body,
      [this, method, path, reply = std::move(reply)](Result<ari::HttpResponse> response) {
        answer(std::move(response), {ari::Type::object, false, nullptr}, method, path, reply);
      },
      requester);
}

}  // namespace aribus::control
