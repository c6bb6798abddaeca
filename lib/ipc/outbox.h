// Bytes that wait to be written to one peer: answers, notifications, the rest of a record cut in the middle.
#pragma once

#include <string>
#include <string_view>

namespace aribus::ipc {

class Outbox {
 public:
  [[nodiscard]] bool empty() const { return sent_ == bytes_.size(); }
  [[nodiscard]] size_t size() const { return bytes_.size() - sent_; }
  [[nodiscard]] std::string_view bytes() const { return std::string_view(bytes_).substr(sent_); }
  void append(std::string_view bytes);
  // The first `count` bytes were written.
  void consume(size_t count);

 private:
  std::string bytes_;
  size_t sent_ = 0;
};

}  // namespace aribus::ipc
