#include "cli/calls_view.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t column_gap = 2;  // between columns

enum Name : size_t { who, called, with, state, time, legs, direction, channel, bridge, app, server, count };

struct Column {
  std::string_view name;
  size_t least;  // cells: with less it says nothing
  size_t most;   // more is cut
};
constexpr std::array<Column, count> columns_of_calls{{{"WHO", 18, 40},
                                                      {"CALLED", 6, 40},
                                                      {"WITH", 13, 60},
                                                      {"STATE", 7, 16},
                                                      {"TIME", 5, 10},
                                                      {"LEGS", 4, 6},
                                                      {"DIR", 3, 3},
                                                      {"CHANNEL", 13, 150},
                                                      {"BRIDGE", 8, 40},
                                                      {"APP", 6, 24},
                                                      {"SERVER", 6, 24}}};

// The most important first.
constexpr std::array<Name, count> by_importance{who, time, state,   called, legs,  direction,
                                                app, with, channel, bridge, server};
constexpr std::array<Name, count> with_ids_kept{who,       channel, time, state,  called, legs,
                                                direction, app,     with, bridge, server};

std::string value_of(const CallLine& line, size_t column, WallTime now) {
  const bool is_call = line.leg == nullptr && !line.call->id.empty();
  switch (column) {
    case who:
      return (line.leg != nullptr ? "  " : "") + line.who();
    case called:
      return is_call ? line.call->called : "";
    case with:
      return line.first().with;
    case state:
      return line.leg != nullptr && line.leg->held ? "on hold" : line.state();
    case time:
      return clock_text(line.began(), now);
    case legs:
      return is_call ? std::to_string(line.call->legs.size()) : "";
    case direction:
      return !is_call ? "" : line.call->direction == "outbound" ? "out" : "in";
    case channel:
      return line.first().channel;
    case bridge:
      return line.first().bridge();
    case app:
      return line.app();
    default:
      return line.first().server;
  }
}

Style style_of_state(std::string_view state) {
  if (state == "Up" || state == "up") return Style::green;
  return state == "Down" ? Style::grey : Style::yellow;
}

}  // namespace

std::string clock_text(WallTime from, WallTime to) {
  const auto seconds = std::max<long long>((to - from).count() / 1000, 0);
  char text[32];
  if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld", seconds / 60, seconds % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
  return text;
}

CallColumns::CallColumns(std::span<const CallLine> lines, WallTime now, size_t columns, bool keep_ids)
    : columns_(columns) {
  std::array<size_t, count> natural{}, width{};
  for (size_t i = 0; i < count; ++i) {
    natural[i] = cells(columns_of_calls[i].name);
    for (const CallLine& line : lines) natural[i] = std::max(natural[i], cells(value_of(line, i, now)));
    natural[i] = std::min(natural[i], columns_of_calls[i].most);
    width[i] = std::min(natural[i], columns_of_calls[i].least);
  }
  // An id that is cut is of no use, and so is a time.
  width[channel] = natural[channel];
  width[time] = natural[time];
  size_t used = 0;
  std::vector<Name> fitting;
  for (const Name name : keep_ids ? with_ids_kept : by_importance) {
    const size_t more = width[name] + (fitting.empty() ? 0 : column_gap);
    if (!fitting.empty() && used + more > columns) continue;
    fitting.push_back(name);
    used += more;
  }
  // What is left goes to those that would have more, the most important first.
  size_t left = columns > used ? columns - used : 0;
  for (const Name name : fitting) {
    const size_t more = std::min(left, natural[name] - width[name]);
    width[name] += more;
    left -= more;
  }
  width[fitting.front()] = std::min(width[fitting.front()], columns);
  std::ranges::sort(fitting);
  for (const Name name : fitting) shown_.push_back({name, width[name]});
}

Text CallColumns::names() const {
  std::string line;
  for (const Shown& shown : shown_) {
    if (!line.empty()) line.append(column_gap, ' ');
    line += fitted(columns_of_calls[shown.column].name, shown.width);
  }
  return Text(fitted(line, columns_), Style::bold);
}

Text CallColumns::line(const CallLine& line, WallTime now, bool is_chosen) const {
  Text out;
  std::string plain;
  for (const Shown& shown : shown_) {
    const std::string value = value_of(line, shown.column, now);
    const bool is_party = shown.column == who || shown.column == called || shown.column == with;
    const std::string space(plain.empty() ? 0 : column_gap, ' ');
    const std::string text = is_party ? fitted_who(value, shown.width) : fitted(value, shown.width);
    out += space + Text(text, shown.column == state ? style_of_state(value) : Style::plain);
    plain += space + text;
  }
  if (is_chosen) return Text(fitted(plain, columns_), Style::inverse);
  const size_t used = cells(plain);
  return out + std::string(columns_ > used ? columns_ - used : 0, ' ');
}

}  // namespace aribus::cli
