// Taking leave of an Asterisk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "net/loop.h"

namespace aribus::daemon {

// Ends a connection in order: lets requests under way be answered, ends what applications hear of that nobody
// here will hold any more, and reads the event stream to its end. Lives on the loop's thread; the client must
// be destroyed first.
class GracefulClose {
 public:
  // How long it takes at most, beside `patience`.
  static constexpr Milliseconds unsubscribe_timeout{1000};
  static constexpr Milliseconds leave_timeout{2000};
  static constexpr Milliseconds max_time = unsubscribe_timeout + leave_timeout;

  // `apps` will not be held here any more. Requests have up to `patience`. `left` is called once, from the
  // loop, when the event stream has ended: whether it stood until then.
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

}  // namespace aribus::daemon
