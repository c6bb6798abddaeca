#include "cli/keys.h"

#include <algorithm>

#include "base/utf8.h"

namespace aribus::cli {
namespace {

using KeyKind = Key::Kind;

constexpr char escape = 0x1B;
constexpr size_t longest_sequence = 32;  // bytes; no key has more

// The characters after "ESC [" or "ESC O" for xterm, the Linux console, rxvt and screen.
KeyKind key_of(std::string_view sequence) {
  struct Known {
    std::string_view sequence;
    KeyKind kind;
  };
  static constexpr Known known[] = {
      {"A", KeyKind::up},   {"B", KeyKind::down},  {"5~", KeyKind::page_up}, {"6~", KeyKind::page_down},
      {"H", KeyKind::home}, {"1~", KeyKind::home}, {"7~", KeyKind::home},    {"F", KeyKind::end},
      {"4~", KeyKind::end}, {"8~", KeyKind::end},  {"M", KeyKind::enter}};
  const auto* at = std::ranges::find(known, sequence, &Known::sequence);
  return at == std::end(known) ? KeyKind::other : at->kind;
}

}  // namespace

std::vector<Key> KeyReader::read(std::string_view bytes) {
  std::vector<Key> keys;
  pending_ += bytes;
  while (!pending_.empty()) {
    const std::optional<Key> key = take();
    if (!key) break;
    keys.push_back(*key);
  }
  return keys;
}

std::vector<Key> KeyReader::give_up_waiting() {
  const bool is_escape = pending_ == std::string(1, escape);
  pending_.clear();
  return is_escape ? std::vector<Key>{{KeyKind::escape}} : std::vector<Key>{};
}

std::optional<Key> KeyReader::take() {
  const char first = pending_[0];
  if (first == escape) return take_sequence();
  std::string_view rest = pending_;
  // The beginning of a character waits for its end.
  const auto byte = static_cast<unsigned char>(first);
  const size_t size = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
  if (sequence_length(rest) == 0 && rest.size() < size) return {};
  const char32_t character = take_character(rest);
  const std::string text = pending_.substr(0, pending_.size() - rest.size());
  pending_.erase(0, text.size());
  if (first == '\r' || first == '\n') return Key{KeyKind::enter};
  if (first == 0x7F || first == '\b') return Key{KeyKind::backspace};
  if (character == no_character || is_harmful(character)) return Key{KeyKind::other};
  return Key{KeyKind::text, text};
}

std::optional<Key> KeyReader::take_sequence() {
  if (pending_.size() == 1) return {};
  if (pending_[1] != '[' && pending_[1] != 'O') {  // Escape and then another key, or Alt with it
    pending_.erase(0, 1);
    return Key{KeyKind::escape};
  }
  const auto is_final = [](char c) { return c >= '@' && c <= '~'; };
  const auto end = std::find_if(pending_.begin() + 2, pending_.end(), is_final);
  if (end == pending_.end()) {
    if (pending_.size() < longest_sequence) return {};
    pending_.clear();
    return Key{KeyKind::other};
  }
  const std::string sequence(pending_.begin() + 2, end + 1);
  pending_.erase(pending_.begin(), end + 1);
  return Key{key_of(sequence)};
}

}  // namespace aribus::cli
