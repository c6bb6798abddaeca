#include "session/subscription_methods.h"

#include <utility>

#include "session/results.h"
#include "session/session.h"
#include "session/subscribe_params.h"

namespace aribus::session {

using control::Caller;

std::vector<control::Method> subscription_methods(FindSession find) {
  const auto subscribe = [find](const JsonValue& params, const Caller& caller) {
    return in_session(find, caller, [&](Session& session) { return session.subscribe(params); });
  };
  const auto unsubscribe = [find = std::move(find)](const JsonValue&, const Caller& caller) {
    return in_session(find, caller, [](Session& session) { return session.unsubscribe(); });
  };
  return {{.name = "subscribe",
           .parameters = subscribe_parameters(),
           .answer_schema = schema_text<Subscribed>(),
           .access_level = control::AccessLevel::read,
           .is_about_connection = true,
           .run_here = subscribe},
          {.name = "unsubscribe",
           .answer_schema = schema_text<Unsubscribed>(),
           .access_level = control::AccessLevel::read,
           .is_about_connection = true,
           .run_here = unsubscribe}};
}

}  // namespace aribus::session
