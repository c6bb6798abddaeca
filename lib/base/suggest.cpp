#include "base/suggest.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace aribus {
namespace {

constexpr size_t longest =
    48;  // the cost is the product of the lengths, and longer names are not typed by hand
constexpr size_t shortest_beginning = 3;

// A word without its case.
struct Folded {
  explicit Folded(std::string_view word) : size(word.size()) {
    std::ranges::transform(word, letters.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  }
  std::array<char, longest> letters;
  size_t size;
};

// How many letters may differ between two words of that length for one to be a mistyped form of the other.
size_t tolerable(size_t length, size_t other_length) {
  return std::max<size_t>(1, std::max(length, other_length) / 3);
}

// Optimal string alignment: insertions, deletions, changes and swaps of neighbours count one each. Gives up
// beyond `limit`.
size_t distance(const Folded& a, const Folded& b, size_t limit) {
  std::array<uint8_t, longest + 1> before, last, row;
  for (size_t j = 0; j <= b.size; ++j) row[j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size; ++i) {
    before = last;
    last = row;
    row[0] = static_cast<uint8_t>(i);
    uint8_t least = row[0];
    for (size_t j = 1; j <= b.size; ++j) {
      const int change = last[j - 1] + (a.letters[i - 1] == b.letters[j - 1] ? 0 : 1);
      int best = std::min({last[j] + 1, row[j - 1] + 1, change});
      const bool swapped =
          i > 1 && j > 1 && a.letters[i - 1] == b.letters[j - 2] && a.letters[i - 2] == b.letters[j - 1];
      if (swapped) best = std::min(best, before[j - 2] + 1);
      row[j] = static_cast<uint8_t>(best);
      least = std::min(least, row[j]);
    }
    if (least > limit) return least;
  }
  return row[b.size];
}

// The only word of `known` that begins with `word` ("warn" for "warning"); "" when there is none or several.
std::string_view only_one_beginning_with(const Folded& word, std::span<const std::string_view> known) {
  std::string_view found;
  for (const std::string_view candidate : known) {
    if (word.size < shortest_beginning || candidate.size() < word.size || candidate.size() > longest)
      continue;
    const Folded folded(candidate);
    if (!std::equal(word.letters.begin(), word.letters.begin() + word.size, folded.letters.begin())) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace

std::string_view suggest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > longest) return {};
  const Folded folded(word);
  std::string_view best;
  size_t best_distance = std::string_view::npos;
  for (const std::string_view candidate : known) {
    const size_t limit = tolerable(word.size(), candidate.size());
    const size_t at_least = std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
    if (at_least > limit || candidate.size() > longest) continue;
    const size_t d = distance(folded, Folded(candidate), std::min(limit, best_distance));
    const bool all_differ = d >= std::max(word.size(), candidate.size());
    if (d > limit || all_differ || d >= best_distance) continue;
    best = candidate;
    best_distance = d;
  }
  return best.empty() ? only_one_beginning_with(folded, known) : best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view best = suggest(word, known);
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
