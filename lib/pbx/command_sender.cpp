#include "pbx/command_sender.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ari/error_response.h"
#include "ari/versions.h"
#include "net/background.h"

namespace aribus::pbx {

Error CommandSender::not_connected(const std::string& why) const {
  return Error{ErrorKind::not_connected, "Asterisk '" + server_ + "': " + why,
               render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_member(writer, "server", server_);
                 writer.EndObject();
               })};
}

void CommandSender::answer(Result<HttpResponse> response, Question question, const Requester& requester,
                           const Reply& reply) {
  if (!response) {
    const bool unsent = response.error().kind == ErrorKind::not_connected;
    return reply(unsent ? not_connected(response.error().message) : response.error());
  }
  if (!response->succeeded()) return reply(ari::response_error(*response, question.method, question.path));
  const bool binary = question.declared.type == ari::Type::binary;
  if (!binary && response->body.empty()) return reply(ResultText("null"));
  if (binary || response->body.size() <= max_bytes_at_once)
    return reply(result_of(std::move(*response), question));
  const bool reads = question.method == "GET";
  if (large_.read(requester.user, std::move(*response), std::move(question), reply)) return;
  reply(Error{reads ? ErrorKind::too_much : ErrorKind::outcome_unknown,
              "large answers wait to be read, more than fit into memory; try again later",
              {}});
}

void CommandSender::reclaim(const Reply& reply) {
  const Result<void> reclaimed = client_->reclaim();
  if (reclaimed) return reply(ResultText("null"));
  reply(reclaimed.error().kind == ErrorKind::not_connected ? not_connected("not connected")
                                                           : reclaimed.error());
}

void CommandSender::call(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
                         Reply reply) {
  std::vector<std::string> channels = channels_in_stasis(operation, params);
  if (channels.empty()) return send(operation, params, requester, std::move(reply));
  const bool entering =
      std::ranges::any_of(channels, [this](const std::string& id) { return stasis_.is_awaited(id); });
  if (!entering) return send(operation, params, requester, explaining(std::move(channels), std::move(reply)));
  send(operation, params, requester,
       [this, &operation, again = std::make_shared<Json>(copy_of(params)), channels = std::move(channels),
        requester, reply = std::move(reply)](Result<ResultText> answer) {
         if (answer || !is_not_in_stasis(answer.error())) return reply(std::move(answer));
         stasis_.when_settled(channels, [this, &operation, again, channels, requester, reply] {
           send(operation, *again, requester, explaining(channels, reply));
         });
       });
}

Reply CommandSender::explaining(std::vector<std::string> channels, Reply reply) const {
  return [this, channels = std::move(channels), sent = model_.latest(),
          reply = std::move(reply)](Result<ResultText> answer) {
    if (answer || !is_not_in_stasis(answer.error())) return reply(std::move(answer));
    reply(not_in_stasis(std::move(answer.error()), channels, stasis_, model_, sent));
  };
}

void CommandSender::send(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
                         Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  if (auto checked = ari::check_version(operation, params, client_->info()->version); !checked) {
    reply(checked.error());
    return;
  }
  client_->call(
      operation, params,
      [this, &operation, requester, reply = std::move(reply)](Result<HttpResponse> response) {
        answer(std::move(response),
               {operation.answer, std::string(operation.method), std::string(operation.path)}, requester,
               reply);
      },
      requester);
}

void CommandSender::request(const std::string& method, const std::string& path, const std::string& query,
                            const std::string& body, const Requester& requester, Reply reply) {
  if (!client_->is_connected()) {
    reply(not_connected("not connected; nothing was sent"));
    return;
  }
  client_->request(
      method, path + (query.empty() ? "" : "?" + query), body,
      [this, method, path, requester, reply = std::move(reply)](Result<HttpResponse> response) {
        answer(std::move(response), {{ari::Type::object, false, nullptr}, method, path, true}, requester,
               reply);
      },
      requester);
}

void CommandSender::ask(const std::string& method, const std::string& target, const std::string& body,
                        const Requester& requester, std::function<void(const Result<HttpResponse>&)> done) {
  if (!client_->is_connected()) return done(not_connected("not connected; nothing was sent"));
  client_->request(
      method, target, body, [done = std::move(done)](const Result<HttpResponse>& answer) { done(answer); },
      requester);
}

}  // namespace aribus::pbx
