#include "pbx/state_fetch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "ari/error_response.h"
#include "json/json.h"
#include "json/json_tape.h"
#include "net/url.h"
#include "pbx/event_source.h"
#include "record/answer.h"

namespace aribus::pbx {
namespace {

using record::IdKind;
using state::AppSubscriptions;
using state::FetchedState;

constexpr size_t max_tokens = 4'000'000;  // of one answer: some 30,000 channels

void take_channels_of(const std::string& app, const JsonValue& application, FetchedState& fetched) {
  auto& channels = fetched.channels_of_app[app];
  for_each_subscription(application, [&](const EventSource& source, std::string_view id) {
    if (source.kind != IdKind::channel) return;
    id == source.all ? static_cast<void>(fetched.hear_all_channels.insert(app))
                     : static_cast<void>(channels.emplace(id));
  });
}

std::string_view model_of(IdKind kind) {
  constexpr std::string_view names[] = {"Channel",       "Bridge",   "Playback",
                                        "LiveRecording", "Endpoint", "DeviceState"};
  return names[static_cast<size_t>(kind)];
}

std::string id_of(IdKind kind, JsonView object) {
  if (kind == IdKind::endpoint) return object.string_at("technology") + "/" + object.string_at("resource");
  return object.string_at(kind == IdKind::recording || kind == IdKind::device ? "name" : "id");
}

using Objects = std::map<std::string, std::string, std::less<>>;

// The objects in an answer, which shows one or a list of them, by id; nothing when it is neither.
std::optional<Objects> objects_of(IdKind kind, bool list, std::string_view body) {
  const ari::ResultType answer{ari::Type::model, list, ari::find_model(model_of(kind))};
  const auto normalized = record::normalized_answer(body, answer);
  if (!normalized) return {};
  JsonTape tape;
  const JsonView value = tape.read(*normalized);
  Objects objects;
  if (!list && value.kind() == JsonKind::object) {
    objects.emplace(id_of(kind, value), value.text());
    return objects;
  }
  if (!list || value.kind() != JsonKind::array) return {};
  for (const auto& child : value.children()) {
    objects.insert_or_assign(id_of(kind, child.value()), std::string(child.value().text()));
  }
  return objects;
}

}  // namespace

// One fetch under way.
struct StateFetcher::Round {
  Done done;
  bool subscriptions_only = false;
  std::vector<std::string> playbacks;  // to read besides the subscriptions
  bool phones = true;                  // endpoints and devices, too
  bool restoring = false;
  size_t open = 0;  // requests of this step
  void (StateFetcher::*next)(const std::shared_ptr<Round>&) = nullptr;
  FetchedState fetched;
};

void StateFetcher::begin(bool phones, Done done) {
  round_ = std::make_shared<Round>();
  round_->done = std::move(done);
  round_->phones = phones;
  read_applications(round_);
}

void StateFetcher::begin_subscriptions(const std::vector<std::string>& playbacks, Done done) {
  round_ = std::make_shared<Round>();
  round_->done = std::move(done);
  round_->subscriptions_only = true;
  round_->playbacks = playbacks;
  read_applications(round_);
}

void StateFetcher::stop() {
  round_.reset();
}

void StateFetcher::see(const HttpRequest& request, const HttpResponse& response) {
  settings_.see(request, response, round_ && round_->restoring);
}

void StateFetcher::read_applications(const std::shared_ptr<Round>& round) {
  round->next = &StateFetcher::read_objects;
  round->open = 1;
  for (const std::string& app : client_->options().apps) read_application(round, app, false);
  if (!round->subscriptions_only) read_other_applications(round);
  finish_part(round);
}

void StateFetcher::read_application(const std::shared_ptr<Round>& round, const std::string& app,
                                    bool restored) {
  // Where Asterisk connects to aribus, an application stays taken when the other client that had it goes
  // away, and is not even listed then (22.10).
  const auto unknown = [this, round, app] {
    if (client_->options().listen) round->fetched.unknown_apps.push_back(app);
    return client_->options().listen.has_value();
  };
  const auto take = [this, round, app, restored](const Json& application, const AppSettings& present) {
    if (!restored && !round->subscriptions_only) {
      const size_t before = round->open;
      restore(round, app, present);
      if (round->open > before) {
        read_application(round, app, true);
        return;
      }
    }
    settings_.set(app, present);
    for_each_subscription(application, [&](const EventSource& source, std::string_view id) {
      const auto i = static_cast<size_t>(source.kind);
      if (id == source.all) {
        round->fetched.subscriptions.all[i] = true;
      } else {
        round->fetched.subscriptions.ids[i].emplace(id);
      }
    });
    if (!round->subscriptions_only) take_channels_of(app, application, round->fetched);
  };
  get(
      round, "/applications/" + percent_encode(app),
      [take](std::string_view body) -> Take {
        auto json = std::make_shared<Result<Json>>(parse_json(body));
        if (!*json || !(*json)->IsObject()) return [] { return false; };
        return [take, json, present = AppSettings::of(body)] {
          take(**json, present);
          return true;
        };
      },
      unknown);
}

// Their subscriptions show whether a call that came to one of them was moved to one of ours.
void StateFetcher::read_other_applications(const std::shared_ptr<Round>& round) {
  const auto take = [this, round](const Json& applications) {
    const auto& ours = client_->options().apps;
    for (const JsonValue& application : applications.GetArray()) {
      const std::string name(find_string(application, "name"));
      if (std::ranges::find(ours, name) != ours.end()) continue;
      take_channels_of(name, application, round->fetched);
    }
  };
  get(
      round, "/applications",
      [take](std::string_view body) -> Take {
        auto json = std::make_shared<Result<Json>>(parse_json(body));
        if (!*json || !(*json)->IsArray()) return [] { return false; };
        return [take, json] {
          take(**json);
          return true;
        };
      },
      [] { return true; });
}

// What is missing is set again; the application is read again after that.
void StateFetcher::restore(const std::shared_ptr<Round>& round, const std::string& app,
                           const AppSettings& present) {
  const bool is_ours = !client_->replaced_apps().contains(app);
  for (const auto& [method, target, body] : settings_.missing(app, present, is_ours)) {
    set(round, method, target, body);
  }
}

void StateFetcher::read_objects(const std::shared_ptr<Round>& round) {
  round->next = nullptr;
  round->open = 1;
  for (const std::string& id : round->playbacks) read_one(round, IdKind::playback, "/playbacks/", id);
  if (!round->subscriptions_only) read_calls(round);
  if (!round->subscriptions_only && round->phones) read_phones(round);
  finish_part(round);
}

void StateFetcher::read_calls(const std::shared_ptr<Round>& round) {
  read_list(round, IdKind::channel, "/channels");
  read_list(round, IdKind::bridge, "/bridges");
  for (const auto& [id, object] : model_.of(IdKind::playback)) {
    read_one(round, IdKind::playback, "/playbacks/", id);
  }
  for (const auto& [id, object] : model_.of(IdKind::recording)) {
    read_one(round, IdKind::recording, "/recordings/live/", id);
  }
}

void StateFetcher::read_phones(const std::shared_ptr<Round>& round) {
  const AppSubscriptions& subscriptions = round->fetched.subscriptions;
  const auto hears = [&](IdKind kind) {
    const auto i = static_cast<size_t>(kind);
    return subscriptions.all[i] || !subscriptions.ids[i].empty();
  };
  if (hears(IdKind::endpoint)) read_list(round, IdKind::endpoint, "/endpoints");
  if (hears(IdKind::device)) read_list(round, IdKind::device, "/deviceStates");  // those of Stasis alone
  for (const auto& [id, object] : model_.of(IdKind::device)) {
    read_one(round, IdKind::device, "/deviceStates/", id);
  }
  for (const std::string& name : subscriptions.ids[static_cast<size_t>(IdKind::device)]) {
    if (model_.find(IdKind::device, name) == nullptr) {
      read_one(round, IdKind::device, "/deviceStates/", name);
    }
  }
}

void StateFetcher::read_list(const std::shared_ptr<Round>& round, IdKind kind, const std::string& path) {
  get(round, path, read_into(round, kind, true));
}

void StateFetcher::read_one(const std::shared_ptr<Round>& round, IdKind kind, const std::string& path,
                            const std::string& id) {
  get(round, path + percent_encode(id), read_into(round, kind, false), [] { return true; });  // it is gone
}

StateFetcher::Read StateFetcher::read_into(const std::shared_ptr<Round>& round, IdKind kind, bool list) {
  return [round, kind, list](std::string_view body) -> Take {
    const auto read = std::make_shared<std::optional<Objects>>(objects_of(kind, list, body));
    return [round, kind, read] {
      if (!*read) return false;
      Objects& known = round->fetched.objects[static_cast<size_t>(kind)];
      if (known.empty()) {
        known = std::move(**read);
      } else {
        for (auto& [id, text] : **read) known.insert_or_assign(id, std::move(text));
      }
      return true;
    };
  };
}

void StateFetcher::get(const std::shared_ptr<Round>& round, const std::string& target, Read read,
                       std::function<bool()> unknown) {
  ++round->open;
  client_->request("GET", target, "",
                   [this, round, target, read = std::move(read),
                    unknown = std::move(unknown)](Result<HttpResponse> answer) {
                     if (round != round_) return;
                     if (answer && answer->status == 404 && unknown && unknown()) return finish_part(round);
                     take(round, target, std::move(answer), read);
                   });
}

void StateFetcher::set(const std::shared_ptr<Round>& round, const std::string& method,
                       const std::string& target, const std::string& body) {
  round->restoring = true;
  ++round->open;
  client_->request(method, target, body, [this, round, target](const Result<HttpResponse>& answer) {
    if (round != round_) return;
    // What is refused no longer exists; the application will be read again.
    answer ? finish_part(round) : fail(round, target + " fails (" + answer.error().message + ")");
  });
}

void StateFetcher::take(const std::shared_ptr<Round>& round, const std::string& target,
                        Result<HttpResponse> answer, const Read& read) {
  if (!answer) return fail(round, target + " fails (" + answer.error().message + ")");
  if (answer->status != 200)
    return fail(round, target + " fails (" + ari::response_error(*answer, "GET", target).message + ")");
  std::string& body = answer->body;
  if (JsonTape::has_more_tokens(body, max_tokens)) return fail(round, target + ": the answer is too large");
  const auto finish = [this, round, target](const Take& taken) {
    if (round != round_) return;
    if (!taken()) return fail(round, target + ": the answer is not what it should be");
    finish_part(round);
  };
  if (body.size() <= max_bytes_at_once) return finish(read(body));
  const auto taken = std::make_shared<Take>();
  large_.add([body = std::move(body), read, taken] { *taken = read(body); },
             [taken, finish] { finish(*taken); });
}

void StateFetcher::finish_part(const std::shared_ptr<Round>& round) {
  if (--round->open > 0) return;
  if (round->next != nullptr) return (this->*std::exchange(round->next, nullptr))(round);
  round_.reset();
  round->done(std::move(round->fetched));
}

void StateFetcher::fail(const std::shared_ptr<Round>& round, const std::string& why) {
  round_.reset();
  round->done(Error{ErrorKind::refused, why, {}});
}

}  // namespace aribus::pbx
