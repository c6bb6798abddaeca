#include "session/subscribe_params.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "control/params.h"
#include "record/id_set.h"
#include "session/results.h"

namespace aribus::session {
namespace {

using ari::Parameter;

constexpr size_t max_globs = 256;  // each is matched with every type of record
constexpr size_t max_glob_bytes = 128;
constexpr size_t max_names = 1024;        // servers, applications and ids, each
constexpr size_t max_shown_bytes = 4096;  // of a filter's values, in filter_text()
constexpr std::string_view overflows[] = {"lost", "disconnect"};
constexpr std::string_view beginnings[] = {"newest", "oldest"};
constexpr size_t max_holds = 10'000;

constexpr Parameter subscribe_params[] = {
    {.name = "types", .multiple = true},
    {.name = "exclude", .multiple = true},
    {.name = "servers", .multiple = true},
    {.name = "apps", .multiple = true},
    {.name = "channels", .multiple = true},
    {.name = "bridges", .multiple = true},
    {.name = "endpoints", .multiple = true},
    {.name = "calls", .multiple = true},
    {.name = "since"},
    {.name = "from", .values = beginnings},
    {.name = "on_overflow", .values = overflows},
    {.name = "snapshot", .type = ari::Type::boolean},
    {.name = "announce", .type = ari::Type::boolean},
    {.name = "group"},
    {.name = "member"},
    {.name = "capacity", .type = ari::Type::integer, .minimum = 0},
    {.name = "holds", .type = ari::Type::object, .multiple = true},
    {.name = "accept_ms", .type = ari::Type::integer, .minimum = 1, .maximum = longest_group_ms},
    {.name = "grace_ms", .type = ari::Type::integer, .minimum = 0, .maximum = longest_group_ms},
    {.name = "lease_ms", .type = ari::Type::integer, .minimum = 0, .maximum = longest_group_ms},
    {.name = "fallback_after_ms", .type = ari::Type::integer, .minimum = 1, .maximum = longest_group_ms},
    {.name = "fallback", .values = groups::fallback_names},
    {.name = "fallback_media"},
    {.name = "fallback_app"},
    {.name = "exclusive", .type = ari::Type::boolean},
    {.name = "orphan", .values = groups::orphan_names},
    {.name = "orphan_after_ms", .type = ari::Type::integer, .minimum = 1, .maximum = longest_group_ms},
};

constexpr std::string_view membership_params[] = {"member", "capacity", "holds"};
constexpr std::string_view settings_params[] = {
    "accept_ms",    "grace_ms",  "lease_ms", "fallback_after_ms", "fallback", "fallback_media",
    "fallback_app", "exclusive", "orphan",   "orphan_after_ms"};

std::vector<std::string> strings_of(const JsonValue& params, std::string_view name) {
  std::vector<std::string> strings;
  const JsonValue* value = find(params, name);
  if (value == nullptr) return strings;
  if (value->IsString()) return {std::string(as_view(*value))};
  for (const JsonValue& item : value->GetArray()) strings.emplace_back(as_view(item));
  return strings;
}

// Each value is compared with many records.
Result<void> check_names(const JsonValue& params, std::string_view name) {
  const JsonValue* given = find(params, name);
  if (given == nullptr || !given->IsArray()) return {};
  if (given->Size() > max_names) return control::too_many_values(name, max_names, given->Size());
  for (const JsonValue& item : given->GetArray()) {
    if (item.GetStringLength() > record::max_id_bytes) {
      return control::wrong_param(
          name, "a value of at most " + std::to_string(record::max_id_bytes) + " bytes", &item);
    }
  }
  return {};
}

Result<void> check_globs(const JsonValue& params, std::string_view name,
                         const std::vector<std::string>& globs) {
  if (globs.size() > max_globs) return control::too_many_values(name, max_globs, globs.size());
  const JsonValue* given = find(params, name);
  for (size_t i = 0; i < globs.size(); ++i) {
    if (globs[i].size() <= max_glob_bytes) continue;
    const JsonValue* glob = given->IsArray() ? &(*given)[static_cast<rapidjson::SizeType>(i)] : given;
    return control::wrong_param(name, "a glob of at most " + std::to_string(max_glob_bytes) + " bytes", glob);
  }
  return {};
}

bool is_true(const JsonValue& params, std::string_view name) {
  const JsonValue* value = find(params, name);
  return value != nullptr && value->GetBool();
}

std::optional<groups::milliseconds> time_at(const JsonValue& params, std::string_view name) {
  const JsonValue* value = find(params, name);
  return value == nullptr ? std::nullopt : std::optional(groups::milliseconds(value->GetInt64()));
}

// `settings` with what `params` say.
groups::Settings changed(groups::Settings settings, const JsonValue& params) {
  const auto is_off = [](groups::milliseconds time) { return time == groups::milliseconds(0); };
  if (find(params, "apps") != nullptr) settings.apps = strings_of(params, "apps");
  if (const auto time = time_at(params, "accept_ms")) settings.accept = *time;
  if (const auto time = time_at(params, "grace_ms")) settings.grace = is_off(*time) ? std::nullopt : time;
  if (const auto time = time_at(params, "lease_ms")) settings.lease = is_off(*time) ? std::nullopt : time;
  if (const auto time = time_at(params, "fallback_after_ms")) settings.fallback_after = *time;
  if (const auto time = time_at(params, "orphan_after_ms")) settings.orphan_after = *time;
  if (find(params, "fallback") != nullptr) {
    const auto at = std::ranges::find(groups::fallback_names, find_string(params, "fallback"));
    settings.fallback = static_cast<groups::Fallback>(at - std::begin(groups::fallback_names));
  }
  if (find(params, "fallback_media") != nullptr) settings.fallback_media = find_string(params, "fallback_media");
  if (find(params, "fallback_app") != nullptr) settings.fallback_app = find_string(params, "fallback_app");
  if (const JsonValue* given = find(params, "exclusive")) settings.exclusive = given->GetBool();
  if (find(params, "orphan") != nullptr) {
    settings.orphan =
        find_string(params, "orphan") == "keep" ? groups::Orphan::keep : groups::Orphan::fallback;
  }
  return settings;
}

// Errors: invalid_params.
Result<std::vector<groups::Held>> read_holds(const JsonValue& params) {
  std::vector<groups::Held> holds;
  const JsonValue* given = find(params, "holds");
  if (given == nullptr) return holds;
  const auto read = [&](const JsonValue& value) {
    const JsonValue* epoch = find(value, "epoch");
    const std::string_view call = find_string(value, "call");
    if (call.empty() || call.size() > record::max_id_bytes || epoch == nullptr || !epoch->IsUint64())
      return false;
    holds.push_back({std::string(call), epoch->GetUint64()});
    return true;
  };
  if (given->IsObject() && read(*given)) return holds;
  if (!given->IsArray())
    return control::wrong_param("holds", "an array of objects with `call` and `epoch`", given);
  if (given->Size() > max_holds) return control::too_many_values("holds", max_holds, given->Size());
  for (const JsonValue& item : given->GetArray()) {
    if (!read(item))
      return control::wrong_param(
          "holds", "an object with `call`, the id of a call, and `epoch`, a whole number,", &item);
  }
  return holds;
}

// Errors: invalid_params.
Result<std::optional<GroupParams>> read_group(const JsonValue& params) {
  if (find(params, "group") == nullptr) {
    for (const std::span<const std::string_view> names :
         {std::span<const std::string_view>(membership_params),
          std::span<const std::string_view>(settings_params)}) {
      for (const std::string_view name : names) {
        if (find(params, name) == nullptr) continue;
        return Error{ErrorKind::invalid_params,
                     std::string(name) + ": it is only for members of a group: `group` is missing",
                     {}};
      }
    }
    return std::optional<GroupParams>();
  }
  Result<std::vector<groups::Held>> holds = read_holds(params);
  if (!holds) return holds.error();
  GroupParams group;
  group.join.group = find_string(params, "group");
  group.join.member = find_string(params, "member");
  if (const JsonValue* capacity = find(params, "capacity"))
    group.join.capacity = static_cast<size_t>(capacity->GetInt64());
  group.join.holds = std::move(*holds);
  const bool gives_settings =
      find(params, "apps") != nullptr ||
      std::ranges::any_of(settings_params, [&](std::string_view name) { return find(params, name) != nullptr; });
  if (gives_settings) {
    group.change = [given = std::make_shared<const Json>(copy_of(params))](groups::Settings settings) {
      return changed(std::move(settings), *given);
    };
  }
  return std::optional(std::move(group));
}

}  // namespace

std::vector<Parameter> subscribe_parameters() {
  return {std::begin(subscribe_params), std::end(subscribe_params)};
}

Result<SubscribeParams> read_subscribe_params(const JsonValue& params) {
  if (auto checked = control::check_params(subscribe_params, params); !checked) return checked.error();
  SubscribeParams read;
  bus::FilterOptions& wanted = read.wanted;
  wanted.types = strings_of(params, "types");
  wanted.exclude = strings_of(params, "exclude");
  if (auto checked = check_globs(params, "types", wanted.types); !checked) return checked.error();
  if (auto checked = check_globs(params, "exclude", wanted.exclude); !checked) return checked.error();
  for (const std::string_view name : {"servers", "apps", "channels", "bridges", "endpoints", "calls"}) {
    if (auto checked = check_names(params, name); !checked) return checked.error();
  }
  wanted.servers = strings_of(params, "servers");
  wanted.apps = strings_of(params, "apps");
  wanted.channels = strings_of(params, "channels");
  wanted.bridges = strings_of(params, "bridges");
  wanted.endpoints = strings_of(params, "endpoints");
  wanted.calls = strings_of(params, "calls");
  if (find(params, "since") != nullptr) read.since = find_string(params, "since");
  read.from_oldest = find_string(params, "from") == "oldest";
  read.snapshot = is_true(params, "snapshot");
  read.announce = is_true(params, "announce");
  if (find_string(params, "on_overflow") == "disconnect") read.on_overflow = Overflow::disconnect;
  Result<std::optional<GroupParams>> group = read_group(params);
  if (!group) return group.error();
  read.group = std::move(*group);
  if (read.from_oldest && read.snapshot) {
    return Error{ErrorKind::invalid_params,
                 "snapshot: it would be of now, and `from` asks for what came before; ask for one of them",
                 {}};
  }
  return read;
}

std::string filter_text(const bus::FilterOptions& wanted, bool announces) {
  size_t shown_bytes = 0, left_out = 0;
  const auto list = [&](std::optional<std::vector<std::string>>& shown,
                        const std::vector<std::string>& values) {
    if (values.empty()) return;
    shown.emplace();
    for (const std::string& value : values) {
      shown_bytes += value.size();
      shown_bytes <= max_shown_bytes ? shown->push_back(value) : static_cast<void>(++left_out);
    }
  };
  ShownFilter filter;
  list(filter.types, wanted.types);
  list(filter.exclude, wanted.exclude);
  list(filter.servers, wanted.servers);
  list(filter.apps, wanted.apps);
  list(filter.channels, wanted.channels);
  list(filter.bridges, wanted.bridges);
  list(filter.endpoints, wanted.endpoints);
  list(filter.calls, wanted.calls);
  if (announces) filter.announce = true;
  if (left_out > 0) filter.more = left_out;
  return to_json(filter);
}

}  // namespace aribus::session
