// JSON: what RapidJSON leaves open (depth, encoding, error texts).
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

// Maximum nesting of arrays and objects in input: events and answers (Asterisk's deepest is 5) and requests.
// Functions that walk a value may therefore recurse.
inline constexpr int max_json_depth = 64;
// Maximum nesting in the lines that aribus writes. They wrap the input: a record in the notification and in
// `fields` (2 more levels), a snapshot in the answer, its lists and their items (4), all of it in a batch
// (1); and the difference after a gap contains objects that were whole answers. All readers of such lines
// (the log, the clients, the tool) accept as much.
inline constexpr int max_line_depth = max_json_depth + 8;

// Parses one JSON text (RFC 8259) in well-formed UTF-8, of at most `max_values` values and names of members,
// nested at most `max_depth` levels deep. Errors: malformed, with the reason and the offset in bytes.
[[nodiscard]] Result<Json> parse_json(std::string_view text, size_t max_values = SIZE_MAX,
                                      int max_depth = max_json_depth);
// Likewise for text that aribus has written: a line or a part of one.
[[nodiscard]] inline Result<Json> parse_own_json(std::string_view text) {
  return parse_json(text, SIZE_MAX, max_line_depth);
}

// Whether a JSON number is in the range of doubles, which most readers of JSON use: its value is below
// 2^1024, with at most 308 digits before the point and an exponent of at most 308. (The last two are
// RapidJSON's limits: it refuses 0e400.) Values too close to zero for a double are in range.
[[nodiscard]] bool fits_double(std::string_view number);
inline constexpr std::string_view number_out_of_range = "a number out of the range of a double";

// The string's bytes. Required: value.IsString().
[[nodiscard]] inline std::string_view as_view(const JsonValue& value) {
  return {value.GetString(), value.GetStringLength()};
}

// The member `name` of `object`, or nullptr when it is absent or `object` is not an object.
[[nodiscard]] const JsonValue* find(const JsonValue& object, std::string_view name);

// The member's string, or `otherwise` when it is absent or no string.
[[nodiscard]] std::string_view find_string(const JsonValue& object, std::string_view name,
                                           std::string_view otherwise = {});

// A copy that owns its memory.
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
// returns its end. max_json_string_bytes(text) are enough, too, which says more exactly what it takes.
inline constexpr size_t max_json_string_growth = 6;  // of a control character
char* write_json_string(char* at, std::string_view text);
[[nodiscard]] size_t max_json_string_bytes(std::string_view text);

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
