#include "state/call.h"

#include <algorithm>
#include <utility>

#include "json/described.h"

namespace aribus::state {
namespace {

using record::CallLeg;
using std::chrono::milliseconds;

// About: its name may change.
size_t bytes_of(const CallLeg& leg) {
  constexpr size_t of_name = 32;
  return sizeof leg + leg.channel.size() + of_name;
}

}  // namespace

uint64_t milliseconds_between(WallTime from, WallTime to) {
  const auto count = std::chrono::duration_cast<milliseconds>(to - from).count();
  return count > 0 ? static_cast<uint64_t>(count) : 0;
}

CallLeg* Call::leg(std::string_view channel) {
  const auto at = std::ranges::find(legs, channel, &CallLeg::channel);
  return at == legs.end() ? nullptr : &*at;
}

const CallLeg& Call::main_leg() const {
  const CallLeg* main = &legs.front();
  for (const CallLeg& one : legs) {
    if (!is_outbound() || one.joined_by == "dial") break;
    if (one.joined_by == "forward") main = &one;
  }
  return *main;
}

void Call::set_cause(std::string_view channel, uint64_t cause, std::string_view cause_txt) {
  CallLeg* const ends = leg(channel);
  if (ends == nullptr) return;
  ends->cause = cause;
  if (!cause_txt.empty()) ends->cause_txt = cause_txt;
}

void Call::set_held(std::string_view channel, bool is_held, WallTime time) {
  CallLeg* const one = leg(channel);
  if (one == nullptr || one->held.has_value() == is_held) return;
  if (is_held) {
    one->held = true;
    if (held_legs++ == 0) held_since = time;
  } else {
    one->held.reset();
    if (--held_legs == 0) hold_ms += milliseconds_between(held_since, time);
  }
}

size_t Call::add_leg(CallLeg leg) {
  const size_t before = bytes;
  if (legs.size() >= live_legs + max_ended_legs) {
    const auto oldest =
        std::find_if(legs.begin() + 1, legs.end(), [](const CallLeg& one) { return one.ended.has_value(); });
    if (oldest != legs.end()) {
      bytes -= bytes_of(*oldest);
      legs.erase(oldest);
      legs_left_out = legs_left_out.value_or(0) + 1;
    }
  }
  bytes += bytes_of(leg);
  legs.push_back(std::move(leg));
  ++live_legs;
  return bytes - before;
}

size_t Call::add_app(const std::string& app) {
  if (app.empty() || apps.size() >= max_apps || std::ranges::find(apps, app) != apps.end()) return 0;
  apps.push_back(app);
  bytes += app.size();
  return app.size();
}

size_t Call::add_transfer(const record::CallTransfer& transfer) {
  const auto is_same = [&](const record::CallTransfer& other) {
    return other.time == transfer.time && other.kind == transfer.kind && other.channel == transfer.channel;
  };
  if (transfers.size() >= max_listed || std::ranges::any_of(transfers, is_same)) return 0;
  transfers.push_back(transfer);
  const size_t more = sizeof transfer + transfer.channel.size() + transfer.to.size();
  bytes += more;
  return more;
}

size_t Call::take_recording(const record::CallRecording& recording, bool begins) {
  const auto known = std::ranges::find(recorded, recording.name, &record::CallRecording::name);
  if (known != recorded.end()) {
    if (recording.duration) known->duration = recording.duration;
    return 0;
  }
  if (!begins || recorded.size() >= max_listed) return 0;
  recorded.push_back(recording);
  const size_t more = sizeof recording + recording.name.size();
  bytes += more;
  return more;
}

const CallText& text_of(const Call& call, uint64_t gap_seq) {
  CallText& made = call.text;
  if (!made.ends.empty() && made.gap_seq == gap_seq) return made;
  static thread_local std::string text;  // for its memory
  text = "{";
  each_member(static_cast<const record::LiveCall&>(call), [&](std::string_view name, const auto& value) {
    if (name == "legs") return;
    name == "complete" ? append_member(text, name, call.is_complete(gap_seq)) : append_member(text, name, value);
    text += ',';
  });
  text += R"("legs":[)";
  made.ends = {static_cast<uint32_t>(text.size())};
  for (const CallLeg& leg : call.legs) {
    char before = '{';
    each_member(leg, [&](std::string_view name, const auto& value) {
      if (!leg.ended && (name == "name" || name == "caller")) return;
      text += std::exchange(before, ',');
      append_member(text, name, value);
    });
    made.ends.push_back(static_cast<uint32_t>(text.size()));
  }
  made.text = text;
  made.gap_seq = gap_seq;
  return made;
}

record::CallEnded ended_call(Call&& call, uint64_t gap_seq) {
  record::CallEnded ended;
  ended.cause = call.main_leg().cause;
  ended.cause_txt = call.main_leg().cause_txt;
  ended.direction = std::move(call.direction);
  ended.from = std::move(call.from);
  ended.to = std::move(call.to);
  ended.apps = std::move(call.apps);
  ended.started = call.started;
  ended.answered = call.answered;
  ended.ended = call.started;
  for (const CallLeg& leg : call.legs) ended.ended = std::max(ended.ended, leg.ended.value_or(call.started));
  ended.how = record::CallEnded::ways[call.left ? 1 : 0];
  ended.complete = call.is_complete(gap_seq);
  ended.ring_ms = milliseconds_between(call.started, call.answered.value_or(ended.ended));
  ended.talk_ms = call.answered ? milliseconds_between(*call.answered, ended.ended) : 0;
  ended.hold_ms = call.hold_ms;
  ended.legs = std::move(call.legs);
  ended.legs_left_out = call.legs_left_out;
  ended.transfers = std::move(call.transfers);
  ended.recorded = std::move(call.recorded);
  return ended;
}

}  // namespace aribus::state
