// Small helpers for text: URLs, lists, patterns, times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::sim {

// Undoes percent-encoding; in a query (`plus_is_space`) a raw "+" is a space, as for Asterisk.
[[nodiscard]] std::string url_decoded(std::string_view text, bool plus_is_space);

// The parts between `separator`s; none for an empty text.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

[[nodiscard]] std::string joined(const std::vector<std::string>& parts, std::string_view separator);

[[nodiscard]] std::string trimmed(std::string_view text);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

// Whether `text` fits `pattern`, in which "*" stands for any text.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);

// What Asterisk takes for true: yes, true, y, t, 1, on.
[[nodiscard]] bool is_true(std::string_view text);

// What C's atoi makes of `text`: 0 where it is no number.
[[nodiscard]] int leading_number(std::string_view text);

// The time now in Asterisk's format, as 2026-11-22T21:46:17.690+0000.
[[nodiscard]] std::string timestamp_now();

// The time now as in the HTTP header Date.
[[nodiscard]] std::string http_date();

// `value` as eight hexadecimal digits, as in the names of channels.
[[nodiscard]] std::string hex8(uint32_t value);

[[nodiscard]] std::string random_uuid();

}  // namespace aribus::sim
