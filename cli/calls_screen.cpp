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
      "Up Down k j    the call before, after",
      "PgUp PgDn      a screen up, down",
      "b Space        the same",
      "Home End g G   the first, the last call",
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

bool is_same(const CallRow& left, const CallRow& right) {
  return left.server == right.server && left.channels.front() == right.channels.front();
}

}  // namespace

void CallsScreen::show(std::vector<CallRow> all, std::string trouble) {
  all_ = std::move(all);
  trouble_ = std::move(trouble);
  choose_rows();
}

void CallsScreen::disconnected(WallTime since, std::string reason) {
  // From the first failure on, with the latest reason.
  lost_ = Lost{lost_ ? lost_->since : since, std::move(reason)};
}

void CallsScreen::choose_rows() {
  std::optional<CallRow> before;
  if (chosen_ < shown_.size()) before = shown_[chosen_];
  shown_.clear();
  std::ranges::copy_if(all_, std::back_inserter(shown_),
                       [&](const CallRow& row) { return filter_.matches(row); });
  order_.sort(shown_);
  if (before) {
    const auto at = std::ranges::find_if(shown_, [&](const CallRow& row) { return is_same(row, *before); });
    if (at != shown_.end()) chosen_ = static_cast<size_t>(at - shown_.begin());
  }
  move_to(chosen_);
}

void CallsScreen::move_to(size_t row) {
  chosen_ = shown_.empty() ? 0 : std::min(row, shown_.size() - 1);
  top_ = std::min(top_, shown_.size() > page_ ? shown_.size() - page_ : 0);  // no empty lines below the last
  if (chosen_ < top_) top_ = chosen_;
  if (chosen_ >= top_ + page_) top_ = chosen_ - page_ + 1;
}

bool CallsScreen::press(const Key& key) {
  using Kind = Key::Kind;
  if (helping_) {
    helping_ = false;
    return key.text != "q";
  }
  if (searching_) return press_in_search(key);
  const std::string& text = key.text;
  const size_t back = std::max<size_t>(page_, 2) - 1;  // one line of the page before stays
  if (key.kind == Kind::up || text == "k") move_to(chosen_ > 0 ? chosen_ - 1 : 0);
  if (key.kind == Kind::down || text == "j") move_to(chosen_ + 1);
  if (key.kind == Kind::page_up || text == "b") move_to(chosen_ > back ? chosen_ - back : 0);
  if (key.kind == Kind::page_down || text == " ") move_to(chosen_ + back);
  if (key.kind == Kind::home || text == "g") move_to(0);
  if (key.kind == Kind::end || text == "G") move_to(shown_.size());
  if (text == "/") searching_ = true, search_before_ = std::exchange(filter_.search, "");
  if (text == "s") order_ = order_.next();
  if (text == "r") order_.reversed = !order_.reversed;
  if (text == "h" || text == "?") helping_ = true;
  if (text == "q") return false;
  if (key.kind == Kind::escape) {
    if (filter_.search.empty()) return false;
    filter_.search.clear();
  }
  choose_rows();
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
  choose_rows();
  return true;
}

std::string CallsScreen::header(WallTime now) const {
  const bool is_filtered = shown_.size() != all_.size() || !filter_.text().empty();
  std::string text = (is_filtered ? std::to_string(shown_.size()) + " of " : "") +
                     std::to_string(all_.size()) + (all_.size() == 1 ? " call" : " calls");
  if (!filter_.text().empty()) text += ", " + filter_.text();
  if (!shown_.empty()) {
    text +=
        ", rows " + std::to_string(top_ + 1) + " to " + std::to_string(std::min(top_ + page_, shown_.size()));
  }
  return text + ", by " + order_.text() + ", " + time_of_day(now);
}

std::string CallsScreen::footer() const {
  if (searching_) return "/" + filter_.search + "_   Enter: keep it, Esc: end it";
  return "q end  / search  s sort  ? all keys";
}

std::vector<std::string> CallsScreen::details() const {
  if (chosen_ >= shown_.size()) return {"", ""};
  const CallRow& row = shown_[chosen_];
  std::string ids = row.channels.front();
  if (row.channels.size() > 1) ids += "  other half: " + row.channels[1];
  std::string rest = row.name + ", " + (row.app.empty() ? "in no application" : "in " + row.app);
  if (!row.bridge_id.empty())
    rest += ", bridge " + row.bridge() + (row.bridge_name.empty() ? "" : " " + row.bridge_id);
  return {ids, rest + ", on " + row.server};
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
  const CallColumns table(shown_, now, columns, false);
  if (out.size() < rows) out.push_back(table.names());
  for (size_t row = top_; row < std::min(top_ + page_, shown_.size()) && out.size() < rows; ++row) {
    out.push_back(table.line(shown_[row], now, row == chosen_));
  }
  if (shown_.empty()) add(all_.empty() ? "no calls" : "no call matches", Style::grey);
  const size_t below = (has_details ? 2 : 0) + 1;
  while (out.size() + below < rows) add("", Style::plain);
  if (has_details) {
    for (const std::string& line : details()) add(line, Style::bold);
  }
  add(footer(), Style::grey);
  return out;
}

}  // namespace aribus::cli
