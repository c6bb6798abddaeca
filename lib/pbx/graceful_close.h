// Ending a connection to Asterisk in order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "net/loop.h"

namespace aribus::pbx {

// Ends a connection in order: waits for the answers to requests under way, unsubscribes the applications that
// aribus gives up, and reads the event stream to its end. Lives on the loop's thread; the client must be
// destroyed before it.
class GracefulClose {
 public:
  // How long it takes at most, beside `patience`.
  static constexpr Milliseconds unsubscribe_timeout{1000};
  static constexpr Milliseconds leave_timeout{2000};
  static constexpr Milliseconds max_time = unsubscribe_timeout + leave_timeout;

  // `apps`: the applications that aribus gives up. Requests have up to `patience`. `left` is called once,
  // from the loop, when the event stream has ended; `was_connected`: it was connected until then.
  GracefulClose(ari::Client& client, std::vector<std::string> apps, Milliseconds patience,
                std::function<void(bool was_connected)> left);
  GracefulClose(const GracefulClose&) = delete;
  GracefulClose& operator=(const GracefulClose&) = delete;

  // `left` was called, and no request is under way any more: the client may be destroyed.
  [[nodiscard]] bool is_over() const { return step_ == Step::left && client_.is_idle(); }

 private:
  enum class Step { waiting, unsubscribing, closing, left };

  void wait();
  void unsubscribe();
  void close();

  ari::Client& client_;
  std::vector<std::string> apps_;
  std::function<void(bool)> left_;
  Milliseconds patient_until_;
  Step step_ = Step::waiting;
  size_t open_ = 0;  // requests of ours
  Timer timer_;
};

}  // namespace aribus::pbx
