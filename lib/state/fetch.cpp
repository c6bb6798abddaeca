#include "state/fetch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ari/error_response.h"
#include "json/json.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "net/url.h"
#include "record/answer.h"

namespace aribus::state {
namespace {

constexpr size_t max_tokens = 4'000'000;  // of one answer: some 30,000 channels

// An application's subscriptions: the member of Application that lists them, the kind of the things, how an
// event source of that kind begins, and what is listed when it is for all of them (22.10, 16.28).
struct Source {
  IdKind kind;
  std::string_view member;
  std::string_view prefix;
  std::string_view all;
  bool lasts;  // it does not come and go with calls
};
constexpr Source sources[] = {
    {IdKind::channel, "channel_ids", "channel:", "__AST_CHANNEL_ALL_TOPIC", false},
    {IdKind::bridge, "bridge_ids", "bridge:", "__AST_BRIDGE_ALL_TOPIC", false},
    {IdKind::endpoint, "endpoint_ids", "endpoint:", "__AST_ENDPOINT_ALL_TOPIC", true},
    {IdKind::device, "device_names", "deviceState:", "__AST_DEVICE_STATE_ALL_TOPIC", true},
};

template <typename Use>
void for_each_source(const JsonValue& application, Use use) {
  for (const Source& source : sources) {
    const JsonValue* ids = find(application, source.member);
    if (ids == nullptr || !ids->IsArray()) continue;
    for (const JsonValue& id : ids->GetArray()) {
      if (id.IsString()) use(source, as_view(id));
    }
  }
}

void take_channels_of(const std::string& app, const JsonValue& application, FetchedState& fetched) {
  auto& channels = fetched.channels_of_app[app];
  for_each_source(application, [&](const Source& source, std::string_view id) {
    if (source.kind != IdKind::channel) return;
    id == source.all ? static_cast<void>(fetched.hear_all_channels.insert(app))
                     : static_cast<void>(channels.emplace(id));
  });
}

// What a request about subscriptions names: in its body, or else in its query, where commas separate.
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

// What Asterisk answered, one thing or a list of them, by id; nothing when it is neither.
std::optional<Objects> objects_of(IdKind kind, bool list, std::string_view body) {
  const ari::ResultType answer{ari::Type::model, list, ari::find_model(model_of(kind))};
  const auto regular = record::normalized_answer(body, answer);
  if (!regular) return {};
  JsonTape tape;
  const JsonView value = tape.read(*regular);
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

std::string source_body(std::string_view source) {
  return ObjectBuilder().json("eventSource", "[" + string_text(source) + "]").str();
}

bool AppSubscriptions::has(IdKind kind, std::string_view id) const {
  const auto i = static_cast<size_t>(kind);
  if (all[i] || ids[i].contains(id)) return true;
  // Or all endpoints of its technology.
  return kind == IdKind::endpoint && ids[i].contains(id.substr(0, id.find('/')));
}

const std::string* FetchedState::find(IdKind kind, std::string_view id) const {
  const auto& of_kind = objects[static_cast<size_t>(kind)];
  const auto at = of_kind.find(id);
  return at == of_kind.end() ? nullptr : &at->second;
}

std::vector<std::string> FetchedState::apps_that_list(std::string_view channel) const {
  std::vector<std::string> apps;
  for (const auto& [app, channels] : channels_of_app) {
    if (channels.contains(channel)) apps.push_back(app);
  }
  return apps;
}

bool FetchedState::hears_channel(std::string_view app, std::string_view channel) const {
  if (hear_all_channels.contains(app)) return true;
  const auto at = channels_of_app.find(app);
  return at != channels_of_app.end() && at->second.contains(channel);
}

AppSettings AppSettings::of(std::string_view application) {
  AppSettings settings;
  const Result<Json> json = parse_json(application);
  if (!json || !json->IsObject()) return settings;
  for_each_source(*json, [&](const Source& source, std::string_view id) {
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

// One fetch under way.
struct StateFetcher::Round {
  Done done;
  bool subscriptions_only = false;
  std::vector<std::string> playbacks;  // of those that are heard of, where nothing else is read
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
  constexpr std::string_view applications = "/ari/applications/", subscription = "/subscription";
  const size_t at = request.target.find(applications);
  if (at == std::string::npos || request.method == "GET" || !response.succeeded()) return;
  const std::string_view rest = std::string_view(request.target).substr(at + applications.size());
  if (const size_t end = rest.find(subscription); end != std::string_view::npos) {
    const std::string app = percent_decode(rest.substr(0, end));
    if (see_bridges(app, sources_of(request), request.method == "DELETE")) return;
  }
  if (round_ && round_->restoring) return;  // it is read when that is done
  const Result<Json> json = parse_json(response.body);
  if (!json || !json->IsObject()) return;
  settings_[std::string(find_string(*json, "name"))] = AppSettings::of(response.body);
}

// Takes note of the bridges among `sources`, as "bridge:b1" and "channel:c1". True: there is nothing else.
bool StateFetcher::see_bridges(const std::string& app, const std::vector<std::string>& sources,
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

bool StateFetcher::is_filtered(const std::string& app) const {
  const auto at = settings_.find(app);
  return at != settings_.end() && at->second.filter != R"({"allowed":[],"disallowed":[]})";
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
  // One to which Asterisk connects stays taken when another client that had it goes away, and is not even
  // listed then (22.10).
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
    settings_[app] = present;
    for_each_source(application, [&](const Source& source, std::string_view id) {
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

// Whether a call that came to one of them has been moved to one of ours is seen by what they hear of.
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

// What is missing is set again; the application is read again behind that.
void StateFetcher::restore(const std::shared_ptr<Round>& round, const std::string& app,
                           const AppSettings& present) {
  restore_bridges(round, app, present);
  const auto at = settings_.find(app);
  if (at == settings_.end()) return;
  const AppSettings wanted = at->second;
  const std::string path = "/applications/" + percent_encode(app);
  for (const std::string& source : wanted.sources) {
    if (present.sources.contains(source)) continue;
    set(round, "POST", path + "/subscription", source_body(source));
  }
  if (wanted.filter != present.filter) set(round, "PUT", path + "/eventFilter", wanted.filter);
}

void StateFetcher::restore_bridges(const std::shared_ptr<Round>& round, const std::string& app,
                                   const AppSettings& present) {
  if (client_->replaced_apps().contains(app)) return;
  auto& watched = watched_[app];
  std::erase_if(watched, [&](const std::string& id) { return model_.find(IdKind::bridge, id) == nullptr; });
  if (present.sources.contains("bridge:")) return;
  for (const std::string& id : watched) {
    if (present.bridges.contains(id)) continue;
    set(round, "POST", "/applications/" + percent_encode(app) + "/subscription", source_body("bridge:" + id));
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
  get(round, path + percent_encode(id), read_into(round, kind, false),
      [] { return true; });  // it is not there
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
    // What is refused is not there any more; the application will be read again.
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

}  // namespace aribus::state
