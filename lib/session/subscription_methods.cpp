#include "session/subscription_methods.h"

#include <utility>

#include "session/results.h"
#include "session/session.h"
#include "session/subscribe_params.h"

namespace aribus::session {

std::vector<control::Method> subscription_methods(FindSession find) {
  return {{.name = "subscribe",
           .parameters = subscribe_parameters(),
           .answer_schema = schema_text<Subscribed>(),
           .access_level = control::AccessLevel::read,
           .is_about_connection = true,
           .run_here =
               [find](const JsonValue& params, const control::Caller& caller) {
                 return find(caller.connection).subscribe(params);
               }},
          {.name = "unsubscribe",
           .answer_schema = schema_text<Unsubscribed>(),
           .access_level = control::AccessLevel::read,
           .is_about_connection = true,
           .run_here = [find = std::move(find)](const JsonValue&, const control::Caller& caller) {
             return find(caller.connection).unsubscribe();
           }}};
}

}  // namespace aribus::session
