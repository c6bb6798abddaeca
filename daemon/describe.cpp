#include "daemon/describe.h"

#include "base/json_builder.h"
#include "base/suggest.h"
#include "control/description.h"
#include "daemon/daemon_methods.h"
#include "ipc/description.h"

namespace aribus::daemon {

Result<std::string> describe(std::string_view what) {
  if (what == "openrpc") {
    control::Dispatcher dispatcher;
    add_daemon_methods(dispatcher, {});
    return pretty(control::describe(dispatcher.methods(), ARIBUS_VERSION));
  }
  if (what == "records") return pretty(ipc::records_schema());
  if (what == "asyncapi") return pretty(ipc::describe_notifications(ARIBUS_VERSION));
  static constexpr std::string_view words[] = {"openrpc", "records", "asyncapi"};
  return Error{ErrorKind::invalid_params,
               "--describe: one of " + join(words) + " is expected, not '" + std::string(what) + "'" +
                   did_you_mean(what, words),
               {}};
}

}  // namespace aribus::daemon
