// The drawing of one call, for `aribus trace`: a column for each leg, time going down.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// Draws the records of a call, in their order:
//   Call pbx1/1795384777.12/1795384777690
//   inbound, from Alice <100>, to 200, started at 2026-11-22T21:46:17.690Z
//
//              PJSIP/100    Local/200@s;1
//              100          200
//       0.000  ┬                          is created
//       0.002  ├───────────▶│             dials 200@s
//       0.512  ●            │             enters demo (inbound, 100)
// The columns stand in the order in which the legs joined. Where there is no room for all of them, the last
// ones have none: the text names them.
class Ladder {
 public:
  // `columns` is the width of the terminal, `utf8` whether it draws lines; otherwise they are of ASCII.
  Ladder(size_t columns, bool utf8) : columns_(columns), utf8_(utf8) {}

  // Gives the legs of a record that is to be drawn later their columns.
  void meet(const JsonValue& record);
  // The lines for the next record: none when it says nothing to a person. Where a leg joins that was not met,
  // the heading comes again.
  [[nodiscard]] std::vector<Text> lines(const JsonValue& record);
  // Behind the last record: what is to be said of a call that has not ended.
  [[nodiscard]] std::vector<Text> end() const;
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  struct Leg {
    std::string id;
    std::string name;  // the short one: "PJSIP/100"
    std::string who;
    bool is_drawn = false;  // its line has begun
    bool is_over = false;   // and has ended
    std::string state;      // that was told last: "ringing", …
    bool hangup_told = false;
  };
  // What one line says.
  struct Event {
    Text text;
    std::optional<size_t> leg;  // an index
    std::optional<size_t> to;   // an arrow goes there
    bool begins = false;
    bool ends = false;
  };

  [[nodiscard]] std::optional<size_t> find_leg(std::string_view id) const;
  std::optional<size_t> leg_of(const JsonValue& record, std::string_view member);
  [[nodiscard]] std::optional<Event> event_of(const JsonValue& record);
  [[nodiscard]] std::optional<Event> dial(const JsonValue& record);
  [[nodiscard]] std::optional<Event> media(const JsonValue& record, std::string_view type);
  [[nodiscard]] std::optional<Event> state_of(size_t leg, std::string_view state);
  [[nodiscard]] bool is_copy(const JsonValue& record, const Event& event);
  // fitted(), in ASCII where it has to be; the half of a Local channel stays.
  [[nodiscard]] std::string cut(std::string_view text, size_t columns) const;
  void lay_out();
  void add_start(std::vector<Text>& out, const JsonValue& record);
  void add_heading(std::vector<Text>& out) const;
  void add_event(std::vector<Text>& out, const Event& event, WallTime time);
  void add_summary(std::vector<Text>& out, const JsonValue& record) const;
  // The lines of all legs, with the event's mark or arrow in front of its text.
  [[nodiscard]] Text drawn(const Event* event, Style style) const;

  size_t columns_;
  bool utf8_;
  std::vector<Leg> legs_;
  size_t laid_out_ = 0;  // legs, when the heading was printed
  size_t shown_ = 0;     // legs that have a column
  size_t width_ = 0;     // of a column
  std::optional<WallTime> started_;
  WallTime last_;  // the time of the last record
  bool ended_ = false;
  // Asterisk reports an event to each application that it is of interest to: the application by what was
  // told.
  std::map<std::string, std::string> told_;
};

}  // namespace aribus::cli
