// What programs set on the applications, which Asterisk forgets when it restarts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "state/model.h"

namespace aribus::pbx {

// The settings of one application.
struct AppSettings {
  std::set<std::string> sources;  // "endpoint:PJSIP", "deviceState:", …
  std::string filter;             // the body of applications.filter
  std::set<std::string> bridges;  // subscribed to: on request, or because a channel of its own is in them

  // Of an Application, as ARI shows it; without what comes and goes with calls, except bridges.
  [[nodiscard]] static AppSettings of(std::string_view application);
};

// The body of applications.subscribe for one source, as "bridge:b1". In a query Asterisk would cut it at
// commas.
[[nodiscard]] std::string source_body(std::string_view source);

// Remembers the settings of the applications, and says which requests restore them. It sends nothing itself
// (StateFetcher does). Lives on the loop's thread.
class AppSettingsStore {
 public:
  // `model` knows which bridges still exist.
  explicit AppSettingsStore(const state::Model& model) : model_(model) {}

  // To be called for each request that Asterisk has answered: it may have set something on an application.
  // `restoring`: requests of missing() are under way, and the application is read after them.
  void see(const HttpRequest& request, const HttpResponse& response, bool restoring);
  // What `app` has: to be replaced by what Asterisk shows after what was missing was restored.
  [[nodiscard]] AppSettings& of(const std::string& app) { return settings_[app]; }
  // A program has set a filter of event types on `app`, as far as that is known.
  [[nodiscard]] bool is_filtered(const std::string& app) const;

  struct Request {
    std::string method;  // of HTTP
    std::string target;  // below /ari, encoded
    std::string body;
  };
  // The requests that restore what `app`, which has the settings `present`, has lost. `is_ours`: no other
  // client has taken it over.
  [[nodiscard]] std::vector<Request> missing(const std::string& app, const AppSettings& present,
                                             bool is_ours);

 private:
  bool see_bridges(const std::string& app, const std::vector<std::string>& sources, bool unsubscribed);

  const state::Model& model_;
  std::map<std::string, AppSettings> settings_;           // by application
  std::map<std::string, std::set<std::string>> watched_;  // bridges that each was subscribed to on request
};

}  // namespace aribus::pbx
