// Events that Asterisk has sent, and what a reader makes of them.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "record/event_reader.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

// The clock of the readers.
inline WallTime recorded_at() {
  return *parse_time("2026-11-22T23:50:00.001Z");
}

// The events in a file of tests/data.
inline std::vector<std::string> recorded_events(std::string_view name) {
  std::vector<std::string> events;
  std::ifstream file(std::string(ARIBUS_SOURCE_DIR) + "/tests/data/" + std::string(name));
  for (std::string line; std::getline(file, line);) events.push_back(line);
  return events;
}

// The record of `text`, with what is known of its members.
inline std::string line_with_members(record::EventReader& reader, const std::string& text) {
  static record::Record record;  // used again, as the daemon does
  reader.read(text, text.size(), "pbx1", record);
  std::string line = to_line(record, 1);
  for (const record::Member& member : record.members) {
    line += std::to_string(member.begin) + " " + std::string(record.id_of(member)) + " " +
            std::string(record.made_of(member)) + " ";
  }
  return line;
}

}  // namespace aribus::test
