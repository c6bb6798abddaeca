// Memory mapped twice in a row, so that every range of a ring is contiguous.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace aribus::bus {

// `size` bytes of memory that are mapped twice, one behind the other: byte i and byte i + size are the same
// byte.
class MirroredMemory {
 public:
  // `bytes` is rounded up to whole pages. A page uses memory once it is written.
  // Errors: system.
  [[nodiscard]] static Result<MirroredMemory> make(size_t bytes);
  // Maps `bytes` bytes, whole pages, of the file `fd` from the page at `offset` on.
  // Errors: system.
  [[nodiscard]] static Result<MirroredMemory> map(int fd, size_t offset, size_t bytes);
  ~MirroredMemory();
  MirroredMemory(MirroredMemory&& other) noexcept;
  MirroredMemory& operator=(MirroredMemory&&) = delete;

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  MirroredMemory(char* data, size_t size) : data_(data), size_(size) {}
  char* data_;
  size_t size_;
};

}  // namespace aribus::bus
