#include "json/padded_text.h"

#include <cstring>

#include <simdjson.h>

namespace aribus {
namespace {

constexpr size_t keep_bytes = 1 << 20;  // memory for texts up to this size is kept

}  // namespace

bool PaddedText::set(std::string_view text) {
  const size_t needed = text.size() + padding;
  if (capacity_ < needed || (text.size() <= keep_bytes && capacity_ > 2 * keep_bytes)) {
    capacity_ = needed + needed / 2;
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (!text.empty()) std::memcpy(bytes_.get(), text.data(), text.size());
  shorten(text.size());
  return simdjson::validate_utf8(text.data(), text.size());
}

void PaddedText::shorten(size_t size) {
  size_ = size;
  std::memset(bytes_.get() + size, 0, padding);
}

}  // namespace aribus
