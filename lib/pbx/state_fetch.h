// Reads the live objects of an Asterisk.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ari/client.h"
#include "net/background_queue.h"
#include "net/sliced_work.h"
#include "pbx/app_settings.h"
#include "state/fetched.h"
#include "state/model.h"

namespace aribus::pbx {

// Objects and ids of a FetchedState; more are freed on another thread.
constexpr size_t max_freed_at_once = 1000;

// Asks Asterisk, step by step: the applications, whose lost settings it restores, then the objects. One fetch
// at a time. Lives on the loop's thread.
class StateFetcher {
 public:
  // Errors: refused: Asterisk gave no answer, or none that can be used.
  using Done = std::function<void(Result<state::FetchedState>)>;

  StateFetcher(ari::Client& client, state::Model& model)
      : client_(&client), model_(model), settings_(model), asking_(client.loop()), large_(client.loop()) {}
  ~StateFetcher() { stop(); }
  StateFetcher(const StateFetcher&) = delete;
  StateFetcher& operator=(const StateFetcher&) = delete;

  // Asks through another connection from now on; a fetch under way is over.
  void use(ari::Client& client) {
    stop();
    client_ = &client;
  }

  // Restores the settings of the applications that are gone, and reads everything; without `phones` no
  // endpoints and devices, of which there may be thousands. `done` is called once, unless another fetch
  // begins or stop() is called first.
  void begin(bool phones, Done done);
  // Reads only the subscriptions of the applications, and these playbacks.
  void begin_subscriptions(const std::vector<std::string>& playbacks, Done done);
  void stop();

  // See AppSettingsStore.
  void see(const HttpRequest& request, const HttpResponse& response);
  [[nodiscard]] bool is_filtered(const std::string& app) const { return settings_.is_filtered(app); }

 private:
  struct Round;
  // Puts what was read into the round, on the loop's thread. False: it can't be used.
  using Take = std::function<bool()>;
  // Reads the body of an answer, on any thread: it touches nothing else.
  using Read = std::function<Take(std::string_view body)>;

  void read_applications(const std::shared_ptr<Round>& round);
  void read_application(const std::shared_ptr<Round>& round, const std::string& app, bool restored);
  void read_other_applications(const std::shared_ptr<Round>& round);
  void restore(const std::shared_ptr<Round>& round, const std::string& app, const AppSettings& present);
  void read_objects(const std::shared_ptr<Round>& round);
  [[nodiscard]] Slices ask_for_objects(std::shared_ptr<Round> round);
  [[nodiscard]] Slices read_each(const std::shared_ptr<Round>& round, record::IdKind kind, std::string_view path);
  [[nodiscard]] Slices read_phones(const std::shared_ptr<Round>& round);
  void read_list(const std::shared_ptr<Round>& round, record::IdKind kind, std::string_view path);
  void read_one(const std::shared_ptr<Round>& round, record::IdKind kind, std::string_view path,
                const std::string& id);
  [[nodiscard]] Read read_into(const std::shared_ptr<Round>& round, record::IdKind kind, bool list);
  // `unknown` is called when Asterisk answers 404, and returns whether that is an answer.
  void get(const std::shared_ptr<Round>& round, const std::string& target, Read read,
           std::function<bool()> unknown = nullptr);
  void set(const std::shared_ptr<Round>& round, const std::string& method, const std::string& target,
           const std::string& body);
  void take(const std::shared_ptr<Round>& round, const std::string& target, Result<HttpResponse> answer,
            const Read& read);
  void free_later(std::shared_ptr<void> object);
  void finish_part(const std::shared_ptr<Round>& round);
  void fail(const std::shared_ptr<Round>& round, const std::string& why);

  ari::Client* client_;
  state::Model& model_;
  std::shared_ptr<Round> round_;
  AppSettingsStore settings_;
  SlicedWork asking_;
  BackgroundQueue large_;  // reads answers that would hold up the loop
};

}  // namespace aribus::pbx
