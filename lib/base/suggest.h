// Finding what somebody meant to write.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace aribus {

// The entry of `known` nearest to `word` by edit distance (case ignored). When none is near enough to be what
// was meant (more than a third of its letters differ): the only one that begins with `word`, if that has
// three letters or more. Else "".
[[nodiscard]] std::string_view suggest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean 'x'?" with the nearest entry, or "".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// The entries joined as "a, b, c".
[[nodiscard]] std::string join(std::span<const std::string_view> words);

}  // namespace aribus
