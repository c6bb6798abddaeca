#include "control/server_choice.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "base/suggest.h"
#include "base/utf8.h"
#include "control/named_ids.h"
#include "control/params.h"
#include "control/visibility.h"

namespace aribus::control {
namespace {

using Servers = std::vector<pbx::Server*>;

// The servers that have an object.
struct ServersOf {
  NamedId id;
  Servers servers;  // at least one
};

std::vector<std::string_view> names_of(const Servers& servers) {
  std::vector<std::string_view> names;
  for (const pbx::Server* server : servers) names.push_back(server->name());
  return names;
}

// "pbx1, pbx2 and pbx3"
std::string listed(const Servers& servers) {
  std::string text;
  for (size_t i = 0; i < servers.size(); ++i) {
    if (i > 0) text += i + 1 < servers.size() ? ", " : " and ";
    text += servers[i]->name();
  }
  return text;
}

// "bridge 'sales' lives on pbx1"
std::string text_of(const ServersOf& place) {
  constexpr size_t max_id_bytes = 64;
  std::string text(record::field_name(place.id.kind));
  text.pop_back();  // of a plural
  return text + " '" + to_valid_utf8(place.id.text, max_id_bytes) + "' lives on " + listed(place.servers);
}

Error refusal(const std::string& message) {
  return Error{ErrorKind::invalid_params, "server: " + message, {}};
}

Error unknown_place(const Servers& servers) {
  return refusal("missing, and no id in the parameters is known to live on one; one of " +
                 join(names_of(servers)) + " is expected");
}

Servers common(const Servers& some, const Servers& others) {
  Servers both;
  std::ranges::copy_if(some, std::back_inserter(both), [&](pbx::Server* server) {
    return std::ranges::find(others, server) != others.end();
  });
  return both;
}

// The one server that has all objects. Required: `places` is not empty.
Result<pbx::Server*> decide(const std::vector<ServersOf>& places) {
  Servers left = places.front().servers;
  for (const ServersOf& place : places) {
    const Servers both = common(left, place.servers);
    if (both.empty()) {
      auto other = std::ranges::find_if(
          places, [&](const ServersOf& one) { return common(one.servers, place.servers).empty(); });
      if (other == places.end()) other = places.begin();
      return refusal("no Asterisk has all that is named: " + text_of(*other) + ", " + text_of(place));
    }
    left = both;
  }
  if (left.size() == 1) return left.front();
  const auto fewest =
      std::ranges::min_element(places, {}, [](const ServersOf& place) { return place.servers.size(); });
  return refusal("missing, and " + text_of(*fewest) + "; one of " + join(names_of(left)) + " is expected");
}

// The places of those of `ids` that are live objects on some server and that `counts` accepts.
template <typename Counts>
std::vector<ServersOf> places_of(const Servers& servers, const std::vector<NamedId>& ids, Counts counts) {
  std::vector<ServersOf> places;
  for (const NamedId& id : ids) {
    ServersOf place{id, {}};
    for (pbx::Server* server : servers) {
      if (server->model().find(id.kind, id.text) != nullptr && counts(*server, id))
        place.servers.push_back(server);
    }
    if (!place.servers.empty()) places.push_back(std::move(place));
  }
  return places;
}

// Nothing if none of `ids` is known.
std::optional<Result<pbx::Server*>> choose_by(const std::vector<NamedId>& ids, const Servers& servers,
                                              const state::IdDirectory& known, const AccessRule& rule,
                                              const Bounds& bounds) {
  const auto seen = places_of(servers, ids, [&](const pbx::Server& server, const NamedId& id) {
    return rule.bound_commands ? bounds.reaches(rule, server, id.kind, id.text)
                               : sees_id(rule, server.model(), id.kind, id.text);
  });
  if (!seen.empty()) return decide(seen);
  if (rule.bound_commands) return {};  // the others have the same answer as unknown ones
  const auto live = places_of(servers, ids, [](const pbx::Server&, const NamedId&) { return true; });
  if (!live.empty()) {
    const Result<pbx::Server*> decided = decide(live);
    return decided ? decided : unknown_place(servers);  // the caller must not learn where it is
  }
  for (const NamedId& id : ids) {
    const auto last = known.find(id.kind, id.text);
    const auto at = std::ranges::find_if(servers, [&](const auto* one) { return one->name() == last; });
    if (at != servers.end()) return *at;
  }
  return {};
}

// The server of that name.
Result<pbx::Server*> named_server(const Servers& servers, const JsonValue& given) {
  if (!given.IsString()) return wrong_param("server", "a string", &given);
  const auto at =
      std::ranges::find_if(servers, [&](const auto* one) { return one->name() == as_view(given); });
  if (at != servers.end()) return *at;
  const std::vector<std::string_view> names = names_of(servers);
  Error error = wrong_param("server", "one of " + join(names), &given);
  error.message += did_you_mean(as_view(given), names);
  return error;
}

}  // namespace

Result<pbx::Server*> choose_server(const std::vector<pbx::Server*>& servers, const state::IdDirectory& known,
                                   const Method& method, const JsonValue* named, const JsonValue& params,
                                   const AccessRule& rule, const Bounds& bounds) {
  if (named != nullptr) return named_server(servers, *named);
  if (servers.size() == 1) return servers.front();
  std::vector<NamedId> existing, new_ones;
  for (const NamedId& id : named_ids(params)) {
    (created_kind(method, id.parameter) ? new_ones : existing).push_back(id);
  }
  for (const auto& ids : {existing, new_ones}) {
    if (const auto chosen = choose_by(ids, servers, known, rule, bounds)) return *chosen;
  }
  return unknown_place(servers);
}

}  // namespace aribus::control
