#include "pbx/state_fetch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "ari/error_response.h"
#include "json/json.h"
#include "json/json_items.h"
#include "json/json_tape.h"
#include "net/discard.h"
#include "net/url.h"
#include "pbx/event_source.h"
#include "record/answer.h"

namespace aribus::pbx {
namespace {

using record::IdKind;
using state::AppSubscriptions;
using state::FetchedState;

constexpr size_t max_objects = 500'000;       // of one answer
constexpr size_t max_tokens = 4'000'000;      // of one object, or of the subscriptions of one application

// An application's subscriptions, in an answer.
AppSubscriptions subscriptions_of(const JsonValue& application) {
  AppSubscriptions found;
  for_each_subscription(application, [&](const EventSource& source, std::string_view id) {
    const auto i = static_cast<size_t>(source.kind);
    id == source.all ? static_cast<void>(found.all[i] = true) : static_cast<void>(found.ids[i].emplace(id));
  });
  return found;
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

// Adds the object in `text`; false: it is none.
bool add_object(IdKind kind, std::string_view text, JsonTape& tape, Objects& objects) {
  if (JsonTape::has_more_tokens(text, max_tokens)) return false;
  const auto normalized = record::normalized_answer(text, {ari::Type::model, false, ari::find_model(model_of(kind))});
  if (!normalized) return false;
  const JsonView value = tape.read(*normalized);
  if (value.kind() != JsonKind::object) return false;
  objects.insert_or_assign(objects.end(), id_of(kind, value), std::string(value.text()));
  return true;
}

// The objects in an answer, which shows one or a list of them, by id; nothing when it is neither. Each is read alone:
// of the whole list there is only the text at a time.
std::optional<Objects> objects_of(IdKind kind, bool list, std::string_view body) {
  JsonTape tape;
  Objects objects;
  const auto add = [&](std::string_view item) {
    return objects.size() <= max_objects && add_object(kind, item, tape, objects);
  };
  if (list ? for_each_item(body, add) : add(body)) return objects;
  return {};
}

}  // namespace

// One fetch under way.
struct StateFetcher::Round {
  explicit Round(Loop& its_loop) : loop(its_loop) {}
  ~Round() {
    if (fetched.size() > max_freed_at_once) discard(loop, std::make_shared<FetchedState>(std::move(fetched)));
  }

  Loop& loop;
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
  stop();
  round_ = std::make_shared<Round>(client_->loop());
  round_->done = std::move(done);
  round_->phones = phones;
  read_applications(round_);
}

void StateFetcher::begin_subscriptions(const std::vector<std::string>& playbacks, Done done) {
  stop();
  round_ = std::make_shared<Round>(client_->loop());
  round_->done = std::move(done);
  round_->subscriptions_only = true;
  round_->playbacks = playbacks;
  read_applications(round_);
}

void StateFetcher::stop() {
  asking_.stop();
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
  const auto take = [this, round, app, restored](AppSubscriptions& subscriptions, AppSettings& present) {
    if (!restored && !round->subscriptions_only) {
      const size_t before = round->open;
      restore(round, app, present);
      if (round->open > before) {
        read_application(round, app, true);
        return;
      }
    }
    std::swap(settings_.of(app), present);
    subscriptions.ours = true;
    std::swap(round->fetched.apps[app], subscriptions);
  };
  struct Found {
    AppSubscriptions subscriptions;
    AppSettings settings;
  };
  get(
      round, "/applications/" + percent_encode(app),
      [this, take](std::string_view body) -> Take {
        const Result<Json> json = parse_json(body);
        if (!json || !json->IsObject()) return [] { return false; };
        const auto found = std::make_shared<Found>(Found{subscriptions_of(*json), AppSettings::of(body)});
        return [this, take, found] {
          take(found->subscriptions, found->settings);
          free_later(found);
          return true;
        };
      },
      unknown);
}

// Their subscriptions show whether a call that came to one of them was moved to one of ours.
void StateFetcher::read_other_applications(const std::shared_ptr<Round>& round) {
  using Others = std::map<std::string, AppSubscriptions, std::less<>>;
  get(
      round, "/applications",
      [round, ours = client_->options().apps](std::string_view body) -> Take {
        const Result<Json> json = parse_json(body);
        if (!json || !json->IsArray()) return [] { return false; };
        const auto others = std::make_shared<Others>();
        for (const JsonValue& application : json->GetArray()) {
          const std::string name(find_string(application, "name"));
          if (std::ranges::find(ours, name) == ours.end())
            others->insert_or_assign(name, subscriptions_of(application));
        }
        return [round, others] {
          round->fetched.apps.merge(*others);
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
  asking_.start(ask_for_objects(round));
}

// There may be very many that are asked for one by one.
Slices StateFetcher::ask_for_objects(std::shared_ptr<Round> round) {
  for (const std::string& id : round->playbacks) {
    read_one(round, IdKind::playback, "/playbacks/", id);
    co_await Slices::Done{};
  }
  if (!round->subscriptions_only) {
    read_list(round, IdKind::channel, "/channels");
    read_list(round, IdKind::bridge, "/bridges");
    co_await read_each(round, IdKind::playback, "/playbacks/");
    co_await read_each(round, IdKind::recording, "/recordings/live/");
    if (round->phones) co_await read_phones(round);
  }
  if (round == round_) finish_part(round);
}

Slices StateFetcher::read_each(const std::shared_ptr<Round>& round, IdKind kind, std::string_view path) {
  const std::shared_ptr<const state::Frozen> known = model_.freeze();
  for (const auto& [id, object] : known->of(kind)) {
    read_one(round, kind, path, id);
    co_await Slices::Done{};
  }
}

Slices StateFetcher::read_phones(const std::shared_ptr<Round>& round) {
  const auto hears = [&](IdKind kind) {
    const auto i = static_cast<size_t>(kind);
    return std::ranges::any_of(round->fetched.apps, [i](const auto& app) {
      return app.second.ours && (app.second.all[i] || !app.second.ids[i].empty());
    });
  };
  if (hears(IdKind::endpoint)) read_list(round, IdKind::endpoint, "/endpoints");
  if (hears(IdKind::device)) read_list(round, IdKind::device, "/deviceStates");  // those of Stasis alone
  co_await read_each(round, IdKind::device, "/deviceStates/");
  for (const auto& [name, app] : round->fetched.apps) {
    if (!app.ours) continue;
    for (const std::string& device : app.ids[static_cast<size_t>(IdKind::device)]) {
      co_await Slices::Done{};
      if (model_.find(IdKind::device, device) != nullptr) continue;
      const bool is_asked_for = std::ranges::any_of(round->fetched.apps, [&, &name = name](const auto& other) {
        return other.first < name && other.second.ours && other.second.has(IdKind::device, device);
      });
      if (!is_asked_for) read_one(round, IdKind::device, "/deviceStates/", device);
    }
  }
}

void StateFetcher::read_list(const std::shared_ptr<Round>& round, IdKind kind, std::string_view path) {
  get(round, std::string(path), read_into(round, kind, true));
}

void StateFetcher::read_one(const std::shared_ptr<Round>& round, IdKind kind, std::string_view path,
                            const std::string& id) {
  get(round, std::string(path) + percent_encode(id), read_into(round, kind, false), [] { return true; });  // it is gone
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
  const auto finish = [this, round, target](const Take& taken) {
    if (round != round_) return;
    if (!taken()) return fail(round, target + ": the answer is not what it should be");
    finish_part(round);
  };
  if (body.size() <= max_bytes_at_once) return finish(read(body));
  const auto taken = std::make_shared<Take>();
  const auto text = std::make_shared<std::string>(std::move(body));
  large_.add(
      [text, read, taken] {
        *taken = read(*text);
        std::string().swap(*text);  // freed here, too
      },
      [taken, finish] { finish(*taken); });
}

// Destroys what may be large, on another thread.
void StateFetcher::free_later(std::shared_ptr<void> object) {
  const auto held = std::make_shared<std::shared_ptr<void>>(std::move(object));
  large_.add([held] { held->reset(); }, [] {});
}

void StateFetcher::finish_part(const std::shared_ptr<Round>& round) {
  if (--round->open > 0) return;
  if (round->next != nullptr) return (this->*std::exchange(round->next, nullptr))(round);
  round_.reset();
  round->done(std::move(round->fetched));
}

void StateFetcher::fail(const std::shared_ptr<Round>& round, const std::string& why) {
  asking_.stop();
  round_.reset();
  round->done(Error{ErrorKind::refused, why, {}});
}

}  // namespace aribus::pbx
