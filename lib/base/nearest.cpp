#include "base/nearest.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace aribus {
namespace {

constexpr size_t longest = 48;  // nobody mistypes a longer name; and the cost is the product of the lengths

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Of two words of that length, how many letters may differ for one to be meant by the other.
size_t tolerable(size_t length, size_t other_length) {
  return std::max<size_t>(1, std::max(length, other_length) / 3);
}

// Optimal string alignment: insertions, deletions, changes and swaps of neighbours count one each.
// Required: neither is longer than `longest`.
size_t distance(std::string_view a, std::string_view b) {
  std::array<size_t, longest + 1> before, last, row;
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = last;
    last = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      const bool swapped =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > longest) return {};
  std::string_view best;
  size_t best_distance = std::string_view::npos;
  for (const std::string_view candidate : known) {
    const size_t limit = tolerable(word.size(), candidate.size());
    const size_t at_least = std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
    if (at_least > limit || candidate.size() > longest) continue;
    const size_t d = distance(word, candidate);
    const bool all_differ = d >= std::max(word.size(), candidate.size());
    if (d > limit || all_differ || d >= best_distance) continue;
    best = candidate;
    best_distance = d;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view best = nearest(word, known);
  return best.empty() ? std::string() : "; did you mean '" + std::string(best) + "'?";
}

std::string join(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace aribus
