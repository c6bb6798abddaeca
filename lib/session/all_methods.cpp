#include "session/all_methods.h"

#include <memory>
#include <utility>

#include "control/methods/group_list.h"
#include "control/methods/operations.h"
#include "control/methods/state_methods.h"
#include "control/methods/verbs.h"
#include "session/group_methods.h"

namespace aribus::session {

void add_all_methods(control::MethodTable& table, DaemonAnswers answers) {
  table.add(control::operation_methods());
  table.add(control::verbs());
  table.add(control::state_methods(answers.live_objects));
  table.add(control::group_list(answers.groups));
  table.add(subscription_methods(answers.session));
  table.add(group_methods(answers.session));
  add_daemon_methods(table, std::move(answers));
}

const control::MethodTable& declared_methods() {
  static const auto table = [] {
    auto made = std::make_unique<control::MethodTable>();
    add_all_methods(*made, {});
    return made;
  }();
  return *table;
}

}  // namespace aribus::session
