#include "client/calls.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>

#include "client/call_states.h"

// GCC 12 destroys temporary closures and aggregates within co_await twice, and awaits the right side of &&
// always: they have names here.

namespace aribus::client {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view all_digits = "0123456789*#ABCD";
// The daemon takes 64 commands of a connection at a time. Those that wait for an answered call are kept from
// taking all.
constexpr size_t most_commands = 32, most_ringing = 24;
// A command that was not sent, as there is no connection, is tried again for so long.
constexpr std::chrono::seconds patience{30};
constexpr milliseconds pause{200};
// The first argument with which channels enter an application that a program has made for itself: another one
// that serves the application leaves them alone.
constexpr std::string_view leg_mark = "aribus-leg";
constexpr int lines_in_a_turn = 100;

// How Asterisk says that it has the channel no more, or does not let ARI control it.
constexpr std::array<std::string_view, 3> gone_texts{"Channel not found", "Channel not in Stasis application",
                                                     "Provided channel was not found"};
// After these the channel belongs to somebody else.
constexpr std::array<std::string_view, 3> handing_over{"channels.continueInDialplan", "channels.move",
                                                       "channels.redirect"};

template <typename List, typename Value>
bool contains(const List& list, const Value& value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

// Counts while it lives.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

std::string one_param(std::string_view name, std::string_view value) {
  Json params(rapidjson::kObjectType);
  set_member(params, name, value);
  return to_text(params);
}

// What Asterisk said, in `data` of an error.
struct Refusal {
  explicit Refusal(const Error& error) {
    const Result<Json> data = parse_own_json(error.data);
    if (error.kind != ErrorKind::refused || !data) return;
    const JsonValue* number = find(*data, "status");
    status = number != nullptr && number->IsInt() ? number->GetInt() : 0;
    message = find_string(*data, "message");
    is_about_channel = find_string(*data, "path").starts_with("/channels/");
  }
  [[nodiscard]] bool says_gone() const { return contains(gone_texts, message); }

  int status = 0;
  std::string message;
  bool is_about_channel = false;
};

Error gone_error(const ChannelState& channel) {
  return {ErrorKind::refused, "channel " + channel.id + " has left the application " + channel.app,
          one_param("channelId", channel.id)};
}
Error gone_error(const BridgeState& bridge) {
  return {ErrorKind::refused, "bridge " + bridge.id + " was destroyed", one_param("bridgeId", bridge.id)};
}

bool may_come_later(const Raised& raised) {
  return raised.error.kind == ErrorKind::not_connected || raised.error.kind == ErrorKind::outcome_unknown;
}

std::vector<std::string> strings_in(const JsonValue& object, std::string_view name) {
  std::vector<std::string> strings;
  const JsonValue* list = find(object, name);
  if (list == nullptr || !list->IsArray()) return strings;
  for (const JsonValue& one : list->GetArray()) {
    if (one.IsString()) strings.emplace_back(as_view(one));
  }
  return strings;
}

// In the form of `creationtime`, so that the two compare as texts.
std::string now_as_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return text.data();
}

// The arguments of Stasis(), in the channel's place in the dialplan.
std::vector<std::string> args_in_dialplan(const JsonValue& channel) {
  std::vector<std::string> args;
  const JsonValue* dialplan = find(channel, "dialplan");
  if (dialplan == nullptr || find_string(*dialplan, "app_name") != "Stasis") return args;
  std::string_view rest = find_string(*dialplan, "app_data");
  for (size_t comma = rest.find(','); comma != std::string_view::npos;) {
    rest.remove_prefix(comma + 1);
    comma = rest.find(',');
    args.emplace_back(rest.substr(0, comma));
  }
  return args;
}

bool wants(const ServeOptions& options, const std::string& began, const ChannelState& channel, bool is_told) {
  if (!channel.args.empty() && channel.args.front() == leg_mark) return false;
  if (channel.args.size() < options.args.size()) return false;
  if (!std::equal(options.args.begin(), options.args.end(), channel.args.begin())) return false;
  return is_told || options.existing || find_string(channel.data, "creationtime", began) >= began;
}

}  // namespace

// The end of a playback or recording, which somebody waits for.
struct Calls::Ending {
  std::string kind, id;
  ChannelPtr channel;
  bool has_begun = false;
  Json result{};  // once it has ended

  [[nodiscard]] bool is_over() const { return result.IsObject(); }
};

Calls::Calls(Client client)
    : on_error([](const Channel& channel, const std::exception& error) {
        std::cerr << "aribus: call " << channel.id() << ": its handler failed: " << error.what() << std::endl;
      }),
      client_(std::move(client)) {}

Calls::~Calls() {
  waiting_.clear();
}

// What the program does.

Result<void> Calls::begin() {
  if (begun_) return {};
  begun_ = true;
  return client_.subscribe(
      {.types = {"StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelHangupRequest",
                 "ChannelDtmfReceived", "ChannelStateChange", "ChannelLeftBridge", "BridgeDestroyed",
                 "PlaybackFinished", "RecordingFinished", "RecordingFailed", "state.changed", "state.gone",
                 "server.resynced", "server.removed"}});
}

Result<void> Calls::serve(const std::string& app, Handler handler, ServeOptions options) {
  if (servings_.contains(app)) {
    return Error{
        ErrorKind::invalid_params, "app: the calls of " + app + " are served already, by this client", {}};
  }
  if (const Result<void> begun = begin(); !begun) return begun;
  const Result<Json> status = client_.call("status");
  if (!status) return status.error();
  bool is_held = false;
  for (const JsonValue& server : (*status)["servers"].GetArray())
    is_held |= contains(strings_in(server, "apps"), app);
  if (!is_held) {
    return Error{
        ErrorKind::invalid_params,
        "app: aribusd does not hold the application " + app + "; it has to be among `apps` in aribusd.yaml",
        {}};
  }
  const bool existing = options.existing;
  servings_[app] = {std::move(handler), std::move(options), now_as_text()};
  if (existing) start(catch_up());
  return {};
}

void Calls::start(Task<void> work) {
  tasks_.push_back(std::move(work));
  tasks_.back().start();
}

void Calls::run() {
  while (!stopped_) turn(std::chrono::hours(1));
}

void Calls::run(Task<void> work) {
  if (const Result<void> begun = begin(); !begun) throw Raised(begun.error());
  for (work.start(); !work.is_done();) turn(std::chrono::hours(1));
  // What is to be hung up or destroyed is, if that does not take long.
  for (const auto until = Clock::now() + std::chrono::seconds(2); !tasks_.empty() && Clock::now() < until;)
    turn(pause);
  work.result();
}

milliseconds Calls::turn(milliseconds wait) {
  resume();
  auto until = Clock::now() + wait;
  for (const Waiting& one : waiting_) until = std::min(until, one.until);
  const auto left = [&] {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(until - Clock::now()));
  };
  if (client_.waiting_items() == 0 && !stopped_) client_.advance_for(left());
  for (int i = 0; i < lines_in_a_turn && client_.advance_for(milliseconds(0)); ++i) continue;
  while (client_.waiting_items() > 0) {
    const Result<std::optional<Item>> item = client_.next(milliseconds(0));
    if (!item) {
      close(item.error());
    } else if (*item) {
      take(**item);
    }
  }
  resume();
  until = Clock::now() + wait;
  for (const Waiting& one : waiting_) until = std::min(until, one.until);
  return left();
}

void Calls::resume() {
  for (bool any = true; any;) {
    any = false;
    std::list<Waiting> ready;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const auto one = it++;
      if (one->is_ready() || one->until <= Clock::now()) ready.splice(ready.end(), waiting_, one);
    }
    for (const Waiting& one : ready) {
      any = true;
      one.handle.resume();
    }
    tasks_.remove_if([](const Task<void>& task) { return task.is_done(); });
  }
}

Calls::Clock::time_point Calls::after(const Timeout& timeout) {
  return timeout ? Clock::now() + *timeout : Clock::time_point::max();
}

Task<void> Calls::sleep(milliseconds time) {
  {
    const auto is_ready = [] { return false; };
    co_await Until(*this, is_ready, Clock::now() + time);
  }
}

// Commands.

Task<Json> Calls::call(std::string method, std::string params) {
  return patiently(std::move(method), std::move(params), {}, [] { return false; });
}

Task<Json> Calls::send(std::string method, std::string params, std::string server) {
  const Result<CallPtr> call = client_.send(method, params, {.server = std::move(server)});
  if (!call) throw Raised(call.error());
  const CallPtr sent = *call;
  if (const std::string_view name = chosen_id(method); name == "channelId" || name == "snoopId") {
    const Result<Json> checked = parse_json(sent->params);
    if (checked) own_.emplace(find_string(*checked, name));
  }
  {
    const auto is_ready = [sent] { return sent->outcome.has_value(); };
    co_await Until(*this, is_ready);
  }
  if (!*sent->outcome) throw Raised(sent->outcome->error());
  co_return std::move(**sent->outcome);
}

Task<Json> Calls::patiently(std::string method, std::string params, std::string server,
                            std::function<bool()> is_over) {
  const auto until = Clock::now() + patience;
  for (;;) {
    while (commands_ >= most_commands) {
      const auto is_ready = [this] { return commands_ < most_commands; };
      co_await Until(*this, is_ready);
    }
    if (closed_) throw Raised(*closed_);
    std::optional<Raised> failed;
    {
      const Counted counted(commands_);
      try {
        co_return co_await send(method, params, server);
      } catch (const Raised& raised) {
        failed = raised;
      }
    }
    if (failed->error.kind != ErrorKind::not_connected || is_over() || Clock::now() > until)
      throw Raised(*failed);
    co_await Until(*this, is_over, Clock::now() + pause);
  }
}

void Calls::check(const ChannelState& channel) const {
  if (closed_) throw Raised(*closed_);
  if (channel.is_gone) throw ChannelGone(gone_error(channel));
}

Task<Json> Calls::on_channel(ChannelPtr channel, std::string method, std::string params) {
  check(*channel);
  const auto is_over = [channel] { return channel->is_gone; };
  try {
    Json answer = co_await patiently(method, params, channel->server, is_over);
    channel->is_handed_over |= contains(handing_over, method);
    co_return answer;
  } catch (const Raised& raised) {
    const Refusal refusal(raised.error);
    if (channel->is_gone || (refusal.says_gone() && refusal.is_about_channel))
      throw ChannelGone(gone_error(*channel));
    throw;
  }
}

Task<Json> Calls::on_bridge(BridgePtr bridge, std::string method, std::string params) {
  if (bridge->is_gone) throw BridgeGone(gone_error(*bridge));
  const auto is_over = [bridge] { return bridge->is_gone; };
  try {
    co_return co_await patiently(method, params, bridge->server, is_over);
  } catch (const Raised& raised) {
    if (bridge->is_gone || Refusal(raised.error).message == "Bridge not found")
      throw BridgeGone(gone_error(*bridge));
    throw;
  }
}

Task<std::string> Calls::variable_of(ChannelPtr channel, std::string variable) {
  const ari::ChannelsGetChannelVar params{.channelId = channel->id, .variable = variable};
  try {
    const Json answer = co_await on_channel(channel, std::string(params.method), ari::to_json(params));
    co_return std::string(find_string(answer, "value"));
  } catch (const ChannelGone&) {
    throw;
  } catch (const Raised& raised) {
    if (Refusal(raised.error).status != 404) throw;
  }
  co_return std::string();
}

// What can be waited for.

Task<void> Calls::until_gone(ChannelPtr channel) {
  {
    const auto is_ready = [this, channel] { return channel->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
}

Task<std::optional<char>> Calls::digit_of(ChannelPtr channel, Timeout timeout) {
  {
    const auto is_ready = [this, channel] { return !channel->digits.empty() || channel->is_gone || closed_; };
    co_await Until(*this, is_ready, after(timeout));
  }
  std::optional<char> digit;
  if (channel->digits.empty()) {
    check(*channel);
  } else {
    digit = channel->digits.front();
    channel->digits.pop_front();
  }
  co_return digit;
}

Task<std::string> Calls::digits_of(ChannelPtr channel, std::optional<size_t> count, std::string terminator,
                                   Timeout timeout, Timeout between) {
  std::string digits;
  while (!count || digits.size() < *count) {
    const std::optional<char> digit = co_await digit_of(channel, digits.empty() ? timeout : between);
    if (!digit || terminator.find(*digit) != std::string::npos) break;
    digits += *digit;
  }
  co_return digits;
}

Task<bool> Calls::is_there(std::shared_ptr<Ending> ending) {
  const bool is_playback = ending->kind == "playback";
  const std::string params = one_param(is_playback ? "playbackId" : "recordingName", ending->id);
  const auto is_over = [ending] { return ending->is_over(); };
  try {
    co_await patiently(is_playback ? "playbacks.get" : "recordings.getLive", params, ending->channel->server,
                       is_over);
  } catch (const Raised& raised) {
    if (Refusal(raised.error).status != 404) throw;
    co_return false;
  }
  co_return true;
}

// Does what makes it. When the connection breaks meanwhile, it is looked for.
Task<void> Calls::begin_ending(ChannelPtr channel, std::shared_ptr<Ending> ending, std::string method,
                               std::string params) {
  std::optional<Raised> unknown;
  try {
    co_await on_channel(channel, method, params);
  } catch (const Raised& raised) {
    if (raised.error.kind != ErrorKind::outcome_unknown) throw;
    unknown = raised;
  }
  if (unknown) {
    const bool is_found = co_await is_there(ending);
    if (!is_found && !ending->is_over()) throw Raised(*unknown);
  }
  ending->has_begun = true;
}

Task<std::optional<char>> Calls::play_on(ChannelPtr channel, std::vector<std::string> media,
                                         PlayOptions options) {
  const std::string among = options.terminate_on_ == "any"    ? std::string(all_digits)
                            : options.terminate_on_ == "none" ? std::string()
                                                              : options.terminate_on_;
  const auto pressed = [channel, among] {
    return std::find_first_of(channel->digits.begin(), channel->digits.end(), among.begin(), among.end());
  };
  std::optional<char> digit;
  if (pressed() == channel->digits.end()) {
    check(*channel);
    const std::shared_ptr<Ending> ending(new Ending{"playback", new_id(), channel});
    endings_.insert(ending);
    const std::shared_ptr<void> forget(nullptr, [this, ending](void*) { endings_.erase(ending); });
    const ari::ChannelsPlay params{.channelId = channel->id,
                                   .media = std::move(media),
                                   .lang = options.lang_,
                                   .offsetms = options.offsetms_,
                                   .skipms = options.skipms_,
                                   .playbackId = ending->id};
    co_await begin_ending(channel, ending, std::string(params.method), ari::to_json(params));
    const auto is_over = [this, channel, ending] { return ending->is_over() || channel->is_gone || closed_; };
    {
      const auto is_ready = [=] { return is_over() || pressed() != channel->digits.end(); };
      co_await Until(*this, is_ready);
    }
    if (!ending->is_over()) check(*channel);
    if (pressed() == channel->digits.end()) {
      if (find_string(ending->result, "state") != "failed") co_return digit;
      if (channel->is_leaving) throw ChannelGone(gone_error(*channel));
      throw PlaybackFailed(
          {ErrorKind::refused,
           params.media.front() + " was not played to the end: there is no such sound, maybe",
           to_text(ending->result)});
    }
    digit = *pressed();
    channel->digits.erase(pressed());
    if (!ending->is_over()) {
      try {
        co_await patiently("playbacks.stop", one_param("playbackId", ending->id), channel->server, is_over);
      } catch (const Raised&) {  // it has ended by itself
      }
      co_await Until(*this, is_over);
      if (!ending->is_over()) check(*channel);
    }
    co_return digit;
  }
  digit = *pressed();
  channel->digits.erase(pressed());
  co_return digit;
}

Task<ari::LiveRecording> Calls::record_of(ChannelPtr channel, std::string name, RecordOptions options) {
  check(*channel);
  const std::shared_ptr<Ending> ending(new Ending{"recording", name, channel});
  endings_.insert(ending);
  const std::shared_ptr<void> forget(nullptr, [this, ending](void*) { endings_.erase(ending); });
  const ari::ChannelsRecord params{.channelId = channel->id,
                                   .name = name,
                                   .format = options.format_,
                                   .maxDurationSeconds = options.max_duration_seconds_,
                                   .maxSilenceSeconds = options.max_silence_seconds_,
                                   .ifExists = options.if_exists_,
                                   .beep = options.beep_,
                                   .terminateOn = options.terminate_on_};
  co_await begin_ending(channel, ending, std::string(params.method), ari::to_json(params));
  {
    const auto is_ready = [=, this] { return ending->is_over() || channel->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
  if (!ending->is_over()) check(*channel);
  channel->digits.clear();
  if (find_string(ending->result, "state") == "failed") {
    if (channel->is_leaving) throw ChannelGone(gone_error(*channel));
    throw RecordingFailed({ErrorKind::refused, name + " was not recorded", to_text(ending->result)});
  }
  Result<ari::LiveRecording> recording = ari::from_json<ari::LiveRecording>(ending->result);
  if (!recording) throw Raised(recording.error());
  co_return std::move(*recording);
}

// Channels and bridges that are made.

Task<void> Calls::make(std::string endpoint, OriginateOptions options, ChannelPtr leg) {
  if (!options.app_ && servings_.size() == 1) options.app_ = servings_.begin()->first;
  const ari::ChannelsOriginate typed{
      .endpoint = endpoint,
      .app = options.app_,
      .appArgs = std::string(leg_mark) + (options.app_args_ ? "," + *options.app_args_ : ""),
      .callerId = options.caller_id_,
      .timeout = options.timeout_,
      .channelId = leg->id,
      .originator = options.originator_ ? std::optional(options.originator_->id()) : std::nullopt};
  Result<Json> params = parse_json(ari::to_json(typed));
  if (!params) throw Raised(params.error());
  set_member(*params, "wait", "answer");
  if (!options.variables_.empty()) {
    Json variables(rapidjson::kObjectType);
    for (const auto& [name, value] : options.variables_) set_member(variables, name, value);
    set_member(*params, "variables", variables);
  }
  while (ringing_ >= most_ringing) {
    const auto is_ready = [this] { return ringing_ < most_ringing; };
    co_await Until(*this, is_ready);
  }
  const Counted counted(ringing_);
  const std::string server =
      options.server_.empty() && options.originator_ ? options.originator_->server() : options.server_;
  Json result;
  try {
    result = co_await send("originate", to_text(*params), server);
  } catch (const Raised& raised) {
    const int status = Refusal(raised.error).status;
    if (status != 409 && status != 500) throw;
    throw CallFailed(raised.error, "failed", 0);
  }
  const std::string outcome(find_string(result, "outcome"));
  if (outcome == "answered") co_return;
  const JsonValue* cause = find(result, "cause");
  throw CallFailed({ErrorKind::refused, endpoint + " was not reached: " + outcome, to_text(result)}, outcome,
                   cause != nullptr && cause->IsInt() ? cause->GetInt() : 0);
}

Task<Channel> Calls::originate(std::string endpoint, OriginateOptions options) {
  if (const Result<void> begun = begin(); !begun) throw Raised(begun.error());
  const ChannelPtr originator = options.originator_ ? options.originator_->state_ : nullptr;
  if (originator) check(*originator);
  const ChannelPtr leg(new ChannelState{.id = new_id()});
  legs_[leg->id] = leg;
  own_.insert(leg->id);
  // It goes on by itself, so that what comes of it is known when nobody waits for it any more.
  const auto error = std::make_shared<std::exception_ptr>();
  const auto making = [](Task<void> work, std::shared_ptr<std::exception_ptr> raised) -> Task<void> {
    try {
      co_await std::move(work);
    } catch (...) {
      *raised = std::current_exception();
    }
  };
  start(making(make(endpoint, options, leg), error));
  {
    const auto is_ready = [=, this] {
      return *error || !leg->app.empty() || closed_ || (originator && originator->is_gone);
    };
    co_await Until(*this, is_ready);
  }
  const bool has_entered = !leg->app.empty();
  legs_.erase(leg->id);
  if (closed_) throw Raised(*closed_);
  if (!has_entered || (originator && originator->is_gone)) {
    bool is_made_here = true;
    try {
      if (*error) std::rethrow_exception(*error);
    } catch (const CallFailed&) {
      is_made_here = false;
    } catch (const Raised& raised) {
      is_made_here = may_come_later(raised);
      if (!is_made_here) own_.erase(leg->id);
    }
    if (is_made_here) {
      abandoned_.insert(leg->id);
      start(hang_up(leg));
    }
    if (*error) std::rethrow_exception(*error);
    check(*originator);
  }
  if (originator) originator->legs.push_back(leg);
  co_return Channel(*this, leg);
}

Task<Bridge> Calls::bridge(std::vector<Channel> channels, std::string type, std::string name) {
  if (const Result<void> begun = begin(); !begun) throw Raised(begun.error());
  const BridgePtr bridge(new BridgeState{
      .id = new_id(), .server = channels.empty() ? std::string() : channels.front().server()});
  bridges_[bridge->id] = bridge;
  const ari::BridgesCreate params{.type = type, .bridgeId = bridge->id, .name = name};
  std::exception_ptr error;
  try {
    co_await on_bridge(bridge, std::string(params.method), ari::to_json(params));
    for (const Channel& channel : channels) co_await add_to(bridge, channel);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    start(destroy(bridge));
    std::rethrow_exception(error);
  }
  co_return Bridge(*this, bridge);
}

Task<void> Calls::add_to(BridgePtr bridge, Channel channel) {
  const ChannelPtr added = channel.state_;
  check(*added);
  bridge->channels.push_back(added);
  const ari::BridgesAddChannel params{.bridgeId = bridge->id, .channel = {added->id}};
  try {
    co_await on_bridge(bridge, std::string(params.method), ari::to_json(params));
  } catch (const Raised& raised) {
    std::erase(bridge->channels, added);
    if (added->is_gone || Refusal(raised.error).says_gone()) throw ChannelGone(gone_error(*added));
    throw;
  }
}

Task<Channel> Calls::left_of(BridgePtr bridge) {
  {
    const auto is_ready = [this, bridge] { return !bridge->left.empty() || bridge->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
  if (bridge->left.empty()) {
    if (closed_) throw Raised(*closed_);
    throw BridgeGone(gone_error(*bridge));
  }
  const ChannelPtr channel = bridge->left.front();
  bridge->left.pop_front();
  co_return Channel(*this, channel);
}

Task<void> Calls::destroy(BridgePtr bridge) {
  while (!bridge->is_gone && !closed_) {
    try {
      co_await on_bridge(bridge, "bridges.destroy", one_param("bridgeId", bridge->id));
      break;
    } catch (const Raised& raised) {
      if (!may_come_later(raised)) break;
    }
    co_await sleep(pause);
  }
  bridge_gone(bridge);
}

Task<void> Calls::hang_up(ChannelPtr channel) {
  while (!channel->is_gone && !channel->is_handed_over && !closed_) {
    try {
      co_await on_channel(channel, "channels.hangup", one_param("channelId", channel->id));
      break;
    } catch (const Raised& raised) {
      if (!may_come_later(raised)) break;
    }
    co_await sleep(pause);
  }
}

Task<void> Calls::handle(Serving serving, ChannelPtr channel) {
  try {
    co_await serving.handler(Channel(*this, channel));
  } catch (const std::exception& error) {
    const auto* gone = dynamic_cast<const ChannelGone*>(&error);
    const bool has_hung_up = gone != nullptr && gone->error.data == gone_error(*channel).data;
    if (!has_hung_up && !closed_) on_error(Channel(*this, channel), error);
  }
  for (const ChannelPtr& leg : channel->legs) co_await hang_up(leg);
  if (serving.options.hang_up) co_await hang_up(channel);
}

// What comes.

void Calls::take(const Item& item) {
  const std::string_view server = find_string(item.fields, "server"), app = find_string(item.fields, "app");
  const JsonValue* channel = find(item.fields, "channel");
  const std::string& type = item.type;
  if (type == "subscribed" || type == "lost") {
    const JsonValue* resumed = find(item.fields, "resumed");
    if (type == "lost" || (resumed != nullptr && resumed->IsFalse())) start(catch_up());
  } else if (type == "StasisStart") {
    const JsonValue* synthetic = find(item.fields, "synthetic");
    entered(server, app, strings_in(item.fields, "args"), *channel, synthetic == nullptr);
  } else if (type == "PlaybackFinished") {
    ended("playback", server, item.fields);
  } else if (type == "RecordingFinished" || type == "RecordingFailed") {
    ended("recording", server, item.fields);
  } else if (type == "state.changed") {
    const JsonValue* objects = find(item.fields, "objects");
    for (const auto& [list, kind] :
         {std::pair{"playbacks", "playback"}, std::pair{"recordings", "recording"}}) {
      const JsonValue* changed = objects == nullptr ? nullptr : find(*objects, list);
      if (changed == nullptr || !changed->IsArray()) continue;
      for (const JsonValue& one : changed->GetArray()) ended(kind, server, one);
    }
  } else if (type == "BridgeDestroyed") {
    const auto bridge = bridges_.find(std::string(find_string(item.fields["bridge"], "id")));
    if (bridge != bridges_.end()) bridge_gone(BridgePtr(bridge->second));
  } else if (type == "server.resynced" || type == "server.removed") {
    const std::vector<std::string> there = strings_in(item.fields, "channels");
    const auto known = channels_;
    for (const auto& [key, one] : known) {
      if (one->server == server && !contains(there, one->id)) gone(server, one->id);
    }
    look_at_all(server);
  } else if (type == "state.gone") {
    for (const std::string& id : strings_in(item.fields, "channels")) gone(server, id);
  } else if (channel != nullptr && channel->IsObject()) {
    const std::string id(find_string(*channel, "id"));
    const auto found = channels_.find({std::string(server), id});
    if (type == "ChannelDestroyed" ||
        (type == "StasisEnd" && found != channels_.end() && found->second->app == app))
      return gone(server, id);
    if (found == channels_.end()) return;
    const ChannelPtr known = found->second;
    known->data = copy_of(*channel);
    if (type == "ChannelDtmfReceived") {
      for (const char digit : find_string(item.fields, "digit").substr(0, 1)) known->digits.push_back(digit);
    } else if (type == "ChannelHangupRequest") {
      known->is_leaving = true;
    } else if (type == "ChannelLeftBridge") {
      const auto bridge = bridges_.find(std::string(find_string(item.fields["bridge"], "id")));
      if (bridge != bridges_.end()) left(bridge->second, known);
    }
  }
}

void Calls::entered(std::string_view server, std::string_view app, std::vector<std::string> args,
                    const JsonValue& data, bool is_told) {
  const std::string id(find_string(data, "id"));
  const std::pair<std::string, std::string> key(server, id);
  const auto known = channels_.find(key);
  if (known != channels_.end() && known->second->app == app) {
    known->second->data = copy_of(data);
    return;
  }
  if (known != channels_.end()) end(ChannelPtr(known->second));  // it was moved to another application
  const auto leg = legs_.find(id);
  const bool is_leg = leg != legs_.end();
  const ChannelPtr channel = is_leg ? leg->second : std::make_shared<ChannelState>();
  if (is_leg && !args.empty() && args.front() == leg_mark) args.erase(args.begin());
  channel->id = id;
  channel->server = server;
  channel->app = app;
  channel->args = std::move(args);
  channel->data = copy_of(data);
  if (abandoned_.contains(id)) return start(hang_up(channel));
  const auto serving = own_.contains(id) ? servings_.end() : servings_.find(channel->app);
  if (!is_leg && (serving == servings_.end() ||
                  !wants(serving->second.options, serving->second.began, *channel, is_told)))
    return;
  channels_[key] = channel;
  if (!is_leg) start(handle(serving->second, channel));
}

void Calls::gone(std::string_view server, std::string_view id) {
  own_.erase(std::string(id));
  abandoned_.erase(std::string(id));
  const auto known = channels_.find({std::string(server), std::string(id)});
  if (known != channels_.end()) end(ChannelPtr(known->second));
}

void Calls::end(const ChannelPtr& channel) {
  channels_.erase({channel->server, channel->id});
  channel->is_gone = true;
  for (const auto& [id, bridge] : bridges_) left(bridge, channel);
  for (const ChannelPtr& leg : channel->legs) start(hang_up(leg));
}

void Calls::bridge_gone(const BridgePtr& bridge) {
  bridge->is_gone = true;
  bridges_.erase(bridge->id);
}

void Calls::left(const BridgePtr& bridge, const ChannelPtr& channel) {
  if (std::erase(bridge->channels, channel) > 0) bridge->left.push_back(channel);
}

void Calls::ended(std::string_view kind, std::string_view server, const JsonValue& item) {
  const JsonValue* object = find(item, kind);
  if (object == nullptr) return;
  const std::string_view id = find_string(*object, kind == "playback" ? "id" : "name");
  const std::string_view state = find_string(*object, "state");
  if (state != "done" && state != "failed" && state != "canceled") return;
  for (const std::shared_ptr<Ending>& ending : endings_) {
    if (ending->kind != kind || ending->id != id || ending->channel->server != server || ending->is_over())
      continue;
    ending->result = copy_of(*object);
  }
}

// After records were missed.

void Calls::look_at_all(std::string_view server) {
  const auto endings = endings_;
  for (const std::shared_ptr<Ending>& ending : endings) {
    if (ending->channel->server == server && ending->has_begun) start(look_at(ending));
  }
  const auto bridges = bridges_;
  for (const auto& [id, bridge] : bridges) {
    if (bridge->server.empty() || bridge->server == server) start(look_at(bridge));
  }
}

Task<void> Calls::look_at(std::shared_ptr<Ending> ending) {
  try {
    const bool is_found = co_await is_there(ending);
    if (is_found || ending->is_over()) co_return;
    Json result(rapidjson::kObjectType);
    for (const std::string_view member : {"id", "name"}) set_member(result, member, ending->id);
    for (const std::string_view member : {"media_uri", "target_uri", "format"})
      set_member(result, member, "");
    set_member(result, "state", "done");
    ending->result = std::move(result);
  } catch (const Raised&) {  // who waits is told by something else
  }
}

Task<void> Calls::look_at(BridgePtr bridge) {
  const auto channels = bridge->channels;
  try {
    const Json found = co_await on_bridge(bridge, "bridges.get", one_param("bridgeId", bridge->id));
    const std::vector<std::string> there = strings_in(found, "channels");
    for (const ChannelPtr& channel : channels) {
      if (!contains(there, channel->id)) left(bridge, channel);
    }
  } catch (const BridgeGone&) {
    bridge_gone(bridge);
  } catch (const Raised&) {
  }
}

Task<void> Calls::catch_up() {
  const auto known = channels_;
  Json status, found;
  try {
    status = co_await call("status");
    found = co_await call("state.channels");
  } catch (const Raised&) {
    co_return;
  }
  std::set<std::string> ready;
  for (const JsonValue& server : status["servers"].GetArray()) {
    if (find_string(server, "state") == "ready") ready.emplace(find_string(server, "name"));
  }
  const auto is_there = [&](const ChannelState& channel) {
    return std::ranges::any_of(found["channels"].GetArray(), [&](const JsonValue& one) {
      return find_string(one, "server") == channel.server && find_string(one, "app") == channel.app &&
             find_string(one["channel"], "id") == channel.id;
    });
  };
  for (const auto& [key, channel] : known) {
    if (ready.contains(channel->server) && !is_there(*channel)) gone(channel->server, channel->id);
  }
  for (const JsonValue& one : found["channels"].GetArray()) {
    const std::string_view server = find_string(one, "server"), app = find_string(one, "app");
    if (!app.empty() && ready.contains(std::string(server)))
      entered(server, app, args_in_dialplan(one["channel"]), one["channel"], false);
  }
  for (const std::string& server : ready) look_at_all(server);
}

void Calls::close(const Error& error) {
  if (!closed_) closed_ = error;
  stopped_ = true;
}

}  // namespace aribus::client
