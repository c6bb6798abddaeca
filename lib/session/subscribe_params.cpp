#include "session/subscribe_params.h"

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
};

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
