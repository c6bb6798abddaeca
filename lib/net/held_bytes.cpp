#include "net/held_bytes.h"

#include <algorithm>

namespace aribus {

bool HeldBytes::Answer::add(size_t count) {
  const size_t size = size_ + count;
  const size_t more = std::max(size, free_bytes) - std::max(size_, free_bytes);
  if (more > 0) {
    const auto at = all_.by_user_.find(user_);
    const size_t of_user = at == all_.by_user_.end() ? 0 : at->second;
    const size_t limit = of_user > counted_ ? all_.max_bytes_ / 4 : all_.max_bytes_;
    if (of_user + more > limit || all_.bytes_ + more > all_.max_bytes_) return false;
    all_.by_user_[user_] += more;
    all_.bytes_ += more;
    counted_ += more;
  }
  size_ = size;
  return true;
}

void HeldBytes::give_back(uint64_t user, size_t count) {
  if (count == 0) return;
  bytes_ -= count;
  const auto at = by_user_.find(user);
  at->second -= count;
  if (at->second == 0) by_user_.erase(at);
}

}  // namespace aribus
