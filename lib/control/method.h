// A method that programs can call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

struct Caller;

// What a command is about to make under an id that the daemon has chosen.
struct Creating {
  std::string_view parameter =
      {};  // the one that names it, as "channelId"; "" when only the answer will tell the id
  std::string_view id = {};
  bool waits = false;  // the answer comes with the end of what is made
};

// What happens to a command before its reply. Each comes at most once; `creating` before anything is sent.
struct Progress {
  std::function<void()> on_accepted = [] {};  // see Call::on_accepted
  std::function<void(const Creating&)> creating = [](const Creating&) {};
};

// What a method reaches: it only looks; it acts on calls and what belongs to them; it can harm the whole PBX,
// read its secrets, or what all programs share.
enum class AccessLevel : uint8_t { read, control, admin };

// One call of a method.
struct Call {
  pbx::Server& upstream;  // the Asterisk picked
  Json params;            // an object, checked, without `server`
  Requester requester;
  uint64_t connection =
      0;  // with whose end a wait ends (Caller::connection); 0: it is waited for in any case
  pbx::Reply reply;
  // To be called once Asterisk has the command, by a method that is answered later than that: commands about
  // the same things go on from here. Others need not call it.
  std::function<void()> on_accepted;
};

// Everything there is to know about a method. Parameters are checked against `parameters` before it is run.
struct Method {
  std::string name;
  std::vector<ari::Parameter> parameters = {};
  ari::ResultType answer{ari::Type::object, false, nullptr};
  std::string_view answer_schema = {};        // JSON Schema of an answer that is not ARI's; else ""
  std::string_view answer_when_waiting = {};  // likewise, of one that `wait` asks for, where it is another
  std::vector<std::string_view> operations = {};  // ARI's operations that it calls
  std::string_view generated_id_param = {};  // the parameter whose id the daemon chooses when it is absent
  AccessLevel access_level = AccessLevel::admin;
  // One of the three: what an Asterisk is picked for, what the daemon answers at once, or what it answers
  // later. None: what the connection itself answers.
  std::function<void(Call call)> run = {};
  std::function<Result<pbx::ResultText>(const JsonValue& params, const Caller& caller)> run_here = {};
  std::function<void(const JsonValue& params, pbx::Reply reply)> run_later = {};
};

}  // namespace aribus::control
