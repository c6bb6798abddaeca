// Memory of answers that are being received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace aribus {

// Limits the answers received at the same time: all together to `max_bytes`, those of one user to a quarter
// of that when there are several users. The first 64 KiB of each do not count, so that small answers always
// get through.
class HeldBytes {
 public:
  static constexpr size_t free_bytes = 64 << 10;

  explicit HeldBytes(size_t max_bytes) : max_bytes_(max_bytes) {}
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  // The memory of one answer, given back when it is destroyed. Must not outlive the HeldBytes.
  class Answer {
   public:
    Answer(HeldBytes& all, uint64_t user) : all_(all), user_(user) {}
    ~Answer() { all_.give_back(user_, counted_); }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    // Grows by `count` bytes. Returns false when that is too much; nothing has changed then.
    [[nodiscard]] bool add(size_t count);

   private:
    HeldBytes& all_;
    uint64_t user_;
    size_t size_ = 0;
    size_t counted_ = 0;
  };

  // Bytes that count.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  void give_back(uint64_t user, size_t count);

  size_t max_bytes_;
  size_t bytes_ = 0;
  std::map<uint64_t, size_t> by_user_;  // none of them 0
};

}  // namespace aribus
