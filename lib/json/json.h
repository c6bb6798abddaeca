// JSON: what RapidJSON does not settle by itself (depth, encoding, error texts).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/result.h"

namespace aribus {

using Json = rapidjson::Document;
using JsonValue = rapidjson::Value;
using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer>;

// Deepest nesting of arrays and objects in what comes from outside: events and answers of Asterisk (its own
// deepest is 5), and requests. Everything that walks a value may therefore recurse.
inline constexpr int max_json_depth = 64;
// Deepest nesting in the lines that aribus makes of it. They wrap what came: a record in the notification and
// in `fields` (2 levels more), a snapshot in the answer, its lists and their items (4), all of it in a batch
// (1); and the difference told after a gap holds objects that came as a whole answer. Every reader of such
// lines accepts as much: the log, the clients, the tool.
inline constexpr int max_line_depth = max_json_depth + 8;

// Parses one JSON text (RFC 8259) in well-formed UTF-8, of at most `max_values` values and names of members,
// nested at most `max_depth` levels deep. Errors: malformed, with the reason and the offset in bytes.
[[nodiscard]] Result<Json> parse_json(std::string_view text, size_t max_values = SIZE_MAX,
                                      int max_depth = max_json_depth);
// Likewise, of what aribus has written itself: a line, or a part of one.
[[nodiscard]] inline Result<Json> parse_own_json(std::string_view text) {
  return parse_json(text, SIZE_MAX, max_line_depth);
}

// The range of numbers, as most readers of JSON have doubles: `number`, one of JSON, has a value below
// 2^1024, at most 308 digits in front of the point, and an exponent of at most 308. (The last two are
// RapidJSON's: it takes no 0e400.) What is closer to zero than a double can be is within the range.
[[nodiscard]] bool fits_double(std::string_view number);
inline constexpr std::string_view number_out_of_range = "a number out of the range of a double";

// The string's bytes. Required: value.IsString().
[[nodiscard]] inline std::string_view as_view(const JsonValue& value) {
  return {value.GetString(), value.GetStringLength()};
}

// The member `name` of `object`, or nullptr when it is absent or `object` is none.
[[nodiscard]] const JsonValue* find(const JsonValue& object, std::string_view name);

// The member's string, or `otherwise` when it is absent or no string.
[[nodiscard]] std::string_view find_string(const JsonValue& object, std::string_view name,
                                           std::string_view otherwise = {});

// A copy with memory of its own.
[[nodiscard]] Json copy_of(const JsonValue& value);

// Sets the member `name` of the object `object`, replacing one that is there.
void set_member(Json& object, std::string_view name, std::string_view value);
void set_member(Json& object, std::string_view name, const JsonValue& value);

// `value` as compact JSON text.
[[nodiscard]] std::string to_text(const JsonValue& value);

inline void write_string(JsonWriter& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
inline void write_key(JsonWriter& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
inline void write_member(JsonWriter& writer, std::string_view name, std::string_view text) {
  write_key(writer, name);
  write_string(writer, text);
}

// Adds `text`, well-formed UTF-8, as a JSON string to the end of `out`.
void append_json_string(std::string& out, std::string_view text);
// Writes it to `at`, where max_json_string_growth bytes for each byte of `text` and two more have room, and
// returns its end.
inline constexpr size_t max_json_string_growth = 6;  // of a control character
char* write_json_string(char* at, std::string_view text);

// Writes a JSON text that is already finished.
inline void write_raw(JsonWriter& writer, std::string_view json) {
  writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

// Renders what `write(JsonWriter&)` writes.
template <typename Write>
[[nodiscard]] std::string render(Write write) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  write(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// What JSON calls the value's type: "string", "integer", "number", "boolean", "object", "array" or "null".
[[nodiscard]] std::string_view type_name(const JsonValue& value);

}  // namespace aribus
