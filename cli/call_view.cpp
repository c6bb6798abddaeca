#include "cli/call_view.h"

#include <algorithm>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_calls =
    100'000;  // more are forgotten, all at once: the daemon knows no more channels either

// The channel that a record is about.
const JsonValue* main_channel(const JsonValue& record) {
  for (const std::string_view name : {"channel", "peer"}) {
    const JsonValue* channel = find(record, name);
    if (channel != nullptr && !find_string(*channel, "id").empty()) return channel;
  }
  return nullptr;
}

std::string_view part(const JsonValue& record, std::string_view object, std::string_view field) {
  const JsonValue* inner = find(record, object);
  return inner == nullptr ? std::string_view{} : find_string(*inner, field);
}

std::string bridge_name(const JsonValue& record) {
  const std::string_view name = part(record, "bridge", "name");
  return std::string(name.empty() ? part(record, "bridge", "id") : name);
}

}  // namespace

CallView::Call& CallView::call_of(const JsonValue& channel, WallTime now) {
  if (calls_.size() >= max_calls) calls_.clear();
  const auto [at, added] = calls_.try_emplace(std::string(find_string(channel, "id")));
  Call& call = at->second;
  if (added) {
    call.number = ++seen_;
    call.began = parse_time(find_string(channel, "creationtime")).value_or(now);
  }
  call.who = who_is(channel);
  return call;
}

Text CallView::what_happened(const JsonValue& record, std::string_view type, const Call& call, WallTime now) {
  const auto field = [&](std::string_view name) { return std::string(find_string(record, name)); };
  if (type == "StasisStart") {
    const std::string args = joined(record, "args");
    return Text("enters " + field("app") + (args.empty() ? "" : " (" + args + ")"), Style::bold);
  }
  if (type == "StasisEnd") return "leaves " + field("app") + " after " + duration_text(call.began, now);
  if (type == "ChannelStateChange") {
    const std::string_view state = part(record, "channel", "state");
    if (state == "Up") return Text("answered", Style::green);
    if (state == "Ringing" || state == "Ring") return Text("ringing", Style::yellow);
    return {};
  }
  if (type == "ChannelDtmfReceived") return "pressed " + Text(field("digit"), Style::bold);
  if (type == "ChannelEnteredBridge") return "joins bridge " + bridge_name(record);
  if (type == "ChannelLeftBridge") return "leaves bridge " + bridge_name(record);
  if (type == "ChannelHold") return "is on hold";
  if (type == "ChannelUnhold") return "is back from hold";
  if (type == "ChannelTalkingStarted") return "talks";
  if (type == "ChannelUserevent") return "user event " + field("eventname");
  if (type == "Dial") {
    const std::string status = field("dialstatus");
    return status.empty() ? "is being called at " + field("dialstring") : "dial: " + status;
  }
  if (type == "ChannelDestroyed") {
    const JsonValue* cause = find(record, "cause");
    const bool normal = cause != nullptr && cause->IsInt() && cause->GetInt() == 16;
    return Text("hung up after " + duration_text(call.began, now) + ": " + field("cause_txt"),
                normal ? Style::bold : Style::red);
  }
  return {};
}

Text CallView::line(const JsonValue& record) {
  const std::string_view type = find_string(record, "type");
  const WallTime now = parse_time(find_string(record, "time")).value_or(WallTime());
  std::string who;
  Text what;
  if (const JsonValue* channel = main_channel(record)) {
    const Call call = call_of(*channel, now);
    what = what_happened(record, type, call, now);
    who = "#" + std::to_string(call.number) + " " + call.who;
    if (type == "ChannelDestroyed") calls_.erase(std::string(find_string(*channel, "id")));
  } else if (type == "PlaybackStarted" || type == "PlaybackFinished") {
    who = part(record, "playback", "target_uri");
    what = Text(type == "PlaybackStarted" ? "hears " : "has heard ") + part(record, "playback", "media_uri");
  } else if (type.starts_with("Recording")) {
    who = part(record, "recording", "target_uri");
    what = Text("recording ") + part(record, "recording", "name") + ": " + part(record, "recording", "state");
  } else if (type == "server.connected") {
    who = find_string(record, "server");
    what = Text("connected to Asterisk " + std::string(find_string(record, "version")), Style::green);
  } else if (type == "server.disconnected") {
    who = find_string(record, "server");
    what = Text("disconnected: " + std::string(find_string(record, "reason")), Style::red);
  }
  if (what.empty()) {
    if (!all_) return {};
    what = Text(type, Style::grey);
  }
  if (const size_t colon = who.find("channel:"); colon == 0) {
    const auto call = calls_.find(who.substr(8));
    if (call != calls_.end()) who = "#" + std::to_string(call->second.number) + " " + call->second.who;
  }
  who.resize(std::max<size_t>(who.size(), 28), ' ');
  const std::string clock = to_rfc3339(now).substr(11, 12);
  return Text(clock, Style::grey) + "  " + who + "  " + what;
}

}  // namespace aribus::cli
