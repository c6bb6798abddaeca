#include "net/acceptor.h"

#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "base/result.h"

namespace aribus {
namespace {

constexpr Milliseconds pause_time{200};
constexpr int max_at_once = 16;
constexpr uint64_t accept_limit_ns = 1'000'000;

}  // namespace

Acceptor::Acceptor(Loop& loop, Fd listening, std::function<void(Fd)> accepted)
    : socket_(std::move(listening)),
      accepted_(std::move(accepted)),
      resume_(loop),
      poll_(loop, socket_.get()) {
  poll_.watch(UV_READABLE, [this](int) { accept(); });
}

// The rest is accepted in the next turn.
void Acceptor::accept() {
  const uint64_t began = uv_hrtime();
  for (int count = 0; count < max_at_once && uv_hrtime() - began < accept_limit_ns; ++count) {
    Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      said_full_ = false;
      accepted_(std::move(socket));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) pause();
    return;
  }
}

void Acceptor::pause() {
  const Error error = system_error("accepting connections");
  if (!std::exchange(said_full_, true)) {
    warnings_.warn(error.message + "; new ones wait, tried again every " +
                   std::to_string(pause_time.count()) + " ms");
  }
  poll_.watch(0);
  resume_.once(pause_time, [this] { poll_.watch(UV_READABLE); });
}

}  // namespace aribus
