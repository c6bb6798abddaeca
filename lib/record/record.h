// One record of the stream: what aribus makes of an event of ARI, or reports of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "base/time.h"
#include "json/json_tape.h"
#include "record/ids.h"

namespace aribus::record {

// Most of a message that could not be read is left out of its record; this much is kept.
inline constexpr size_t max_malformed_bytes = 4096;

// Of an event's type: ARI's longest has 24. An event with a longer one becomes Malformed.
inline constexpr size_t max_type_bytes = 256;

struct Record {
  WallTime time;
  std::string server;  // the name of the Asterisk
  std::string app;     // the Stasis application, or ""
  std::string type;    // ARI's name of the event, or aribus' own with a dot
  const ari::ModelType* declared =
      nullptr;  // the type's declaration; nullptr: it has none, or was not searched
  Ids ids;
  std::string fields;  // the members that follow the ids, as JSON text, each with a comma in front
  // Where in `fields` each of them begins, with its comma. Of events alone: aribus' own have none.
  std::vector<uint32_t> members;

  // The JSON text of the first member of that name; "" when there is none. Required: the name has no escapes.
  [[nodiscard]] std::string_view member(std::string_view name) const;
  // The same, searched at `place` first; sets `place` to where it was found.
  [[nodiscard]] std::string_view member(std::string_view name, size_t& place) const;
  // Takes the first member of that name out, if there is one. Required: as for member().
  void remove_member(std::string_view name);
  // Adds a member at the end.
  void add_member(std::string_view name, std::string_view json);

 private:
  [[nodiscard]] std::string_view member_at(size_t place, std::string_view name) const;
};

// A record of aribus' own; `fields` is a JSON object, or empty.
[[nodiscard]] Record own_record(std::string_view type, std::string_view server, std::string_view fields,
                                WallTime time);

// An answer of ARI normalized; nothing when it is no JSON.
[[nodiscard]] std::optional<std::string> normalized_answer(std::string_view json,
                                                           const ari::ResultType& answer);

// Adds the ids in an answer of ARI, a JSON text: objects are recognised by their shape.
void lift_ids(std::string_view json, Ids& ids);

// The record as it goes over the wire: a JSON-RPC notification `event`, with the line's end.
//
// Writes it to `at`, where max_line_size(record) bytes have room, and returns its end.
char* write_line(const Record& record, uint64_t seq, char* at);
[[nodiscard]] size_t max_line_size(const Record& record);
inline constexpr size_t min_line_size = 100;  // of any record

// Reads a line of write_line() into `record` and returns its seq; nothing if it is no such line.
[[nodiscard]] std::optional<uint64_t> read_line(JsonTape& tape, std::string_view line, Record& record);

}  // namespace aribus::record
