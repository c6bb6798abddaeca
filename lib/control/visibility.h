// Which live objects an access rule lets a program see.
//
// A rule without `apps` shows everything. With `apps`, a program sees the objects of these applications:
// - a channel that is in one of them. A channel that is in no application is visible if records of one of
//   them showed it (it was dialled from there, or has left); a channel that no application's records showed
//   counts as one of application "".
// - a bridge that holds a visible channel. An empty one counts by the applications whose records showed it.
// - a playback or recording on a visible channel or bridge.
// - a call that is or was in one of them. If it was in others, too: of its legs those whose channels it sees.
// - endpoints and device states, which belong to no application, if `apps` contains "".
//
// With `bound_commands`, its commands may act on the same objects (reaches_object()), with three differences:
// "" in `apps` reaches nothing, an empty bridge is reached only by the rule whose command created it, and an
// object that is not live by none.
#pragma once

#include <functional>
#include <string_view>

#include "control/access_rule.h"
#include "record/id_set.h"
#include "state/model.h"

namespace aribus::control {

// Whether `rule` shows this live object of `model`, or of one of its versions.
[[nodiscard]] bool sees_object(const AccessRule& rule, const state::Model& model, record::IdKind kind,
                               const state::Object& object);
[[nodiscard]] bool sees_object(const AccessRule& rule, const state::Frozen& model, record::IdKind kind,
                               const state::Object& object);

[[nodiscard]] bool sees_call(const AccessRule& rule, const state::Call& call);
// Whether all legs of a call that was in `apps` may be shown.
[[nodiscard]] bool sees_whole_call(const AccessRule& rule, const std::vector<std::string>& apps);

// Whether a record or an error that belongs to no application may name this id to a program with `rule`: the
// object is visible, or records of one of the rule's applications have named it before (it may have ended).
[[nodiscard]] bool sees_id(const AccessRule& rule, const state::Model& model, record::IdKind kind,
                           std::string_view id);

// Whether a command of the rule at hand created this bridge.
using CreatedBridge = std::function<bool(std::string_view id, const state::Object& bridge)>;

// Whether commands of `rule`, which has `bound_commands`, may act on the live object or call `id`; false if
// there is none.
[[nodiscard]] bool reaches_object(const AccessRule& rule, const state::Model& model, record::IdKind kind,
                                  std::string_view id, const CreatedBridge& created);

}  // namespace aribus::control
