// Keys, as a terminal sends them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::cli {

struct Key {
  enum class Kind { text, up, down, page_up, page_down, home, end, enter, escape, backspace, other };
  Kind kind;
  std::string text{};  // the character, in UTF-8

  bool operator==(const Key&) const = default;
};

// Makes keys of the bytes of a terminal. A key may come in pieces.
class KeyReader {
 public:
  [[nodiscard]] std::vector<Key> read(std::string_view bytes);
  // Whether a key may have come in part: either an Escape by itself, or the beginning of more.
  [[nodiscard]] bool is_waiting() const { return !pending_.empty(); }
  // Nothing more has come for a while: a lone Escape is that key, other parts are forgotten.
  [[nodiscard]] std::vector<Key> give_up_waiting();

 private:
  // Takes one key off pending_. Nothing when more bytes are needed.
  std::optional<Key> take();
  std::optional<Key> take_sequence();

  std::string pending_;
};

}  // namespace aribus::cli
