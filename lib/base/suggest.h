// Suggestions for mistyped names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace aribus {

// The entry of `known` with the smallest edit distance to `word` (case ignored), if at most a third of its
// letters differ. Otherwise the only entry that begins with `word`, if that has three letters or more.
// Otherwise "".
[[nodiscard]] std::string_view suggest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean 'x'?" with the nearest entry, or "".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// The entries joined as "a, b, c".
[[nodiscard]] std::string join(std::span<const std::string_view> words);

}  // namespace aribus
