#include "ipc/outbox.h"

namespace aribus::ipc {
namespace {

constexpr size_t keep_capacity_bytes = 16 * 1024;

}  // namespace

void Outbox::append(std::string_view bytes) {
  if (sent_ > 0 && sent_ >= bytes_.size() / 2) {
    bytes_.erase(0, sent_);
    sent_ = 0;
  }
  bytes_ += bytes;
}

void Outbox::consume(size_t count) {
  sent_ += count;
  if (!empty()) return;
  sent_ = 0;
  bytes_.clear();
  if (bytes_.capacity() > keep_capacity_bytes) std::string().swap(bytes_);
}

}  // namespace aribus::ipc
