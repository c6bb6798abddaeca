#include "control/dispatcher.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/nearest.h"
#include "control/params.h"
#include "control/verbs.h"

namespace aribus::control {
namespace {

using record::IdKind;

// Parameters that name something that lives on an Asterisk.
struct IdParam {
  std::string_view name;
  IdKind kind;
};
constexpr IdParam id_params[] = {
    {"bridgeId", IdKind::bridge},     {"channel", IdKind::channel},         {"channelId", IdKind::channel},
    {"channels", IdKind::channel},    {"otherChannelId", IdKind::channel},  {"originator", IdKind::channel},
    {"playbackId", IdKind::playback}, {"recordingName", IdKind::recording}, {"snoopId", IdKind::channel},
};

template <typename Use>
void for_each_id(const JsonValue& params, Use use) {
  for (const IdParam& param : id_params) {
    const JsonValue* value = find(params, param.name);
    if (value == nullptr) continue;
    if (value->IsString()) use(param.kind, as_view(*value));
    if (!value->IsArray()) continue;
    for (const JsonValue& item : value->GetArray()) {
      if (item.IsString()) use(param.kind, as_view(item));
    }
  }
  // channels.record and bridges.record call the recording's name `name`.
  if (find(params, "format") != nullptr) {
    if (const std::string_view name = find_string(params, "name"); !name.empty())
      use(IdKind::recording, name);
  }
}

Dispatcher::Verb operation_alias(std::string_view operation) {
  return [op = ari::find_operation(operation)](Upstream& upstream, const Json& params, Reply reply) {
    call_checked(upstream, *op, copy_of(params), std::move(reply));
  };
}

}  // namespace

Dispatcher::Dispatcher() {
  verbs_.emplace("ari.request", ari_request);
  verbs_.emplace("bridge", bridge);
  verbs_.emplace("hangup", operation_alias("channels.hangup"));
  verbs_.emplace("originate", operation_alias("channels.originate"));
  verbs_.emplace("play", play);
}

void Dispatcher::add_server(std::string name, ari::Client& client) {
  servers_.push_back(std::make_unique<Upstream>(std::move(name), client));
}

void Dispatcher::learn(const record::Record& record) {
  if (servers_.size() > 1) whereabouts_.learn(record);
}

std::vector<std::string> Dispatcher::keys_of(const JsonValue& params) {
  std::vector<std::string> keys;
  for_each_id(params, [&](IdKind kind, std::string_view id) {
    keys.push_back(std::to_string(static_cast<int>(kind)) + ":" + std::string(id));
  });
  return keys;
}

std::vector<std::string_view> Dispatcher::method_names() const {
  std::vector<std::string_view> names;
  for (const ari::Operation& operation : ari::operations()) names.push_back(operation.name);
  for (const auto& [name, verb] : verbs_) names.push_back(name);
  for (const auto& [name, own] : own_) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

Result<Upstream*> Dispatcher::pick_server(const JsonValue& params) const {
  std::vector<std::string_view> names;
  for (const auto& server : servers_) names.push_back(server->name());
  if (const JsonValue* given = find(params, "server")) {
    if (!given->IsString()) return wrong_param("server", "a string", given);
    for (const auto& server : servers_) {
      if (server->name() == as_view(*given)) return server.get();
    }
    Error error = wrong_param("server", "one of " + join(names), given);
    error.message += did_you_mean(as_view(*given), names);
    return error;
  }
  if (servers_.size() == 1) return servers_.front().get();
  std::optional<std::string> found;
  for_each_id(params, [&](IdKind kind, std::string_view id) {
    if (!found) found = whereabouts_.find(kind, id);
  });
  for (const auto& server : servers_) {
    if (found && server->name() == *found) return server.get();
  }
  return Error{ErrorKind::invalid_params,
               "server: missing, and no id in the parameters is known to live on one; one of " + join(names) +
                   " is expected",
               {}};
}

void Dispatcher::call(const std::string& method, const JsonValue& params, Reply reply) {
  static const JsonValue none(rapidjson::kObjectType);
  const JsonValue& given = params.IsNull() ? none : params;
  if (!given.IsObject()) {
    return reply(Error{ErrorKind::invalid_params,
                       "params: an object is expected, not a value of type " + std::string(type_name(given)),
                       {}});
  }
  if (const auto own = own_.find(method); own != own_.end()) {
    if (auto checked = check_params({}, given); !checked) return reply(checked.error());
    return reply(own->second(given));
  }
  const auto verb = verbs_.find(method);
  const ari::Operation* operation = ari::find_operation(method);
  if (verb == verbs_.end() && operation == nullptr) {
    return reply(Error{ErrorKind::unknown_method,
                       "no method '" + to_valid_utf8(method, 64) + "'" + did_you_mean(method, method_names()),
                       {}});
  }
  Result<Upstream*> upstream = pick_server(given);
  if (!upstream) return reply(upstream.error());
  Json own_params = copy_of(given);
  own_params.RemoveMember("server");
  if (servers_.size() > 1) reply = learning(**upstream, std::move(reply));
  if (verb != verbs_.end()) {
    verb->second(**upstream, own_params, std::move(reply));
  } else {
    call_checked(**upstream, *operation, std::move(own_params), std::move(reply));
  }
}

// Where a new thing lives is known from the answer on, even before its first event.
Reply Dispatcher::learning(const Upstream& upstream, Reply reply) {
  return [this, &upstream, reply = std::move(reply)](Result<std::string> answer) {
    if (const auto json = answer ? parse_json(*answer) : Result<Json>(Error{}); json) {
      record::Record record;
      record.server = upstream.name();
      record::lift_ids(*json, nullptr, record.ids);
      whereabouts_.learn(record);
    }
    reply(std::move(answer));
  };
}

}  // namespace aribus::control
