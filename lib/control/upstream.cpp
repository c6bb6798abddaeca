#include "control/upstream.h"

#include <algorithm>
#include <utility>

#include "ari/refusal.h"
#include "base/background.h"
#include "control/params.h"

namespace aribus::control {

void Upstream::use(ari::Client& client) {
  const ari::Client& before = *std::exchange(client_, &client);
  resolver_.use(client);
  const auto& apps = client.options().apps;
  for (const std::string& app : before.options().apps) {
    if (std::ranges::find(apps, app) != apps.end()) continue;
    waits_.lose(
        app, "the application '" + app + "' was taken out of the configuration while the end was waited for");
  }
}

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
                      std::string_view method, std::string_view path, const ari::Requester& requester,
                      const Reply& reply) {
  if (!response) {
    const bool unsent = response.error().kind == ErrorKind::not_connected;
    return reply(unsent ? not_connected(response.error().message) : response.error());
  }
  if (!response->succeeded()) return reply(ari::refusal(*response, method, path));
  if (declared.type == ari::Type::binary) return reply(result_of(std::move(*response), declared));
  if (response->body.empty()) return reply(ResultText("null"));
  if (response->body.size() <= max_bytes_at_once) return reply(result_of(std::move(*response), declared));
  if (large_.read(requester.user, std::move(*response), declared, reply)) return;
  reply(Error{method == "GET" ? ErrorKind::too_much : ErrorKind::outcome_unknown,
              "large answers wait to be read, more than fit into memory; try again later",
              {}});
}

void Upstream::reclaim(const Reply& reply) {
  const Result<void> reclaimed = client_->reclaim();
  if (reclaimed) return reply(ResultText("null"));
  reply(reclaimed.error().kind == ErrorKind::not_connected ? not_connected("not connected")
                                                           : reclaimed.error());
}

void Upstream::call(const ari::Operation& operation, const JsonValue& params, const ari::Requester& requester,
                    Reply reply) {
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
      [this, &operation, requester, reply = std::move(reply)](Result<ari::HttpResponse> response) {
        answer(std::move(response), operation.answer, operation.method, operation.path, requester, reply);
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
      [this, method, path, requester, reply = std::move(reply)](Result<ari::HttpResponse> response) {
        answer(std::move(response), {ari::Type::object, false, nullptr}, method, path, requester, reply);
      },
      requester);
}

void Upstream::ask(const std::string& method, const std::string& target, const std::string& body,
                   const ari::Requester& requester,
                   std::function<void(const Result<ari::HttpResponse>&)> done) {
  if (!client_->is_connected()) return done(not_connected("not connected; nothing was sent"));
  client_->request(
      method, target, body,
      [done = std::move(done)](const Result<ari::HttpResponse>& answer) { done(answer); }, requester);
}

}  // namespace aribus::control
