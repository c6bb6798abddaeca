#include "session/subscription_doubts.h"

#include <algorithm>
#include <set>

#include "base/glob.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "record/own_records.h"

namespace aribus::session {
namespace {

constexpr size_t max_doubts = 10;
constexpr size_t max_value_bytes = 128;

class Doubts {
 public:
  explicit Doubts(std::vector<std::string>& texts) : texts_(texts) {}

  // Checks `values` until there are too many doubts; `text` returns the doubt about a value, or "".
  template <typename Text>
  void look_at(std::string_view parameter, const std::vector<std::string>& values, const Text& text) {
    for (const std::string& value : values) {
      if (full_) return;
      const std::string doubt = text(value);
      if (doubt.empty()) continue;
      full_ = texts_.size() == max_doubts;
      texts_.push_back(full_ ? "and there are more" : std::string(parameter) + ": " + doubt);
    }
  }

 private:
  std::vector<std::string>& texts_;
  bool full_ = false;
};

std::string quoted(const std::string& value) {
  return "'" + to_valid_utf8(value, max_value_bytes) + "'";
}

std::string doubt_about_type(const std::string& glob) {
  const auto& types = record::known_types();
  const auto is_matched = [&](std::string_view type) { return matches_glob(glob, std::string(type)); };
  if (std::ranges::any_of(types, is_matched)) return {};
  const bool is_glob = glob.find_first_of("*?[") != std::string::npos;
  return (is_glob ? "no known type matches " + quoted(glob) : quoted(glob) + " is no known type") +
         did_you_mean(glob, types);
}

std::string doubt_about_endpoint(const std::string& endpoint) {
  if (endpoint.find('/') != std::string::npos) return {};
  return quoted(endpoint) + " has no technology; PJSIP/100 is of the form that is expected";
}

}  // namespace

std::vector<std::string> doubts_about(const bus::FilterOptions& wanted, const control::Dispatcher& dispatcher,
                                      const control::AccessRule& rule) {
  std::vector<std::string_view> servers;
  std::set<std::string_view> apps;
  for (const auto& server : dispatcher.servers()) {
    servers.push_back(server->name());
    for (const std::string& app : server->client().options().apps) {
      if (rule.sees_app(app)) apps.insert(app);
    }
  }
  const std::vector<std::string_view> known_apps(apps.begin(), apps.end());
  std::vector<std::string> texts;
  Doubts doubts(texts);
  doubts.look_at("types", wanted.types, doubt_about_type);
  doubts.look_at("exclude", wanted.exclude, doubt_about_type);
  doubts.look_at("servers", wanted.servers, [&](const std::string& name) {
    if (std::ranges::find(servers, name) != servers.end()) return std::string();
    return "there is no server " + quoted(name) + did_you_mean(name, servers);
  });
  doubts.look_at("apps", wanted.apps, [&](const std::string& name) {
    if (name.empty() || apps.contains(name)) return std::string();  // "": records without an application
    return "aribusd holds no application " + quoted(name) + " that this program may see" +
           did_you_mean(name, known_apps);
  });
  doubts.look_at("endpoints", wanted.endpoints, doubt_about_endpoint);
  return texts;
}

}  // namespace aribus::session
