#include "control/methods/call_operation.h"

#include <algorithm>
#include <string>
#include <utility>

#include "control/methods/defaults.h"
#include "control/methods/error_hints.h"
#include "control/methods/new_objects.h"
#include "control/methods/unknown_outcome.h"
#include "json/json_tape.h"
#include "pbx/assignments.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

// Whether this daemon receives the events about what is created.
bool shows(const pbx::Server& server, const pbx::CreatingOperation& creates, const JsonValue& params) {
  const ari::ClientOptions& options = server.client().options();
  if (creates.kind != record::IdKind::channel || options.subscribe_all) return true;
  return std::ranges::find(options.apps, find_string(params, "app")) != options.apps.end();
}

// The call that a new channel becomes part of; "" if it begins one.
std::string call_to_join(pbx::Server& server, const JsonValue& params) {
  if (find(params, "call") != nullptr) return std::string(find_string(params, "call"));
  const std::string_view originator = find_string(params, "originator");
  return originator.empty() ? std::string() : std::string(server.calls().call_of(originator));
}

// Asterisk has created the object, as `answer` shows it. `told`: an event has reported it already.
void learn_of(pbx::Server& server, const NewObject& made, const pbx::ResultText& answer, bool told) {
  JsonTape tape;
  const JsonView shown = tape.read(answer.plain());
  if (!shown.valid()) return;

  server.incarnations().made(made.kind, made.id, shown, told);
  expect_entry(server, made, shown);
  report_new(server, made, shown);
}

}  // namespace

void call_operation(pbx::Server& server, const ari::Operation& operation, const JsonValue& params,
                    const Requester& requester, pbx::Reply reply) {
  const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name);
  if (creates == nullptr) {
    server.call(operation, params, requester, std::move(reply));
    return;
  }
  const std::string id(find_string(params, creates->id));
  const bool makes_channel = creates->kind == record::IdKind::channel;
  pbx::Assignments* const assignments = makes_channel ? server.assignments() : nullptr;
  if (makes_channel) {
    const std::string call = call_to_join(server, params);
    server.calls().expect(id, call);
    if (assignments != nullptr && call.empty()) assignments->originating(requester.connection, server, id);
  }
  const uint64_t number = server.resolver().begin(operation.name, server.next(creates->kind, id),
                                                  shows(server, *creates, params));
  server.call(operation, params, requester,
              [&server, creates, id, makes_channel, assignments, wanted = WantedChannel::of(params, creates->id), number,
               requester, made = NewObject::of(server, *creates, params),
               reply = std::move(reply)](Result<pbx::ResultText> answer) {
                if (!answer && answer.error().kind == ErrorKind::outcome_unknown) {
                  return reply(follow_up(server, std::move(answer.error()), number, creates->id, id));
                }
                const bool told = server.resolver().answered(number);
                if (answer) learn_of(server, made, *answer, told);
                if (!answer && makes_channel) server.calls().expect_no_more(id);
                if (!answer && assignments != nullptr) assignments->not_originated(server, id);
                if (!answer && makes_channel && misleads(answer.error())) {
                  explain_no_channel(server, wanted, std::move(answer.error()), requester, reply);
                } else {
                  reply(std::move(answer));
                }
              });
}

void prepare_and_call(pbx::Server& server, const ari::Operation& operation, Json params,
                      const Requester& requester, const pbx::Reply& reply) {
  if (auto prepared = prepare(operation, params, server); !prepared) return reply(prepared.error());
  call_operation(server, operation, params, requester, reply);
}

}  // namespace aribus::control
