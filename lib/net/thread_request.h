// A request to libuv's threads.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <uv.h>

#include "net/handle.h"

namespace aribus::detail {

// A request to libuv's threads (Raw: uv_work_t, uv_getaddrinfo_t) and the `Payload` that belongs to it. Its
// owner can end, or give it up, while a thread works on it: the request then stays on the heap until the
// thread has finished. The loop counts it up to there (Loop::is_working()).
template <typename Raw, typename Payload>
class ThreadRequest {
 public:
  ThreadRequest() = default;
  ~ThreadRequest() { abandon(); }
  ThreadRequest(const ThreadRequest&) = delete;
  ThreadRequest& operator=(const ThreadRequest&) = delete;

  [[nodiscard]] bool is_open() const { return open_ != nullptr; }
  // `begin(Raw*)` hands the request to libuv. Returns the status that `begin` returns; the request is open
  // when that is 0. Required: it is not open.
  template <typename Begin>
  [[nodiscard]] int start(Payload payload, Begin begin) {
    auto request = std::make_unique<Request>(Request{{}, std::move(payload), this});
    request->raw.data = request.get();
    const int status = begin(&request->raw);
    if (status == 0) open_ = request.release();
    return status;
  }
  // From here on its result is ignored.
  void abandon() {
    if (open_ != nullptr) std::exchange(open_, nullptr)->owner = nullptr;
  }
  // As abandon(), and a request that no thread has taken yet is dropped.
  void cancel() {
    Request* const request = open_;
    abandon();
    if (request != nullptr) uv_cancel(reinterpret_cast<uv_req_t*>(&request->raw));
  }

  // Of an open request, from any thread.
  [[nodiscard]] static Payload& payload_of(Raw* raw) { return static_cast<Request*>(raw->data)->payload; }
  // For libuv's callback on the loop's thread: ends the request. Returns its payload, or nothing when the
  // request was given up.
  [[nodiscard]] static std::optional<Payload> finish(Raw* raw) {
    begin_turn(raw->loop);
    const std::unique_ptr<Request> request(static_cast<Request*>(raw->data));
    if (request->owner == nullptr) return {};
    request->owner->open_ = nullptr;
    return std::move(request->payload);
  }

 private:
  struct Request {
    Raw raw;
    Payload payload;
    ThreadRequest* owner;  // nullptr: given up
  };

  Request* open_ = nullptr;
};

}  // namespace aribus::detail
