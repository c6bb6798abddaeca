// A text that is about to be read as JSON, in memory that can be read in blocks.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace aribus {

// A copy of one text at a time, with zeros behind it. A zero is part of no JSON text, so a reader meets one
// before it leaves the memory and need not compare its place with the end.
class PaddedText {
 public:
  static constexpr size_t padding = 32;  // zeros behind the text

  // Keeps a copy of `text`. Returns false if that is not well-formed UTF-8.
  [[nodiscard]] bool set(std::string_view text);
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  friend class JsonTape;
  // Sets the size after white space was taken out. Required: size <= view().size().
  void shorten(size_t size);

  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;  // of bytes_
  size_t size_ = 0;
};

}  // namespace aribus
