#include "control/methods/waiting.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "control/methods/call_operation.h"
#include "control/methods/unknown_outcome.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

using record::IdKind;

// The end of the object may not be reported to us: none of our applications gets the events of what it is on.
bool is_doubtful(const pbx::Server& server, const Awaited& awaited, std::string_view on) {
  if (on.empty()) return false;
  const auto hears = [&](const std::string& app) { return server.hears(app); };
  const state::Object* carrier = server.model().find(awaited.on_kind, on);
  return carrier == nullptr || (!hears(carrier->app) && std::ranges::none_of(carrier->seen_by, hears));
}

// The object in an answer of an EndReader: the channel in the outcome of a call, or the whole answer.
std::string object_of(const std::string& answer) {
  const Result<Json> json = parse_json(answer);
  const JsonValue* channel = json ? find(*json, "channel") : nullptr;
  return channel == nullptr ? answer : to_text(*channel);
}

}  // namespace

bool waits_for_end(const JsonValue& params) {
  const JsonValue* wait = find(params, "wait");
  return wait != nullptr && !wait->IsFalse();
}

bool take_wait(Json& params) {
  const bool waits = waits_for_end(params);
  params.RemoveMember("wait");
  return waits;
}

void call_and_wait(Call call, const ari::Operation& op, const Awaited& awaited, EndReader read_end) {
  // Shared by the callbacks of the waiter and of the request.
  struct State {
    pbx::Reply reply;
    pbx::Incarnation made;                // tells the new object from earlier ones of the same id
    uint64_t wait = 0;                    // the waiter's number
    bool accepted = false;                // Asterisk has answered that the object exists
    std::vector<std::string> early = {};  // answers from events that came before that
    std::string cut = {};                 // why no more events come, or ""
    bool over = false;                    // replied
  };
  const IdKind kind = awaited.kind;
  const std::string_view id_name = awaited.id_name;
  const std::string id(find_string(call.params, id_name));
  const std::string on(awaited.on_name.empty() ? "" : find_string(call.params, awaited.on_name));
  pbx::Server& server = call.server;
  const auto state = std::make_shared<State>(State{std::move(call.reply), server.next(kind, id)});
  pbx::EventWaiters& waiters = server.waiters();
  const auto give_up = [state, &server, &op, id_name, id] {
    state->over = true;
    const uint64_t number = server.resolver().begin(op.name, state->made, true);
    Error error{ErrorKind::outcome_unknown, state->cut, {}};
    state->reply(follow_up(server, std::move(error), number, id_name, id, true));
  };
  const auto unseen = [state, id_name, id, noun = std::string(awaited.noun)] {
    state->over = true;
    state->reply(Error{ErrorKind::outcome_unknown, "the " + noun + " has ended, and no event reported how",
                       render([&](JsonWriter& writer) {
                         writer.StartObject();
                         write_member(writer, id_name, id);
                         write_key(writer, "exists");
                         writer.Bool(false);
                         writer.EndObject();
                       })});
  };
  pbx::EventWaiters::Waiter wait;
  wait.see = [state, &waiters, unseen, read_end = std::move(read_end)](const record::Record& record,
                                                                       const JsonValue& fields) {
    // A state.changed shows what Asterisk answered to a request of the daemon. It is about the new object
    // once Asterisk has accepted the command, and counts only where an event would have reported any other
    // end.
    const bool is_new = record.type == "state.changed" ? state->accepted && !waiters.is_doubtful(state->wait)
                                                       : state->made.is_of_new(record);
    if (!is_new && state->accepted && state->made.was_followed()) return unseen(), true;
    if (!is_new) return false;
    std::optional<std::string> answer = read_end(record, fields);
    if (!answer) return false;
    if (!state->accepted) return state->early.push_back(std::move(*answer)), false;
    state->over = true;
    state->reply(pbx::ResultText(std::move(*answer)));
    return true;
  };
  wait.lost = [state, give_up](const std::string& why) {
    state->cut = why;
    if (state->accepted) give_up();
  };
  wait.abandoned = [state] {
    state->over = true;
    state->reply(Error{ErrorKind::outcome_unknown, "the connection ended before the end was reported", {}});
  };
  wait.connection = call.connection;
  wait.look = [state, &server,
               place = pbx::place_of(kind, id)](const std::function<void(pbx::EventWaiters::Look)>& done) {
    server.ask("GET", place, "", {}, [state, done](const Result<HttpResponse>& answer) {
      if (!answer || (answer->status != 200 && answer->status != 404))
        return done(pbx::EventWaiters::Look::unknown);
      const bool is_gone =
          answer->status == 404 || state->made.shown_by(answer->body) == pbx::Incarnation::Shown::another;
      done(is_gone ? pbx::EventWaiters::Look::gone : pbx::EventWaiters::Look::there);
    });
  };
  wait.unseen = unseen;
  wait.on_kind = awaited.on_kind;
  wait.on = on;
  wait.app = awaited.app;
  state->wait = waiters.add(kind, id, std::move(wait));
  call_operation(
      server, op, call.params, call.requester,
      [state, &server, awaited, on, give_up, on_accepted = call.on_accepted](Result<pbx::ResultText> answer) {
        if (state->over) return;
        if (!answer) {
          server.waiters().remove(state->wait);
          return state->reply(std::move(answer));
        }
        state->made.answered(answer->plain());
        state->accepted = true;
        for (std::string& early : state->early) {
          if (state->made.shown_by(object_of(early)) == pbx::Incarnation::Shown::another) continue;
          state->over = true;
          server.waiters().remove(state->wait);
          return state->reply(pbx::ResultText(std::move(early)));
        }
        server.waiters().look_for(state->wait, is_doubtful(server, awaited, on));
        on_accepted();
        if (!state->cut.empty()) give_up();
      });
}

}  // namespace aribus::control
