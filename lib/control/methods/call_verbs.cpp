#include "control/methods/call_verbs.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control/methods/call_operation.h"
#include "control/methods/defaults.h"
#include "control/methods/either_operation.h"
#include "control/methods/originate_outcome.h"
#include "control/methods/waiting.h"
#include "control/params.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using record::IdKind;

constexpr std::string_view what_to_wait_for[] = {"answer"};

void hangup(Call call) {
  prepare_and_call(call.server, *ari::find_operation("channels.hangup"), std::move(call.params),
                   call.requester, call.reply);
}

void originate(Call call) {
  const ari::Operation& op = *ari::find_operation("channels.originate");
  const bool waits = take_wait(call.params);
  if (auto prepared = prepare(op, call.params, call.server); !prepared) return call.reply(prepared.error());
  if (!waits) return call_operation(call.server, op, call.params, call.requester, call.reply);
  const std::string app(find_string(call.params, "app"));
  const auto& apps = call.server.client().options().apps;
  if (std::ranges::find(apps, app) == apps.end()) {
    return call.reply(
        Error{ErrorKind::invalid_params,
              "wait: the application must be a configured one; aribus receives no events of other calls",
              {}});
  }
  if (!call.server.hears(app)) {
    return call.reply(call.server.not_connected("another client has taken the application '" + app +
                                                "', so aribus would not learn the outcome of the call; "
                                                "nothing was sent"));
  }
  // ARI's default is 30 s; -1 lets it ring without end.
  const JsonValue* given = find(call.params, "timeout");
  const int64_t timeout_s = given == nullptr ? 30 : given->GetInt64();
  const auto timeout =
      timeout_s < 0 ? std::nullopt : std::optional<Milliseconds>(std::chrono::seconds(timeout_s));
  const auto began = std::chrono::steady_clock::now();
  const auto outcome =
      std::make_shared<OriginateOutcome>(std::string(find_string(call.params, "channelId")), timeout);
  const Awaited awaited{.kind = IdKind::channel, .id_name = "channelId", .noun = "call", .app = app};
  call_and_wait(std::move(call), op, awaited,
                [outcome, began](const record::Record& record, const JsonValue& fields) {
                  const auto since = std::chrono::steady_clock::now() - began;
                  return outcome->see(record, fields, std::chrono::duration_cast<Milliseconds>(since));
                });
}

void transfer(Call call) {
  const bool to_endpoint = find(call.params, "endpoint") != nullptr;
  const ari::Operation& op =
      *ari::find_operation(to_endpoint ? "channels.redirect" : "channels.continueInDialplan");
  if (!to_endpoint && find(call.params, "context") == nullptr && find(call.params, "extension") == nullptr) {
    return call.reply(
        Error{ErrorKind::invalid_params, "endpoint: one of endpoint, context and extension is expected", {}});
  }
  if (auto checked = check_params(op.parameters, call.params); !checked) return call.reply(checked.error());
  prepare_and_call(call.server, op, std::move(call.params), call.requester, call.reply);
}

std::vector<Parameter> originate_parameters() {
  std::vector<Parameter> parameters = method_parameters(*ari::find_operation("channels.originate"));
  parameters.push_back({.name = "wait", .values = what_to_wait_for});
  return parameters;
}

std::vector<Parameter> transfer_parameters() {
  auto all = parameters_of_either("channels.redirect", "channels.continueInDialplan");
  for (Parameter& parameter : all) parameter.required = parameter.name == "channelId";
  return all;
}

}  // namespace

std::vector<Method> call_verbs() {
  return {{.name = "hangup",
           .parameters = method_parameters(*ari::find_operation("channels.hangup")),
           .answer = ari::find_operation("channels.hangup")->answer,
           .operations = {"channels.hangup"},
           .access_level = AccessLevel::control,
           .run = hangup},
          {.name = "originate",
           .parameters = originate_parameters(),
           .answer = ari::find_operation("channels.originate")->answer,
           .answer_when_waiting = OriginateOutcome::schema,
           .operations = {"channels.originate"},
           .generated_id_param = "channelId",
           .access_level = AccessLevel::control,
           .run = originate},
          {.name = "transfer",
           .parameters = transfer_parameters(),
           .answer = ari::find_operation("channels.redirect")->answer,
           .operations = {"channels.redirect", "channels.continueInDialplan"},
           .access_level = AccessLevel::control,
           .run = transfer}};
}

}  // namespace aribus::control
