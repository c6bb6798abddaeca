// Shared functions of the tool's views. Texts are not escaped here: Output does that.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "json/json.h"

namespace aribus::cli {

// "8.1 s", "2 min 05 s" or "3 h 12 min".
[[nodiscard]] std::string duration_text(WallTime from, WallTime to);

// "1 connection", "2 connections", "0 connections".
[[nodiscard]] std::string counted(uint64_t number, std::string_view noun);

// A name and a number: "Alice <100>", "100", "Alice" or "".
[[nodiscard]] std::string party_text(std::string_view name, std::string_view number);
// Likewise, of the object `member`, as `from` and `to` of a call.
[[nodiscard]] std::string party_at(const JsonValue& object, std::string_view member);

// Who is on an ARI Channel: "Alice <100>", or the channel's name.
[[nodiscard]] std::string who_is(const JsonValue& channel);

// Of the name of a half of a Local channel, "Local/100@default-00000001;2": what both halves' names begin
// with, and which half it is; 0 of any other name.
[[nodiscard]] std::pair<std::string_view, int> local_half(std::string_view name);

// The whole number `name`, not below 0; 0 when it is none.
[[nodiscard]] uint64_t number_of(const JsonValue& object, std::string_view name);

// The strings of the list `name`, with ", " between them; "" when there is none.
[[nodiscard]] std::string joined(const JsonValue& object, std::string_view name);

// How many cells of a terminal the text takes once Output has made it harmless: two for most of East Asia's
// characters and for emoji, none for a mark that is drawn over the character before it.
[[nodiscard]] size_t cells(std::string_view text);

// Made harmless, and filled with spaces, or cut, to exactly `columns` cells. Where something was cut, the
// last cell is "…".
[[nodiscard]] std::string fitted(std::string_view text, size_t columns);
// Likewise, of what who_is() gives: the number stays, and the name in front of it is cut, where that helps.
[[nodiscard]] std::string fitted_who(std::string_view who, size_t columns);

// `text` of one-cell characters, with spaces in front to make `columns` cells; a longer one is not cut.
[[nodiscard]] std::string right_aligned(const std::string& text, size_t columns);

// `text` in lines of at most `columns` cells, broken between words, each with `indent` spaces in front.
// A word that is longer has a line of its own.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, size_t columns, size_t indent);

}  // namespace aribus::cli
