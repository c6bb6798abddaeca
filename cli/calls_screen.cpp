#include "cli/calls_screen.h"

#include <algorithm>

#include "cli/calls_view.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t rows_for_details = 12;  // a lower screen has none
constexpr size_t longest_search = 200;   // bytes

const std::vector<std::string>& help() {
  static const std::vector<std::string> lines{
      "Keys of aribus calls",
      "",
      "q Esc Ctrl-C   end",
      "Enter o        open or close the call:",
      "               its legs below it",
      "a              open or close all calls",
      "Up Down k j    the line before, after",
      "PgUp PgDn      a screen up, down",
      "b Space        the same",
      "Home End g G   the first, the last line",
      "/              search; Enter keeps it,",
      "               Esc ends it",
      "s              sort by the next column",
      "r              the order reversed",
      "? h            this help",
      "",
      "q ends, any other key goes back.",
  };
  return lines;
}

std::string time_of_day(WallTime time) {
  return to_rfc3339(time).substr(11, 8) + " UTC";
}

// "2 of 12 calls"
std::string part_of(size_t part, size_t all, bool is_filtered, const std::string& noun) {
  return (is_filtered ? std::to_string(part) + " of " : "") + counted(all, noun);
}

bool is_call(const CallRow& row) {
  return !row.id.empty();
}

}  // namespace

void CallsScreen::show(std::vector<CallRow> all, std::string trouble) {
  const Chosen before = chosen_ < lines_.size() ? about(lines_[chosen_]) : Chosen();
  all_ = std::move(all);
  trouble_ = std::move(trouble);
  if (!others_.empty()) {
    std::unordered_set<std::string> there;
    for (const CallRow& call : all_) {
      if (others_.contains(call.id)) there.insert(call.id);
    }
    others_ = std::move(there);
  }
  find_lines();
  choose(before);
}

void CallsScreen::disconnected(WallTime since, std::string reason) {
  // From the first failure on, with the latest reason.
  lost_ = Lost{lost_ ? lost_->since : since, std::move(reason)};
}

CallsScreen::Chosen CallsScreen::about(const CallLine& line) {
  const LegRow& first = line.first();
  const bool is_channel = line.leg != nullptr || line.call->id.empty();
  return {first.server, line.call->id, is_channel ? first.channel : ""};
}

void CallsScreen::find_lines() {
  calls_ = lines_of_calls(all_, filter_, order_);
  find_open();
}

void CallsScreen::find_open() {
  lines_ = with_legs(calls_, [this](const CallRow& call) { return is_open(call); });
}

// Of a leg that is not there any more, the call.
void CallsScreen::choose(const Chosen& chosen) {
  for (size_t i = 0; i < lines_.size(); ++i) {
    const CallLine& line = lines_[i];
    if (line.call->id != chosen.call || line.first().server != chosen.server) continue;
    const bool is_channel = line.leg != nullptr || line.call->id.empty();
    if (is_channel && line.first().channel != chosen.channel) continue;
    chosen_ = i;
    if (is_channel || chosen.channel.empty()) break;
  }
  move_to(chosen_);
}

void CallsScreen::move_to(size_t line) {
  chosen_ = lines_.empty() ? 0 : std::min(line, lines_.size() - 1);
  top_ = std::min(top_, lines_.size() > page_ ? lines_.size() - page_ : 0);  // no empty lines below the last
  if (chosen_ < top_) top_ = chosen_;
  if (chosen_ >= top_ + page_) top_ = chosen_ - page_ + 1;
}

void CallsScreen::open_or_close() {
  if (chosen_ >= lines_.size() || lines_[chosen_].call->id.empty()) return;
  const std::string& id = lines_[chosen_].call->id;
  if (others_.erase(id) == 0) others_.insert(id);
  find_open();
}

bool CallsScreen::press(const Key& key) {
  using Kind = Key::Kind;
  if (helping_) {
    helping_ = false;
    return key.text != "q";
  }
  if (searching_) return press_in_search(key);
  const std::string& text = key.text;
  if (text == "q") return false;
  if (key.kind == Kind::escape && filter_.search.empty()) return false;
  const size_t back = std::max<size_t>(page_, 2) - 1;  // one line of the page before stays
  if (key.kind == Kind::up || text == "k") move_to(chosen_ > 0 ? chosen_ - 1 : 0);
  if (key.kind == Kind::down || text == "j") move_to(chosen_ + 1);
  if (key.kind == Kind::page_up || text == "b") move_to(chosen_ > back ? chosen_ - back : 0);
  if (key.kind == Kind::page_down || text == " ") move_to(chosen_ + back);
  if (key.kind == Kind::home || text == "g") move_to(0);
  if (key.kind == Kind::end || text == "G") move_to(lines_.size());
  if (text == "h" || text == "?") helping_ = true;
  const Chosen before = chosen_ < lines_.size() ? about(lines_[chosen_]) : Chosen();
  const bool opens = key.kind == Kind::enter || text == "o" || text == "a";
  if (text == "a") {
    all_open_ = !all_open_;
    others_.clear();
    find_open();
  } else if (opens) {
    open_or_close();
  }
  const bool is_other = text == "/" || text == "s" || text == "r" || key.kind == Kind::escape;
  if (text == "/") searching_ = true, search_before_ = std::exchange(filter_.search, "");
  if (text == "s") order_ = order_.next();
  if (text == "r") order_.reversed = !order_.reversed;
  if (key.kind == Kind::escape) filter_.search.clear();
  if (is_other) find_lines();
  if (opens || is_other) choose(before);
  return true;
}

bool CallsScreen::press_in_search(const Key& key) {
  using Kind = Key::Kind;
  std::string& search = filter_.search;
  if (key.kind == Kind::enter) searching_ = false;
  if (key.kind == Kind::escape) searching_ = false, search = search_before_;
  if (key.kind == Kind::text && search.size() < longest_search) search += key.text;
  if (key.kind == Kind::backspace) {
    while (!search.empty() && (static_cast<unsigned char>(search.back()) & 0xC0) == 0x80) search.pop_back();
    if (!search.empty()) search.pop_back();
  }
  const Chosen before = chosen_ < lines_.size() ? about(lines_[chosen_]) : Chosen();
  find_lines();
  choose(before);
  return true;
}

std::string CallsScreen::header(WallTime now) const {
  const bool is_filtered = calls_.size() != all_.size() || !filter_.text().empty();
  const auto all = static_cast<size_t>(std::ranges::count_if(all_, is_call));
  const auto part = static_cast<size_t>(
      std::ranges::count_if(calls_, [](const CallLine& line) { return is_call(*line.call); }));
  std::string text = part_of(part, all, is_filtered, "call");
  const size_t channels = is_filtered ? calls_.size() - part : all_.size() - all;
  if (channels > 0) text += ", " + part_of(channels, all_.size() - all, is_filtered, "other channel");
  if (!filter_.text().empty()) text += ", " + filter_.text();
  if (!lines_.empty()) {
    text +=
        ", rows " + std::to_string(top_ + 1) + " to " + std::to_string(std::min(top_ + page_, lines_.size()));
  }
  return text + ", by " + order_.text() + ", " + time_of_day(now);
}

std::string CallsScreen::footer() const {
  if (searching_) return "/" + filter_.search + "_   Enter: keep it, Esc: end it";
  return "q end  Enter legs  / search  ? all keys";
}

std::vector<std::string> CallsScreen::details() const {
  if (chosen_ >= lines_.size()) return {"", ""};
  const CallLine& line = lines_[chosen_];
  const LegRow& first = line.first();
  const std::string of_call = line.call->id.empty() ? "  of no call" : "  of call " + line.call->id;
  std::string rest;
  if (line.leg == nullptr && !line.call->id.empty()) {
    rest = line.call->direction + ", " + counted(line.call->legs.size(), "leg") +
           (line.call->complete ? "" : ", its beginning was not seen") + ", ";
  }
  rest += first.name + ", " + (line.app().empty() ? "in no application" : "in " + line.app());
  if (!first.bridge_id.empty())
    rest += ", bridge " + first.bridge() + (first.bridge_name.empty() ? "" : " " + first.bridge_id);
  return {first.channel + of_call, rest + ", on " + first.server};
}

std::vector<Text> CallsScreen::lines(WallTime now, size_t rows, size_t columns) {
  std::vector<Text> out;
  const auto add = [&](std::string_view text, Style style) {
    if (out.size() < rows) out.emplace_back(fitted(text, columns), style);
  };
  if (helping_) {
    for (const std::string& line : help()) add(line, Style::plain);
    return out;
  }
  const bool has_details = rows >= rows_for_details;
  const size_t others = 3 + (lost_ || !trouble_.empty() ? 1 : 0) + (has_details ? 2 : 0);
  page_ = rows > others ? rows - others : 1;
  move_to(chosen_);
  add(header(now), Style::plain);
  if (lost_) {
    add("not connected since " + time_of_day(lost_->since) + ", reconnecting: " + lost_->reason, Style::red);
  } else if (!trouble_.empty()) {
    add(trouble_, Style::red);
  }
  const size_t end = std::min(top_ + page_, lines_.size());
  const CallColumns table(std::span<const CallLine>(lines_).subspan(top_, end - top_), now, columns, false);
  if (out.size() < rows) out.push_back(table.names());
  for (size_t at = top_; at < end && out.size() < rows; ++at) {
    out.push_back(table.line(lines_[at], now, at == chosen_));
  }
  if (lines_.empty()) add(all_.empty() ? "no calls" : "no call matches", Style::grey);
  const size_t below = (has_details ? 2 : 0) + 1;
  while (out.size() + below < rows) add("", Style::plain);
  if (has_details) {
    for (const std::string& line : details()) add(line, Style::bold);
  }
  add(footer(), Style::grey);
  return out;
}

}  // namespace aribus::cli
