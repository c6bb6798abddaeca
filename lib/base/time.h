// Times on the wire.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace aribus {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// The current time, in milliseconds.
[[nodiscard]] WallTime wall_now();

// RFC 3339 in UTC with milliseconds: "2026-11-22T21:46:17.690Z".
[[nodiscard]] std::string to_rfc3339(WallTime time);
// Appends it to `out`.
void append_rfc3339(std::string& out, WallTime time);
// Writes it to `at`.
inline constexpr size_t rfc3339_size = 24;
void write_rfc3339(char* at, WallTime time);

// Parses Asterisk's times, "2026-11-22T21:46:17.690+0000", and those of RFC 3339: any offset with or without
// a colon, or "Z"; with or without fractions of a second. Nothing when `text` is no such time.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

// `text`, a time as above, in the form of to_rfc3339(); unchanged when it is no such time.
[[nodiscard]] std::string normalized_time(std::string_view text);

}  // namespace aribus
