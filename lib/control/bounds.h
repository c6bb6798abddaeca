// How commands of an access rule with `bound_commands` are limited to its applications.
//
// The tables in bounds.cpp say for every method how it is limited, and for every parameter what it may name.
// Methods and parameters that are in no table are refused. docs/security.md has the same tables; a test
// compares them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "control/access_rule.h"
#include "control/method.h"
#include "control/method_table.h"
#include "json/json.h"
#include "pbx/result_text.h"
#include "pbx/server.h"
#include "record/id_set.h"

namespace aribus::control {

enum class Bound : uint8_t {
  refused,     // it can't be limited
  open,        // it acts on nothing, and shows nothing of an application
  by_apps,     // it shows what `apps` shows, as records
  parameters,  // it acts on what its parameters name: ParameterBound
  list         // its answer has what the rule reaches
};

// What a parameter may name.
enum class ParameterBound : uint8_t {
  refused,   // nothing: it is in no table
  harmless,  // anything
  channel,   // a channel that the rule reaches; likewise:
  bridge,
  playback,
  recording,  // a live one
  call,
  new_id,       // of what the command creates: it begins with one of the rule's applications and "-"
  application,  // one of the rule
  endpoint,     // any but Local/…, unless its context is in `contexts`
  place,        // in the dialplan: the context is in `contexts`
  sources,      // channels and bridges that the rule reaches, as "channel:ID"
  media,        // sounds in Asterisk's folder, the rule's own recordings, and what belongs to nobody
  language,     // a name, not a path
  variable      // what `functions` allows, and no place in the dialplan
};

[[nodiscard]] Bound bound_of(std::string_view method);
// Whether a table says so: a method that is in none was not thought about.
[[nodiscard]] bool has_bound(std::string_view method);
// Of a parameter of a method whose Bound is `parameters`.
[[nodiscard]] ParameterBound bound_of(const Method& method, std::string_view parameter);

// The tables of `methods` as Markdown, for docs/security.md.
[[nodiscard]] std::string bounds_document(const MethodTable& methods);

// Checks commands of rules with `bound_commands`, and limits their answers. Owned by the dispatcher, on the
// loop's thread.
class Bounds {
 public:
  // Checks a command to `server` whose parameters fit the method's declaration. Sets `app` of an originate
  // that names none. `generated_id`: what the daemon has set in them. Errors: not_allowed, for what the rule
  // may never do, whatever exists; invalid_params for a call, refused for any other object that the rule does
  // not reach: the answer of Asterisk where there is no such object; not_connected for any that is not known,
  // while the live objects are not.
  [[nodiscard]] Result<void> check(const AccessRule& rule, const pbx::Server& server, const Method& method,
                                   Json& params, std::string_view generated_id) const;
  // Asterisk's answer as the rule may see it: lists without what it does not reach, and the error of check()
  // if an object that `params` names has left the rule's applications meanwhile.
  [[nodiscard]] Result<pbx::ResultText> limit(const AccessRule& rule, const pbx::Server& server,
                                              const Method& method, const JsonValue& params,
                                              pbx::ResultText answer) const;
  // Whether commands of the rule may act on a live object, or a call.
  [[nodiscard]] bool reaches(const AccessRule& rule, const pbx::Server& server, record::IdKind kind,
                             std::string_view id) const;

  // A command of the rule is about to create the bridge; then how it was answered.
  void creating_bridge(const AccessRule& rule, const pbx::Server& server, std::string_view id);
  void created_bridge(const pbx::Server& server, std::string_view id, const Result<pbx::ResultText>& answer);

 private:
  static constexpr size_t least_room = 1024;
  struct Creator {
    std::string rule;
    std::string made;      // the bridge's creationtime; "": not known
    bool pending = false;  // it is being created
  };

  [[nodiscard]] Result<void> check_objects(const AccessRule& rule, const pbx::Server& server,
                                           const Method& method, const JsonValue& params,
                                           bool answered) const;
  [[nodiscard]] static std::string key_of(const pbx::Server& server, std::string_view bridge);

  // By server and id. Those of bridges that have ended are removed when there are `room_`.
  std::unordered_map<std::string, Creator> creators_;
  size_t room_ = least_room;
};

}  // namespace aribus::control
