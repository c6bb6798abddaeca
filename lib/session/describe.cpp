#include "session/describe.h"

#include "base/suggest.h"
#include "control/openrpc.h"
#include "json/pretty.h"
#include "session/all_methods.h"
#include "session/description.h"

namespace aribus::session {

Result<std::string> describe(std::string_view what) {
  if (what == "openrpc") return pretty(to_json(control::describe(declared_methods(), ARIBUS_VERSION)));
  if (what == "records") return pretty(session::records_schema());
  if (what == "asyncapi") return pretty(session::describe_notifications(ARIBUS_VERSION));
  static constexpr std::string_view words[] = {"openrpc", "records", "asyncapi"};
  return Error{ErrorKind::invalid_params,
               "--describe: one of " + join(words) + " is expected, not '" + std::string(what) + "'" +
                   did_you_mean(what, words),
               {}};
}

}  // namespace aribus::session
