#include "pbx/app_settings.h"

#include <algorithm>
#include <utility>

#include "json/json.h"
#include "json/json_builder.h"
#include "net/url.h"
#include "pbx/event_source.h"

namespace aribus::pbx {
namespace {

using record::IdKind;

// The sources that a request about subscriptions names: in its body, or else in its query, where commas
// separate them.
std::vector<std::string> sources_of(const HttpRequest& request) {
  std::vector<std::string> sources;
  if (!request.body.empty()) {
    const Result<Json> body = parse_json(request.body);
    const JsonValue* given = body ? find(*body, "eventSource") : nullptr;
    if (given == nullptr) return sources;
    if (given->IsString()) return {std::string(as_view(*given))};
    if (!given->IsArray()) return sources;
    for (const JsonValue& item : given->GetArray()) {
      if (item.IsString()) sources.emplace_back(as_view(item));
    }
    return sources;
  }
  constexpr std::string_view name = "eventSource=";
  const size_t at = request.target.find(name);
  if (at == std::string::npos) return sources;
  const std::string_view value = std::string_view(request.target).substr(at + name.size());
  const std::string text = percent_decode(value.substr(0, value.find('&')));
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    sources.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return sources;
}

std::string list_of(const JsonValue& application, std::string_view name) {
  const JsonValue* list = find(application, name);
  return list != nullptr && list->IsArray() ? to_text(*list) : std::string("[]");
}

std::string path_of(const std::string& app) {
  return "/applications/" + percent_encode(app);
}

}  // namespace

std::string source_body(std::string_view source) {
  return ObjectBuilder().json("eventSource", "[" + string_text(source) + "]").str();
}

AppSettings AppSettings::of(std::string_view application) {
  AppSettings settings;
  const Result<Json> json = parse_json(application);
  if (!json || !json->IsObject()) return settings;
  for_each_subscription(*json, [&](const EventSource& source, std::string_view id) {
    if (id == source.all) {
      settings.sources.emplace(source.prefix);
    } else if (source.lasts) {
      settings.sources.insert(std::string(source.prefix) + std::string(id));
    } else if (source.kind == IdKind::bridge) {
      settings.bridges.emplace(id);
    }
  });
  settings.filter = R"({"allowed":)" + list_of(*json, "events_allowed") + R"(,"disallowed":)" +
                    list_of(*json, "events_disallowed") + "}";
  return settings;
}

void AppSettingsStore::see(const HttpRequest& request, const HttpResponse& response, bool restoring) {
  constexpr std::string_view applications = "/ari/applications/", subscription = "/subscription";
  const size_t at = request.target.find(applications);
  if (at == std::string::npos || request.method == "GET" || !response.succeeded()) return;
  const std::string_view rest = std::string_view(request.target).substr(at + applications.size());
  if (const size_t end = rest.find(subscription); end != std::string_view::npos) {
    const std::string app = percent_decode(rest.substr(0, end));
    if (see_bridges(app, sources_of(request), request.method == "DELETE")) return;
  }
  if (restoring) return;
  const Result<Json> json = parse_json(response.body);
  if (!json || !json->IsObject()) return;
  of(std::string(find_string(*json, "name"))) = AppSettings::of(response.body);
}

// Notes the bridges among `sources`, as "bridge:b1" and "channel:c1". True: all of them come and go with
// calls.
bool AppSettingsStore::see_bridges(const std::string& app, const std::vector<std::string>& sources,
                                   bool unsubscribed) {
  constexpr std::string_view bridge = "bridge:", channel = "channel:";
  bool comes_and_goes = !sources.empty();
  for (const std::string& source : sources) {
    const bool is_bridge = source.starts_with(bridge) && source.size() > bridge.size();
    if (is_bridge && unsubscribed) watched_[app].erase(source.substr(bridge.size()));
    if (is_bridge && !unsubscribed) watched_[app].insert(source.substr(bridge.size()));
    comes_and_goes &= is_bridge || (source.starts_with(channel) && source.size() > channel.size());
  }
  return comes_and_goes;
}

bool AppSettingsStore::is_filtered(const std::string& app) const {
  const auto at = settings_.find(app);
  return at != settings_.end() && at->second.filter != R"({"allowed":[],"disallowed":[]})";
}

std::vector<AppSettingsStore::Request> AppSettingsStore::missing(const std::string& app,
                                                                 const AppSettings& present, bool is_ours) {
  std::vector<Request> requests;
  const auto subscribe = [&](const std::string& source) {
    requests.push_back({"POST", path_of(app) + "/subscription", source_body(source)});
  };
  if (is_ours) {
    auto& watched = watched_[app];
    std::erase_if(watched, [&](const std::string& id) { return model_.find(IdKind::bridge, id) == nullptr; });
    for (const std::string& id : watched) {
      if (present.sources.contains("bridge:")) break;
      if (!present.bridges.contains(id)) subscribe("bridge:" + id);
    }
  }
  const auto wanted = settings_.find(app);
  if (wanted == settings_.end()) return requests;
  for (const std::string& source : wanted->second.sources) {
    if (!present.sources.contains(source)) subscribe(source);
  }
  if (wanted->second.filter != present.filter)
    requests.push_back({"PUT", path_of(app) + "/eventFilter", wanted->second.filter});
  return requests;
}

}  // namespace aribus::pbx
