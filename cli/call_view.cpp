#include "cli/call_view.h"

#include "cli/methods.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_calls =
    100'000;                   // more are forgotten, all at once: the daemon knows no more channels either
constexpr size_t of_who = 28;  // cells

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

bool is_true(const JsonValue& record, std::string_view name) {
  const JsonValue* value = find(record, name);
  return value != nullptr && value->IsTrue();
}

// Events that both halves of a Local channel report, each for itself.
bool is_twice_for_local(std::string_view type) {
  return type == "ChannelStateChange" || type == "ChannelDestroyed" || type == "ChannelHold" ||
         type == "ChannelUnhold" || type == "Dial" || type == "ChannelDtmfReceived" ||
         type == "ChannelTalkingStarted";
}

Text ended(const JsonValue& record, WallTime began, WallTime now) {
  const std::string after = duration_text(began, now);
  if (is_true(record, "synthetic")) return Text("ended unseen, after " + after + " at most", Style::red);
  const JsonValue* cause = find(record, "cause");
  const bool normal = cause != nullptr && cause->IsInt() && cause->GetInt() == 16;
  return Text("hung up after " + after + ": " + std::string(find_string(record, "cause_txt")),
              normal ? Style::bold : Style::red);
}

Text what_happened(const JsonValue& record, std::string_view type, WallTime began, WallTime now) {
  const auto field = [&](std::string_view name) { return std::string(find_string(record, name)); };
  const bool waits = part(record, "bridge", "bridge_type") == "holding";
  if (type == "StasisStart") {
    const std::string args = joined(record, "args");
    return Text("enters " + field("app") + (args.empty() ? "" : " (" + args + ")"), Style::bold);
  }
  if (type == "StasisEnd") return "leaves " + field("app") + " after " + duration_text(began, now);
  if (type == "ChannelStateChange") {
    const std::string_view state = part(record, "channel", "state");
    if (state == "Up") return Text("answered", Style::green);
    if (state == "Ringing" || state == "Ring") return Text("ringing", Style::yellow);
    return {};
  }
  if (type == "ChannelDtmfReceived") return "pressed " + Text(field("digit"), Style::bold);
  if (type == "ChannelEnteredBridge") return (waits ? "waits in " : "joins bridge ") + bridge_name(record);
  if (type == "ChannelLeftBridge")
    return (waits ? "waits no longer in " : "leaves bridge ") + bridge_name(record);
  if (type == "ChannelHold") return "is on hold";
  if (type == "ChannelUnhold") return "is back from hold";
  if (type == "ChannelTalkingStarted") return "talks";
  if (type == "ChannelUserevent") return "user event " + field("eventname");
  if (type == "Dial") {
    const std::string status = field("dialstatus");
    return status.empty() ? "is being called at " + field("dialstring") : "dial: " + status;
  }
  if (type == "ChannelDestroyed") return ended(record, began, now);
  return {};
}

std::string time_at(const JsonValue& record, std::string_view name) {
  return duration_text(WallTime(), WallTime(std::chrono::milliseconds(number_of(record, name))));
}

// "from Alice <100> to 200"
std::string parties(const JsonValue& record) {
  const std::string from = party_at(record, "from"), to = party_at(record, "to");
  return (from.empty() ? "" : "from " + from) + (from.empty() || to.empty() ? "" : " ") +
         (to.empty() ? "" : "to " + to);
}

// The parts with ", " between them, without those that are empty.
std::string sentence_of(std::initializer_list<std::string> parts) {
  std::string out;
  for (const std::string& one : parts) out += (out.empty() || one.empty() ? "" : ", ") + one;
  return out;
}

bool is_incomplete(const JsonValue& record) {
  const JsonValue* complete = find(record, "complete");
  return complete != nullptr && complete->IsFalse();
}

Text call_ended(const JsonValue& record) {
  const auto began = parse_time(find_string(record, "started")),
             ended = parse_time(find_string(record, "ended"));
  const std::string after = began && ended ? " after " + duration_text(*began, *ended) : "";
  const std::string_view cause = find_string(record, "cause_txt");
  std::string text = "call ended" + after + (cause.empty() ? "" : ": " + std::string(cause));
  Style style = number_of(record, "cause") == 16 || cause.empty() ? Style::bold : Style::red;
  if (find_string(record, "how") == "left") {
    text = "call went on outside the applications" + after + ": Asterisk reports no more of it";
    style = Style::bold;
  }
  const bool is_answered = !find_string(record, "answered").empty();
  const uint64_t legs = list_of(record, "legs").Size() + number_of(record, "legs_left_out");
  const std::string more =
      sentence_of({parties(record), "rang " + time_at(record, "ring_ms"),
                   is_answered ? "talked " + time_at(record, "talk_ms") : "nobody answered",
                   number_of(record, "hold_ms") > 0 ? "on hold " + time_at(record, "hold_ms") : "",
                   counted(legs, "leg"), is_incomplete(record) ? "a part of it was not seen" : ""});
  return Text(text, style) + "; " + more;
}

Text call_happened(const JsonValue& record, std::string_view type) {
  if (type == "call.started") {
    const std::string what = sentence_of({std::string(find_string(record, "direction")), parties(record),
                                          is_incomplete(record) ? "its beginning was not seen" : ""});
    return Text("call begins: " + what, Style::bold);
  }
  if (type == "call.answered") return Text("call answered after " + time_at(record, "ring_ms"), Style::green);
  return type == "call.ended" ? call_ended(record) : Text();
}

// The ids of the objects of a record without a channel.
std::string ids_of(const JsonValue& record) {
  for (const char* name : {"channels", "bridges", "playbacks", "recordings", "endpoints", "devices"}) {
    if (std::string ids = joined(record, name); !ids.empty()) return ids;
  }
  return {};
}

}  // namespace

// Who calls; where nobody is known to, who is called.
CallView::Line CallView::call_line(const JsonValue& record, std::string_view type) {
  const std::string id = joined(record, "calls");
  std::string who = party_at(record, "from");
  if (who.empty()) who = party_at(record, "to");
  if (type == "call.started") {
    if (whose_.size() >= max_calls) whose_.clear();
    whose_[id] = who;
  } else if (const auto known = whose_.find(id); known != whose_.end()) {
    if (who.empty()) who = known->second;
    if (type == "call.ended") whose_.erase(known);
  }
  if (who.empty()) {  // the record of its beginning was not shown
    const std::string channel = joined(record, "channels");
    const auto shown = calls_.find({std::string(find_string(record, "server")), channel});
    who = shown == calls_.end() ? channel
                                : "#" + std::to_string(shown->second->number) + " " + shown->second->who;
  }
  return {who, call_happened(record, type), id};
}

std::shared_ptr<CallView::Call> CallView::call_of(const std::string& server, const JsonValue& channel,
                                                  WallTime now) {
  if (calls_.size() >= max_calls) {
    calls_.clear();
    locals_.clear();
  }
  std::shared_ptr<Call>& call = calls_[{server, std::string(find_string(channel, "id"))}];
  const auto [local, half] = local_half(find_string(channel, "name"));
  const Key name{server, std::string(local)};
  if (!call && half != 0) {
    if (const auto other = locals_.find(name); other != locals_.end()) call = other->second.lock();
  }
  if (!call) {
    call = std::make_shared<Call>();
    call->number = ++seen_;
    call->began = parse_time(find_string(channel, "creationtime")).value_or(now);
    if (half != 0) locals_[name] = call;
  }
  if (half == 1) call->has_first_half = true;
  if (half != 2 || !call->has_first_half) call->who = who_is(channel);
  return call;
}

CallView::Line CallView::channel_line(const JsonValue& record, const JsonValue& channel, WallTime now) {
  const std::string_view type = find_string(record, "type");
  const std::string server(find_string(record, "server")), id(find_string(channel, "id"));
  const std::shared_ptr<Call> call = call_of(server, channel, now);
  const auto [local, half] = local_half(find_string(channel, "name"));
  Line line{"#" + std::to_string(call->number) + " " + call->who, {}, id};
  const bool changes_state = type == "ChannelStateChange";
  const std::string_view state = find_string(channel, "state");
  const bool is_told = half == 2 ? call->has_first_half && is_twice_for_local(type)
                                 : half == 1 && changes_state && call->told_by_second == state;
  if (half == 2 && changes_state && !call->has_first_half) call->told_by_second = state;
  if (!is_told) line.what = what_happened(record, type, call->began, now);
  if (is_true(record, "synthetic") && type != "ChannelDestroyed" && !line.what.empty())
    line.what += " (found out later)";
  if (type == "ChannelDestroyed") {
    calls_.erase({server, id});
    if (half != 0 && call.use_count() == 1) locals_.erase({server, std::string(local)});
  }
  return line;
}

std::pair<std::string, std::string> CallView::target(const std::string& server, std::string_view uri) const {
  if (!uri.starts_with("channel:")) return {std::string(uri), ""};
  std::string id(uri.substr(8));
  const auto call = calls_.find({server, id});
  if (call == calls_.end()) return {std::string(uri), id};
  return {"#" + std::to_string(call->second->number) + " " + call->second->who, id};
}

CallView::Line CallView::line_of(const JsonValue& record, WallTime now) {
  const std::string_view type = find_string(record, "type");
  const std::string server(find_string(record, "server"));
  if (const Text sentence = daemon_records_.sentence(record, now, all_); !sentence.empty()) {
    return {server, sentence, type == "command.resolved" ? ids_of(record) : ""};
  }
  if (type.starts_with("call.")) return call_line(record, type);
  if (const JsonValue* channel = main_channel(record)) return channel_line(record, *channel, now);
  if (type == "PlaybackStarted" || type == "PlaybackFinished") {
    auto [who, id] = target(server, part(record, "playback", "target_uri"));
    return {who,
            Text(type == "PlaybackStarted" ? "hears " : "has heard ") + part(record, "playback", "media_uri"),
            id};
  }
  if (type.starts_with("Recording")) {
    auto [who, id] = target(server, part(record, "recording", "target_uri"));
    return {
        who,
        Text("recording ") + part(record, "recording", "name") + ": " + part(record, "recording", "state"),
        id};
  }
  return {"", {}, ids_of(record)};
}

std::vector<Text> CallView::lines(const JsonValue& record) {
  const WallTime now = parse_time(find_string(record, "time")).value_or(WallTime());
  Line line = line_of(record, now);
  if (line.what.empty()) {
    if (!all_) return {};
    line.what = Text(find_string(record, "type"), Style::grey);
  }
  const std::string time = to_rfc3339(now);
  std::vector<Text> out;
  if (const std::string date = time.substr(0, 10); date != date_) {
    out.emplace_back(date + ", times in UTC", Style::grey);
    date_ = date;
  }
  Text text = Text(time_text(now, now), Style::grey) + "  " + fitted_who(line.who, of_who) + "  " + line.what;
  if (!line.ids.empty()) text += "  " + Text(line.ids, Style::grey);
  out.push_back(text);
  return out;
}

}  // namespace aribus::cli
