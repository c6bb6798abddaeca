#include "session/group_methods.h"

#include <optional>
#include <string>

#include "session/results.h"
#include "session/session.h"
#include "session/subscribe_params.h"

namespace aribus::session {
namespace {

using ari::Parameter;
using control::Caller;

constexpr Parameter call_param{.name = "call", .required = true};
constexpr Parameter epoch_param{.name = "epoch", .type = ari::Type::integer, .minimum = 0};

std::optional<uint64_t> epoch_of(const JsonValue& params) {
  const JsonValue* epoch = find(params, "epoch");
  return epoch == nullptr ? std::nullopt : std::optional(epoch->GetUint64());
}

// `act`: (assignments, connection, params) -> Result<void>.
template <typename Act>
control::Method about_call(const char* name, std::vector<Parameter> parameters, Act act) {
  return {.name = name,
          .parameters = std::move(parameters),
          .answer_schema = R"({"type":"null"})",
          .access_level = control::AccessLevel::control,
          .is_about_connection = true,
          .run_here = [act](const JsonValue& params, const Caller& caller) -> Result<pbx::ResultText> {
            return act(params, caller);
          }};
}

}  // namespace

std::vector<control::Method> group_methods(const FindSession& find_session) {
  const auto in_group = [find_session](auto act) {
    return [find_session, act](const JsonValue& params, const Caller& caller) -> Result<pbx::ResultText> {
      return in_session(find_session, caller, [&](Session& session) -> Result<pbx::ResultText> {
        if (session.assignments() == nullptr) return Error{ErrorKind::internal, "there are no groups here", {}};
        const Result<void> done = act(*session.assignments(), caller.connection, params);
        return done ? Result<pbx::ResultText>(pbx::ResultText("null")) : Result<pbx::ResultText>(done.error());
      });
    };
  };
  const auto accept = [](pbx::Assignments& assignments, uint64_t connection, const JsonValue& params) {
    return assignments.accept(connection, find_string(params, "call"), epoch_of(params));
  };
  const auto decline = [](pbx::Assignments& assignments, uint64_t connection, const JsonValue& params) {
    return assignments.decline(connection, find_string(params, "call"), epoch_of(params));
  };
  const auto hand_over = [](pbx::Assignments& assignments, uint64_t connection, const JsonValue& params) {
    return assignments.hand_over(connection, find_string(params, "call"), find_string(params, "to"),
                                 epoch_of(params));
  };
  const auto leave = [find_session](const JsonValue& params, const Caller& caller) {
    return in_session(find_session, caller, [&](Session& session) {
      const JsonValue* drain = find(params, "drain");
      const JsonValue* timeout = find(params, "timeout_ms");
      return session.leave_group(
          drain != nullptr && drain->GetBool(),
          timeout == nullptr ? std::nullopt : std::optional(groups::milliseconds(timeout->GetInt64())));
    });
  };
  return {about_call("group.accept", {call_param, epoch_param}, in_group(accept)),
          about_call("group.decline", {call_param, epoch_param}, in_group(decline)),
          about_call("group.handover", {call_param, {.name = "to", .required = true}, epoch_param},
                     in_group(hand_over)),
          {.name = "group.leave",
           .parameters =
               {{.name = "drain", .type = ari::Type::boolean},
                {.name = "timeout_ms", .type = ari::Type::integer, .minimum = 0, .maximum = longest_group_ms}},
           .answer_schema = schema_text<LeavingGroup>(),
           .access_level = control::AccessLevel::control,
           .is_about_connection = true,
           .run_here = leave}};
}

}  // namespace aribus::session
