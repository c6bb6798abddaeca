#include "base/random.h"

#include <stdexcept>

#include <uv.h>

namespace aribus {

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  if (uv_random(nullptr, nullptr, bytes.data(), bytes.size(), 0, nullptr) != 0) {
    throw std::runtime_error("the system gives no random bytes");
  }
  return bytes;
}

std::string random_hex(size_t bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : random_bytes(bytes)) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

}  // namespace aribus
