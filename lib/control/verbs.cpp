#include "control/verbs.h"

#include <algorithm>

#include "ari/operation.h"
#include "base/bytes.h"
#include "control/courtesies.h"
#include "control/params.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using ari::Place;
using ari::Type;

constexpr std::string_view http_methods[] = {"GET", "POST", "PUT", "DELETE"};

constexpr Parameter request_params[] = {
    {.name = "method", .required = true, .values = http_methods},
    {.name = "path", .required = true},
    {.name = "query", .type = Type::object},
    {.name = "body", .type = Type::object},
};
// What goes into the path of a request can't be empty.
constexpr Parameter bridge_params[] = {
    {.name = "channels", .place = Place::path, .required = true, .multiple = true},
    {.name = "type"},
    {.name = "name"},
    {.name = "bridgeId", .place = Place::path},
};

const ari::Operation& operation(std::string_view name) {
  return *ari::find_operation(name);
}

Json with_string(std::string_view name, std::string_view value) {
  Json object(rapidjson::kObjectType);
  set_member(object, name, value);
  return object;
}

// "%00" would end the path in Asterisk, which then acts on another thing than was meant.
bool safe_path(std::string_view path) {
  return path.starts_with('/') && path.find("%00") == std::string_view::npos &&
         std::ranges::none_of(path,
                              [](unsigned char c) { return c <= ' ' || c >= 0x7F || c == '?' || c == '#'; });
}

}  // namespace

void ari_request(Upstream& upstream, const Json& params, Reply reply) {
  if (auto checked = check_params(request_params, params); !checked) return reply(checked.error());
  const std::string path(find_string(params, "path"));
  if (!safe_path(path)) {
    return reply(wrong_param("path", "a percent-encoded path below /ari, as /channels, its query in `query`",
                             find(params, "path")));
  }
  std::vector<std::pair<std::string, std::string>> query;
  if (const JsonValue* given = find(params, "query")) {
    for (const auto& member : given->GetObject())
      query.emplace_back(as_view(member.name), ari::query_value(member.value));
  }
  const JsonValue* body = find(params, "body");
  upstream.request(std::string(find_string(params, "method")), path, ari::query_string(query),
                   body == nullptr ? "" : to_text(*body), std::move(reply));
}

void call_checked(Upstream& upstream, const ari::Operation& op, Json params, Reply reply) {
  // What a courtesy takes in more forms than ARI does is checked by prepare().
  Json strict = copy_of(params);
  for (const Parameter& parameter : op.parameters) {
    if (is_courtesy_param(op, parameter.name)) {
      strict.RemoveMember(std::string(parameter.name).c_str());
    }
  }
  if (auto checked = check_params(op.parameters, strict); !checked) return reply(checked.error());
  if (auto prepared = prepare(op, params, upstream); !prepared) return reply(prepared.error());
  call_explained(upstream, op, params, std::move(reply));
}

void bridge(Upstream& upstream, const Json& params, Reply reply) {
  if (auto checked = check_params(bridge_params, params); !checked) return reply(checked.error());
  Json create = copy_of(params);
  create.RemoveMember("channels");
  const std::string id(find_string(params, "bridgeId", "aribus-" + random_hex(8)));
  set_member(create, "bridgeId", id);
  auto add = std::make_shared<Json>(with_string("bridgeId", id));
  set_member(*add, "channel", *find(params, "channels"));
  call_checked(
      upstream, operation("bridges.create"), std::move(create), [&upstream, id, add, reply](auto created) {
        if (!created) return reply(std::move(created));
        upstream.call(operation("bridges.addChannel"), *add, [&upstream, id, reply](auto added) {
          const Json named = with_string("bridgeId", id);
          if (added) return upstream.call(operation("bridges.get"), named, reply);
          upstream.call(operation("bridges.destroy"), named,
                        [reply, error = added.error()](const auto& destroyed) mutable {
                          error.message +=
                              destroyed ? "; the bridge was destroyed again"
                                        : "; the bridge could not be destroyed: " + destroyed.error().message;
                          reply(std::move(error));
                        });
        });
      });
}

void play(Upstream& upstream, const Json& params, Reply reply) {
  const bool on_channel = find(params, "channelId") != nullptr;
  if (on_channel == (find(params, "bridgeId") != nullptr)) {
    return reply(
        Error{ErrorKind::invalid_params, "channelId: exactly one of channelId and bridgeId is expected", {}});
  }
  call_checked(upstream, operation(on_channel ? "channels.play" : "bridges.play"), copy_of(params),
               std::move(reply));
}

}  // namespace aribus::control
