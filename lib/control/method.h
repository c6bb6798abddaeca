// A method that programs can call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "control/access_level.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

struct Caller;

// The object that a command is about to create under an id that the daemon generated.
struct Creating {
  std::string_view parameter =
      {};  // that names the object, as "channelId"; "": only Asterisk's answer has the id
  std::string_view id = {};
  bool waits = false;  // the command is answered when the object has ended, not when it is created
};

// What a command reports before its reply. Each is called at most once; `creating` before anything is sent.
struct Progress {
  std::function<void()> on_accepted = [] {};  // see Call::on_accepted
  std::function<void(const Creating&)> creating = [](const Creating&) {};
};

// One call of a method that is sent to an Asterisk.
struct Call {
  pbx::Server& server;  // the Asterisk that was chosen
  Json params;          // an object, checked, without `server` and `key`
  Requester requester;
  uint64_t connection = 0;  // that ends the wait when it ends (Caller::connection); 0: the wait goes on
  pbx::Reply reply;
  // For methods that reply later than Asterisk does: call it when Asterisk has accepted the command, so that
  // later commands about the same objects need not wait for the reply. Other methods ignore it.
  std::function<void()> on_accepted;
};

// Everything there is to know about a method. Parameters are checked against `parameters` before it runs.
struct Method {
  std::string name;
  std::vector<ari::Parameter> parameters = {};
  ari::ResultType answer{ari::Type::object, false, nullptr};
  std::string_view answer_schema = {};        // JSON Schema of an answer that is not ARI's; else ""
  std::string_view answer_when_waiting = {};  // JSON Schema of the answer with `wait`, if it differs; else ""
  std::vector<std::string_view> operations = {};  // ARI's operations that it calls
  std::string_view generated_id_param = {};       // the id that the daemon generates if the caller gives none
  AccessLevel access_level = AccessLevel::admin;
  // It is about the caller's own connection, and can be called however many commands that has under way.
  bool is_about_connection = false;
  // One of the three is set. `run`: a command to an Asterisk. `run_here`: the daemon answers at once.
  // `run_later`: the daemon answers later.
  std::function<void(Call call)> run = {};
  std::function<Result<pbx::ResultText>(const JsonValue& params, const Caller& caller)> run_here = {};
  std::function<void(const JsonValue& params, pbx::Reply reply)> run_later = {};
};

}  // namespace aribus::control
