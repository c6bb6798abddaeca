#include "client/calls.h"

#include <ctime>
#include <iostream>

#include "client/calls_detail.h"

namespace aribus::client {
namespace {

using std::chrono::milliseconds;

constexpr int lines_in_a_turn = 100;

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

}  // namespace

Calls::Calls(Client client)
    : on_error([](const Channel& channel, const std::exception& error) {
        std::cerr << "aribus: call " << channel.id() << ": its handler failed: " << error.what() << std::endl;
      }),
      client_(std::move(client)) {}

Calls::~Calls() {
  waiting_.clear();
}

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
  // Lets what is being hung up or destroyed finish, for 2 s at most.
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

void Calls::close(const Error& error) {
  if (!closed_) closed_ = error;
  stopped_ = true;
}

}  // namespace aribus::client
