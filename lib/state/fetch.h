// What Asterisk itself answers about what lives on it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ari/client.h"
#include "net/background_queue.h"
#include "record/ids.h"
#include "state/model.h"

namespace aribus::state {

// What applications hear of: GET /applications/{app}.
struct AppSubscriptions {
  std::array<std::set<std::string, std::less<>>, record::id_kinds> ids;
  std::array<bool, record::id_kinds> all{};  // of everything of this kind

  [[nodiscard]] bool has(IdKind kind, std::string_view id) const;
};

struct FetchedState {
  AppSubscriptions subscriptions;
  // By kind and id, as regular JSON. Of playbacks, recordings and devices only those that were asked for.
  std::array<std::map<std::string, std::string, std::less<>>, record::id_kinds> objects;

  std::vector<std::string> unknown_apps;  // applications that Asterisk does not know

  // The channels that each application hears of, those of other clients included.
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> channels_of_app;
  std::set<std::string, std::less<>> hear_all_channels;  // applications

  // nullptr when there is none.
  [[nodiscard]] const std::string* find(IdKind kind, std::string_view id) const;
  // The applications that hear of this channel in particular.
  [[nodiscard]] std::vector<std::string> apps_that_list(std::string_view channel) const;
  [[nodiscard]] bool hears_channel(std::string_view app, std::string_view channel) const;
};

// What programs set on an application, which it loses when Asterisk restarts.
struct AppSettings {
  std::set<std::string> sources;  // "endpoint:PJSIP", "deviceState:", …
  std::string filter;             // the body of applications.filter
  std::set<std::string>
      bridges;  // those that it hears of now, asked for or with a channel of its own in them

  // Of an Application, as ARI shows it; else what comes and goes with calls is left out.
  [[nodiscard]] static AppSettings of(std::string_view application);
};

// The body of applications.subscribe for one source, as "bridge:b1". In a query Asterisk would cut it at
// commas.
[[nodiscard]] std::string source_body(std::string_view source);

// Asks Asterisk, step by step: the applications, then what there is. One fetch at a time.
class StateFetcher {
 public:
  // An error of kind refused: Asterisk answers, and not as it should.
  using Done = std::function<void(Result<FetchedState>)>;

  StateFetcher(ari::Client& client, const Model& model)
      : client_(&client), model_(model), large_(client.loop()) {}
  ~StateFetcher() { stop(); }
  StateFetcher(const StateFetcher&) = delete;
  StateFetcher& operator=(const StateFetcher&) = delete;

  // Asks through another connection from now on; a fetch under way is over.
  void use(ari::Client& client) {
    stop();
    client_ = &client;
  }

  // Sets again what programs have set on the applications, if it is gone, and reads everything; without
  // `phones` no endpoints and devices, of which there may be thousands. `done` is called once, unless another
  // fetch begins or stop() is called first.
  void begin(bool phones, Done done);
  // Reads only what the applications hear of, and these playbacks.
  void begin_subscriptions(const std::vector<std::string>& playbacks, Done done);
  void stop();

  // To be called for each request that Asterisk has answered: it may have set something on an application.
  void see(const HttpRequest& request, const HttpResponse& response);
  // A program has set on `app` which types of events it is to hear of, as far as that is known.
  [[nodiscard]] bool is_filtered(const std::string& app) const;

 private:
  struct Round;
  // Takes what was read over, on the loop's thread. False: it is not what it should be.
  using Take = std::function<bool()>;
  // Reads the body of an answer, on whatever thread: it touches nothing else.
  using Read = std::function<Take(std::string_view body)>;

  void read_applications(const std::shared_ptr<Round>& round);
  void read_application(const std::shared_ptr<Round>& round, const std::string& app, bool restored);
  void read_other_applications(const std::shared_ptr<Round>& round);
  void restore(const std::shared_ptr<Round>& round, const std::string& app, const AppSettings& present);
  bool see_bridges(const std::string& app, const std::vector<std::string>& sources, bool unsubscribed);
  void restore_bridges(const std::shared_ptr<Round>& round, const std::string& app,
                       const AppSettings& present);
  void read_objects(const std::shared_ptr<Round>& round);
  void read_calls(const std::shared_ptr<Round>& round);
  void read_phones(const std::shared_ptr<Round>& round);
  void read_list(const std::shared_ptr<Round>& round, IdKind kind, const std::string& path);
  void read_one(const std::shared_ptr<Round>& round, IdKind kind, const std::string& path,
                const std::string& id);
  [[nodiscard]] static Read read_into(const std::shared_ptr<Round>& round, IdKind kind, bool list);
  // `unknown` is called when Asterisk says that there is no such thing, and says whether that is an answer.
  void get(const std::shared_ptr<Round>& round, const std::string& target, Read read,
           std::function<bool()> unknown = nullptr);
  void set(const std::shared_ptr<Round>& round, const std::string& method, const std::string& target,
           const std::string& body);
  void take(const std::shared_ptr<Round>& round, const std::string& target, Result<HttpResponse> answer,
            const Read& read);
  void finish_part(const std::shared_ptr<Round>& round);
  void fail(const std::shared_ptr<Round>& round, const std::string& why);

  ari::Client* client_;
  const Model& model_;
  std::shared_ptr<Round> round_;
  std::map<std::string, std::set<std::string>> watched_;  // bridges that each application was to hear of
  std::map<std::string, AppSettings> settings_;           // by application
  BackgroundQueue large_;                                 // reads answers that would hold up the loop
};

}  // namespace aribus::state
