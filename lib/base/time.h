// Times on the wire.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace aribus {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// The present, to the millisecond.
[[nodiscard]] WallTime wall_now();

// RFC 3339 in UTC with milliseconds: "2026-11-22T21:46:17.690Z".
[[nodiscard]] std::string to_rfc3339(WallTime time);
// Adds it to the end of `out`.
void append_rfc3339(std::string& out, WallTime time);
// Writes it to `at`.
inline constexpr size_t rfc3339_size = 24;
void write_rfc3339(char* at, WallTime time);

// Reads Asterisk's times, "2026-11-22T21:46:17.690+0000", and RFC 3339's: any offset, with or without a
// colon, or "Z"; with or without fractions of a second. Nothing when it is no such time.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

// The time that `text` tells, as to_rfc3339() writes it; `text` itself when it is no such time.
[[nodiscard]] std::string normalized_time(std::string_view text);

}  // namespace aribus
