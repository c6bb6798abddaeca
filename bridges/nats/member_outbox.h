// Messages to members of worker groups, on their way to NATS.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "nats/member_link.h"

namespace aribus::nats {

// Sends in a thread of its own, in order: libnats blocks for seconds while NATS does not read, and meanwhile
// leases end.
class MemberOutbox {
 public:
  // Of waiting messages: beyond that the daemon is not read for members.
  static constexpr size_t max_bytes = 4 << 20;

  struct Handlers {
    // Sends a message. Called by this object's thread; may block.
    std::function<void(const std::string& subject, const ToMember& message, const std::string& end)> send;
    // has_room() is true again. Called by this object's thread.
    std::function<void()> has_room;
  };

  explicit MemberOutbox(Handlers handlers);
  // Waiting messages are dropped.
  ~MemberOutbox();
  MemberOutbox(const MemberOutbox&) = delete;
  MemberOutbox& operator=(const MemberOutbox&) = delete;

  // `end`: why the link ends with it; "": it goes on. If twice max_bytes are waiting, the message is dropped,
  // and the member notices that its number is missing. Safe for use by several threads.
  void push(std::string subject, ToMember message, std::string end);
  [[nodiscard]] bool has_room() const { return bytes_ < max_bytes; }
  // Waits until all is sent, but not longer than `timeout`.
  void finish(std::chrono::milliseconds timeout);

 private:
  struct Waiting {
    std::string subject;
    ToMember message;
    std::string end;

    [[nodiscard]] size_t bytes() const { return sizeof *this + subject.size() + message.data.size(); }
  };

  void run();

  const Handlers handlers_;
  std::atomic<size_t> bytes_ = 0;  // of the waiting messages, and the one being sent

  std::mutex mutex_;  // protects the members up to the next empty line
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool is_sending_ = false, stopping_ = false;

  std::thread thread_;
};

}  // namespace aribus::nats
