#include "nats/member_outbox.h"

#include <utility>

namespace aribus::nats {

MemberOutbox::MemberOutbox(Handlers handlers) : handlers_(std::move(handlers)), thread_([this] { run(); }) {}

MemberOutbox::~MemberOutbox() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void MemberOutbox::push(std::string subject, ToMember message, std::string end) {
  Waiting waiting{std::move(subject), std::move(message), std::move(end)};
  if (bytes_ + waiting.bytes() > 2 * max_bytes) return;
  const std::lock_guard lock(mutex_);
  bytes_ += waiting.bytes();
  waiting_.push_back(std::move(waiting));
  changed_.notify_all();
}

void MemberOutbox::finish(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return waiting_.empty() && !is_sending_; });
}

void MemberOutbox::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    is_sending_ = true;
    lock.unlock();
    handlers_.send(first.subject, first.message, first.end);
    const bool had_room = has_room();
    bytes_ -= first.bytes();
    if (!had_room && has_room()) handlers_.has_room();
    lock.lock();
    is_sending_ = false;
    if (waiting_.empty()) changed_.notify_all();
  }
}

}  // namespace aribus::nats
