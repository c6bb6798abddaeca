#include "cli/ladder.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/methods.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t of_time = 11;        // cells of the time, and the space behind it
constexpr size_t least_of_text = 26;  // cells
constexpr size_t least_of_column = 8, most_of_column = 24;

std::string text_at(const JsonValue& object, std::string_view name) {
  return std::string(find_string(object, name));
}

std::string inner_text(const JsonValue& record, std::string_view object, std::string_view name) {
  const JsonValue* inner = find(record, object);
  return inner == nullptr ? "" : text_at(*inner, name);
}

bool holds_true(const JsonValue& record, std::string_view name) {
  const JsonValue* value = find(record, name);
  return value != nullptr && value->IsTrue();
}
bool holds_false(const JsonValue& record, std::string_view name) {
  const JsonValue* value = find(record, name);
  return value != nullptr && value->IsFalse();
}

// "PJSIP/100" of "PJSIP/100-00000001", "Local/200@s;1" of "Local/200@s-00000001;1".
std::string short_name(std::string_view name) {
  const auto [common, half] = local_half(name);
  std::string out(common);
  const size_t dash = out.rfind('-');
  const bool is_number = dash != std::string::npos && out.size() - dash == 9 &&
                         out.find_first_not_of("0123456789abcdef", dash + 1) == std::string::npos;
  if (is_number) out.resize(dash);
  return half == 0 ? out : out + ";" + std::to_string(half);
}

std::string shown_bridge(const JsonValue& record) {
  const std::string name = inner_text(record, "bridge", "name");
  if (!name.empty()) return name;
  const std::string id = inner_text(record, "bridge", "id");
  constexpr size_t of_uuid = 36;  // Asterisk's own ids: their beginning is enough in one call
  return id.size() == of_uuid ? id.substr(0, 8) : id;
}

std::string seconds_text(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(time.count()) / 1000);
  return text.data();
}
std::string seconds_at(const JsonValue& record, std::string_view name) {
  return seconds_text(std::chrono::milliseconds(number_of(record, name))) + " s";
}

Style style_of_cause(const JsonValue& object) {
  return number_of(object, "cause") == 16 ? Style::bold : Style::red;
}

void add_wrapped(std::vector<Text>& out, std::string_view text, size_t columns, Style style = Style::plain) {
  for (const std::string& line : wrapped(text, columns, 0)) out.emplace_back(line, style);
}

std::string cause_of(const JsonValue& object) {
  const std::string text = text_at(object, "cause_txt");
  if (!text.empty()) return text;
  const JsonValue* cause = find(object, "cause");
  return cause == nullptr ? "" : "cause " + to_text(*cause);
}

}  // namespace

std::optional<size_t> Ladder::find_leg(std::string_view id) const {
  const auto at = std::ranges::find(legs_, id, &Leg::id);
  return at == legs_.end() ? std::nullopt : std::optional(static_cast<size_t>(at - legs_.begin()));
}

std::optional<size_t> Ladder::leg_of(const JsonValue& record, std::string_view member) {
  const JsonValue* channel = find(record, member);
  if (channel == nullptr) return {};
  const std::string_view id = find_string(*channel, "id");
  if (id.empty()) return {};
  auto leg = find_leg(id);
  if (!leg) {
    // A record of two calls does not say whose the channel is.
    if (list_of(record, "calls").Size() != 1) return {};
    leg = legs_.size();
    legs_.push_back(
        {.id = std::string(id), .name = short_name(find_string(*channel, "name")), .who = {}, .state = {}});
  }
  if (legs_[*leg].who.empty() && !inner_text(*channel, "caller", "number").empty())
    legs_[*leg].who = who_is(*channel);
  return leg;
}

void Ladder::meet(const JsonValue& record) {
  // The caller has been there longer than whom it dials.
  for (const char* member : {"channel", "caller", "peer", "transferer_first_leg"}) leg_of(record, member);
}

std::vector<Text> Ladder::lines(const JsonValue& record) {
  std::vector<Text> out;
  if (ended_) return out;  // copies of events, for other applications
  if (const auto time = parse_time(find_string(record, "time"))) last_ = *time;
  const std::string_view type = find_string(record, "type");
  if (!started_) add_start(out, record);
  meet(record);
  if (type == "call.ended") {
    ended_ = true;
    add_summary(out, record);
    return out;
  }
  const std::optional<Event> event = event_of(record);
  if (!event || is_copy(record, *event)) return out;
  if (laid_out_ != legs_.size()) {
    lay_out();
    add_heading(out);
  }
  add_event(out, *event, last_);
  return out;
}

bool Ladder::is_copy(const JsonValue& record, const Event& event) {
  const std::string line = text_at(record, "time") + "\n" + text_at(record, "type") + "\n" +
                           (event.leg ? legs_[*event.leg].id : "") + "\n" + event.text.printed(false);
  const std::string app = text_at(record, "app");
  const auto [at, is_new] = told_.try_emplace(line, app);
  return !is_new && at->second != app;
}

std::vector<Text> Ladder::end() const {
  if (ended_ || !started_) return {};
  std::vector<Text> out(1);
  add_wrapped(out,
              "the call has not ended: its last record is from " + seconds_text(last_ - *started_) +
                  " s after its start",
              columns_, Style::yellow);
  return out;
}

std::optional<Ladder::Event> Ladder::state_of(size_t leg, std::string_view state) {
  if (legs_[leg].state == state) return {};
  legs_[leg].state = state;
  return Event{.text = Text(state, state == "answers" ? Style::green : Style::yellow), .leg = leg, .to = {}};
}

std::optional<Ladder::Event> Ladder::dial(const JsonValue& record) {
  const auto caller = leg_of(record, "caller"), peer = leg_of(record, "peer");
  const std::string status = text_at(record, "dialstatus");
  if (!peer) return {};
  if (status.empty()) {
    const std::string at = text_at(record, "dialstring"), whom = at.empty() ? legs_[*peer].name : at;
    if (!caller) return Event{.text = "is called at " + whom, .leg = peer, .to = {}};
    return Event{.text = "dials " + whom, .leg = caller, .to = peer};
  }
  std::optional<Event> event;
  if (status == "RINGING" || status == "ANSWER") {
    event = state_of(*peer, status == "ANSWER" ? "answers" : "rings");
  } else if (status == "PROGRESS" || status == "PROCEEDING") {
    event = Event{.text = "reports progress", .leg = peer, .to = {}};
  } else {
    event = Event{.text = Text("does not answer: " + status, Style::red), .leg = peer, .to = {}};
  }
  if (event) event->to = caller;
  return event;
}

std::optional<Ladder::Event> Ladder::media(const JsonValue& record, std::string_view type) {
  const bool is_playback = type.starts_with("Playback");
  const std::string target = inner_text(record, is_playback ? "playback" : "recording", "target_uri");
  std::string what;
  if (is_playback) {
    const std::string uri = inner_text(record, "playback", "media_uri");
    if (type == "PlaybackStarted") what = "hears " + uri;
    if (type == "PlaybackFinished") what = "has heard " + uri;
  } else {
    const std::string name = inner_text(record, "recording", "name");
    if (type == "RecordingStarted") what = "recording " + name + " begins";
    if (type == "RecordingFinished") what = "recording " + name + " is finished";
    if (type == "RecordingFailed") what = "recording " + name + " failed";
  }
  if (what.empty()) return {};
  const auto leg = target.starts_with("channel:") ? find_leg(target.substr(8)) : std::nullopt;
  return Event{.text = leg ? what : target + ": " + what, .leg = leg, .to = {}};
}

std::optional<Ladder::Event> Ladder::event_of(const JsonValue& record) {
  const std::string_view type = find_string(record, "type");
  if (type == "Dial") return dial(record);
  if (type.starts_with("Playback") || type.starts_with("Recording")) return media(record, type);
  if (type == "BridgeAttendedTransfer") {
    return Event{.text = "transfers, attended: " + text_at(record, "result"),
                 .leg = leg_of(record, "transferer_first_leg"),
                 .to = {}};
  }
  const auto leg = leg_of(record, "channel");
  if (!leg) return {};
  Event event{.text = {}, .leg = leg, .to = {}};
  const bool waits = inner_text(record, "bridge", "bridge_type") == "holding";
  if (type == "ChannelCreated") {
    event.text = "is created";
    event.begins = true;
  } else if (type == "StasisStart") {
    const std::string args = joined(record, "args");
    event.text =
        Text("enters " + text_at(record, "app") + (args.empty() ? "" : " (" + args + ")"), Style::bold);
    legs_[*leg].is_over = false;
  } else if (type == "StasisEnd") {
    event.text = "leaves " + text_at(record, "app");
  } else if (type == "ChannelStateChange") {
    const std::string state = inner_text(record, "channel", "state");
    if (state == "Up") return state_of(*leg, "answers");
    if (state == "Ringing" || state == "Ring") return state_of(*leg, "rings");
    return {};
  } else if (type == "ChannelDtmfReceived") {
    event.text = "pressed " + Text(text_at(record, "digit"), Style::bold);
  } else if (type == "ChannelEnteredBridge") {
    event.text = (waits ? "waits in " : "joins bridge ") + shown_bridge(record);
  } else if (type == "ChannelLeftBridge") {
    event.text = (waits ? "waits no longer in " : "leaves bridge ") + shown_bridge(record);
  } else if (type == "ChannelHold") {
    event.text = Text("is on hold", Style::yellow);
  } else if (type == "ChannelUnhold") {
    event.text = "is back from hold";
  } else if (type == "ChannelUserevent") {
    event.text = "user event " + text_at(record, "eventname");
  } else if (type == "BridgeBlindTransfer") {
    event.text = "transfers to " + text_at(record, "exten") + "@" + text_at(record, "context") + ": " +
                 text_at(record, "result");
  } else if (type == "ChannelHangupRequest") {
    if (legs_[*leg].hangup_told) return {};
    legs_[*leg].hangup_told = true;
    event.text = "is to be hung up";
  } else if (type == "ChannelDestroyed") {
    const std::string cause = cause_of(record);
    event.text = holds_true(record, "synthetic")
                     ? Text("ended unseen", Style::red)
                     : Text("ends" + (cause.empty() ? "" : ": " + cause), style_of_cause(record));
    event.ends = true;
    return event;
  } else {
    return {};
  }
  if (holds_true(record, "synthetic")) event.text += " (found out later)";
  return event;
}

std::string Ladder::cut(std::string_view text, size_t columns) const {
  const bool is_half = text.starts_with("Local/") && (text.ends_with(";1") || text.ends_with(";2"));
  std::string_view rest;
  if (is_half && cells(text) > columns && columns > 4) {
    rest = text.substr(text.size() - 2);
    text.remove_suffix(2);
    columns -= 2;
  }
  std::string out = fitted(text, columns);
  constexpr std::string_view mark = "…";
  if (!utf8_ && out.ends_with(mark) && !text.ends_with(mark))
    out.replace(out.size() - mark.size(), mark.size(), "~");
  return out + std::string(rest);
}

void Ladder::lay_out() {
  laid_out_ = legs_.size();
  const size_t taken = of_time + least_of_text;
  const size_t room = columns_ > taken ? columns_ - taken : 0;
  shown_ = std::clamp<size_t>(room / least_of_column, 1, legs_.size());
  size_t widest = least_of_column;
  for (size_t i = 0; i < shown_; ++i)
    widest = std::max({widest, cells(legs_[i].name) + 2, cells(legs_[i].who) + 2});
  width_ = std::clamp(room / shown_, least_of_column, std::min(widest, most_of_column));
}

void Ladder::add_start(std::vector<Text>& out, const JsonValue& record) {
  const bool is_start = find_string(record, "type") == "call.started";
  started_ = parse_time(find_string(record, is_start ? "started" : "time")).value_or(last_);
  out.emplace_back("Call " + joined(record, "calls"), Style::bold);
  if (is_start) {
    const std::string from = party_at(record, "from"), to = party_at(record, "to");
    add_wrapped(out,
                text_at(record, "direction") + (from.empty() ? "" : ", from " + from) +
                    (to.empty() ? "" : ", to " + to) + ", started at " + to_rfc3339(*started_),
                columns_);
  }
  if (!is_start || holds_false(record, "complete")) {
    add_wrapped(out,
                "its beginning is missing; times are from " +
                    (is_start ? std::string("the start of its first leg") : to_rfc3339(*started_)) + " on",
                columns_, Style::yellow);
  }
}

void Ladder::add_heading(std::vector<Text>& out) const {
  std::string names(of_time, ' '), whos(of_time, ' '), folded;
  for (size_t i = 0; i < legs_.size(); ++i) {
    if (i >= shown_) {
      folded += (folded.empty() ? "" : ", ") + legs_[i].name;
      continue;
    }
    names += cut(legs_[i].name, width_ - 1) + " ";
    whos += fitted_who(legs_[i].who, width_ - 1) + " ";
  }
  const auto trimmed = [](std::string text) { return text.erase(text.find_last_not_of(' ') + 1); };
  out.emplace_back();
  if (!folded.empty()) {
    add_wrapped(out, counted(legs_.size() - shown_, "further leg") + " without a column: " + folded, columns_,
                Style::grey);
  }
  out.emplace_back(trimmed(names), Style::bold);
  if (whos.find_first_not_of(' ') != std::string::npos) out.emplace_back(trimmed(whos));
}

Text Ladder::drawn(const Event* event, Style style) const {
  struct Shapes {
    std::string_view line, dash, cross, mark, begin, end, right, left, from_left, from_right;
  };
  static constexpr Shapes lines{"│", "─", "┼", "●", "┬", "┴", "▶", "◀", "├", "┤"};
  static constexpr Shapes ascii{"|", "-", "+", "*", "+", "+", ">", "<", "+", "+"};
  const Shapes& shapes = utf8_ ? lines : ascii;
  const auto column = [&](const std::optional<size_t>& leg) {
    return leg && *leg < shown_ ? leg : std::nullopt;
  };
  const auto from = event == nullptr ? std::nullopt : column(event->leg);
  const auto to = event == nullptr ? std::nullopt : column(event->to);
  const bool is_arrow = from && to && *from != *to;
  const size_t first = is_arrow ? std::min(*from, *to) : 0, last = is_arrow ? std::max(*from, *to) : 0;
  Text out;
  for (size_t i = 0; i < shown_; ++i) {
    const bool lives = legs_[i].is_drawn && !legs_[i].is_over;
    const bool in_arrow = is_arrow && i > first && i < last;
    std::string_view at = lives ? shapes.line : " ";
    if (in_arrow) at = lives ? shapes.cross : shapes.dash;
    Style its = Style::grey;
    if ((from && i == *from) || (is_arrow && i == *to)) {
      its = style;
      at = event->begins ? shapes.begin : event->ends ? shapes.end : shapes.mark;
      if (is_arrow) at = i == *to ? shapes.line : *to > *from ? shapes.from_left : shapes.from_right;
    }
    out += Text(at, its);
    if (!is_arrow || i < first || i >= last) {
      out += Text(std::string(width_ - 1, ' '));
      continue;
    }
    std::string fill;
    for (size_t cell = 1; cell < width_; ++cell) {
      const bool is_head = *to > *from ? i + 1 == last && cell + 1 == width_ : i == first && cell == 1;
      fill += is_head ? (*to > *from ? shapes.right : shapes.left) : shapes.dash;
    }
    out += Text(fill, style);
  }
  return out;
}

void Ladder::add_event(std::vector<Text>& out, const Event& event, WallTime time) {
  Style style = Style::plain;
  std::string text;
  for (const Text::Piece& piece : event.text.pieces()) {
    text += piece.text;
    if (style == Style::plain) style = piece.style;
  }
  // A leg without a column is named; of an arrow, both.
  const bool is_folded = event.leg && (*event.leg >= shown_ || (event.to && *event.to >= shown_));
  if (is_folded) text = legs_[*event.leg].name + ": " + text;
  for (const auto& leg : {event.leg, event.to}) {
    if (leg) legs_[*leg].is_drawn = true;
  }
  const size_t used = of_time + shown_ * width_;
  const size_t room = columns_ > used + 8 ? columns_ - used : 8;
  bool is_first = true;
  for (const std::string& line : wrapped(text, room, 0)) {
    const std::string shown = cells(line) > room ? cut(line, room) : line;
    Text drawn_line = Text(is_first ? right_aligned(seconds_text(time - *started_), of_time - 2) + "  "
                                    : std::string(of_time, ' '),
                           Style::grey);
    drawn_line += drawn(is_first ? &event : nullptr, style);
    drawn_line += Text(shown, style);
    out.push_back(std::move(drawn_line));
    if (is_first && event.ends && event.leg) legs_[*event.leg].is_over = true;
    is_first = false;
  }
}

void Ladder::add_summary(std::vector<Text>& out, const JsonValue& record) const {
  const bool answered = !find_string(record, "answered").empty();
  const auto ended = parse_time(find_string(record, "ended")).value_or(last_);
  const std::string cause = cause_of(record);
  std::string first = "ended after " + seconds_text(ended - *started_) + " s";
  if (!cause.empty()) first += ": " + cause;
  if (find_string(record, "how") == "left")
    first += "; went on outside the applications, where Asterisk reports no more of it";
  out.emplace_back();
  add_wrapped(out, first, columns_, cause.empty() ? Style::bold : style_of_cause(record));
  std::string times = "rang " + seconds_at(record, "ring_ms");
  times += answered ? ", talked " + seconds_at(record, "talk_ms") : ", nobody answered";
  if (number_of(record, "hold_ms") > 0) times += ", on hold " + seconds_at(record, "hold_ms");
  out.emplace_back(times);
  if (holds_false(record, "complete")) out.emplace_back("a part of it was not seen", Style::yellow);
  size_t of_name = 0, of_id = 0;
  const auto legs = list_of(record, "legs");
  for (const JsonValue& leg : legs) {
    of_name = std::max(of_name, cells(find_string(leg, "name")));
    of_id = std::max(of_id, cells(find_string(leg, "channel")));
  }
  for (const JsonValue& leg : legs) {
    const std::string line = "  " + fitted(find_string(leg, "name"), of_name) + "  " +
                             fitted(find_string(leg, "channel"), of_id) + "  " + text_at(leg, "joined_by") +
                             (cause_of(leg).empty() ? "" : ", " + cause_of(leg));
    out.emplace_back(cells(line) > columns_ ? cut(line, columns_) : line);
  }
  if (const uint64_t more = number_of(record, "legs_left_out"); more > 0)
    out.emplace_back("  and " + counted(more, "further leg"));
  for (const JsonValue& transfer : list_of(record, "transfers")) {
    const std::string to = text_at(transfer, "to");
    out.emplace_back("  transfer, " + text_at(transfer, "kind") + (to.empty() ? "" : ", to " + to) + ": " +
                     text_at(transfer, "result"));
  }
  for (const JsonValue& recording : list_of(record, "recorded")) {
    const bool is_finished = find(recording, "duration") != nullptr;
    out.emplace_back("  recording " + text_at(recording, "name") + "." + text_at(recording, "format") +
                     (is_finished ? ", " + std::to_string(number_of(recording, "duration")) + " s" : ""));
  }
}

}  // namespace aribus::cli
