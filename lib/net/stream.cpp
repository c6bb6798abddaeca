#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/numeric_address.h"

namespace aribus {
namespace {

constexpr size_t tls_piece_bytes = 32 << 10;  // taken from the socket at a time
constexpr int max_tls_pieces = 4;             // in one go: records without data may come without end

bool is_transient(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

Error ended(std::string_view why) {
  return Error{ErrorKind::not_connected, std::string(why), {}};
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::connect(Loop& loop, const std::string& address, const Url& url,
                                                const TlsOptions& tls, Handlers handlers) {
  const NumericAddress to = numeric_address(address, url.port).value_or(NumericAddress());
  Fd socket(::socket(to.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) {
    if (errno == EMFILE || errno == ENFILE)
      return Error{ErrorKind::system, "no file descriptors are left", {}};
    return system_error("no socket for " + address);
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::unique_ptr<TlsSession> session;
  if (url.tls) {
    Result<std::unique_ptr<TlsSession>> made = TlsSession::make(tls, url.host);
    if (!made) return made.error();
    session = std::move(*made);
  }
  if (::connect(socket.get(), to.raw(), to.size) != 0 && errno != EINPROGRESS) {
    return system_error("no connection to " + address);
  }
  return std::unique_ptr<Stream>(
      new Stream(loop, std::move(socket), std::move(session), std::move(handlers), State::connecting));
}

std::unique_ptr<Stream> Stream::accept(Loop& loop, Fd socket, std::unique_ptr<TlsSession> tls,
                                       Handlers handlers) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const State state = tls ? State::shaking_hands : State::open;
  return std::unique_ptr<Stream>(
      new Stream(loop, std::move(socket), std::move(tls), std::move(handlers), state));
}

Stream::Stream(Loop& loop, Fd socket, std::unique_ptr<TlsSession> tls, Handlers handlers, State state)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      handlers_(std::move(handlers)),
      state_(state),
      poll_(loop, socket_.get()) {
  poll_.watch(state_ == State::connecting ? UV_WRITABLE : UV_READABLE,
              [this](int events) { on_event(events); });
}

// Callbacks may destroy the stream: each is the last call of a function and made through a copy.
void Stream::on_event(int events) {
  if (state_ == State::connecting) return on_connecting();
  if ((events & UV_WRITABLE) != 0) flush();
  if ((events & UV_READABLE) == 0) return;
  if (state_ == State::shaking_hands) return carry_on_handshake();
  const auto readable = handlers_.readable;
  readable();
}

void Stream::on_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(std::strerror(error));
  poll_.watch(UV_READABLE);
  state_ = State::shaking_hands;
  carry_on_handshake();
}

void Stream::carry_on_handshake() {
  if (tls_) {
    char bytes[tls_piece_bytes];
    Result<bool> done = tls_->shake_hands();
    for (int pieces = 0; done && !*done && pieces < max_tls_pieces; ++pieces) {
      const Result<size_t> count = receive(bytes, sizeof bytes);
      if (!count) return fail(count.error().message);
      if (*count == 0) break;
      tls_->feed({bytes, *count});
      done = tls_->shake_hands();
    }
    out_ += tls_->take_output();
    flush();
    if (!done) return fail(done.error().message);
    if (!*done) return;
    has_more_ = true;  // may have come behind the handshake
  }
  state_ = State::open;
  const auto connected = handlers_.connected;
  connected();
}

void Stream::fail(const std::string& reason) {
  poll_.watch(0);
  const auto failed = handlers_.failed;
  failed(reason);
}

Result<size_t> Stream::read(char* at, size_t size) {
  if (tls_) return receive_tls(at, size);
  Result<size_t> count = receive(at, size);
  has_more_ = count && *count == size;
  return count;
}

// Reads from the socket once.
Result<size_t> Stream::receive(char* at, size_t size) {
  const ssize_t count = ::recv(socket_.get(), at, size, 0);
  if (count == 0) return ended("the peer closed the connection");
  if (count < 0) {
    if (is_transient(errno)) return size_t{0};
    return ended(std::strerror(errno));
  }
  return static_cast<size_t>(count);
}

Result<size_t> Stream::receive_tls(char* at, size_t size) {
  char bytes[tls_piece_bytes];
  size_t taken = 0;
  int pieces = 0;
  has_more_ = true;
  while (taken < size) {
    const Result<size_t> clear = tls_->read(at + taken, size - taken);
    if (!clear) {
      if (taken > 0) return taken;
      return clear.error();
    }
    taken += *clear;
    if (*clear > 0) continue;
    if (pieces++ == max_tls_pieces) {
      has_more_ = false;  // here; what the socket has is told by the loop
      break;
    }
    const Result<size_t> count = receive(bytes, sizeof bytes);
    if (!count) {
      if (taken > 0) return taken;
      return count.error();
    }
    if (*count == 0) {
      has_more_ = false;
      break;
    }
    tls_->feed({bytes, *count});
  }
  if (std::string answer = tls_->take_output(); !answer.empty()) {
    out_ += answer;
    flush();
  }
  return taken;
}

void Stream::write(std::string_view bytes) {
  if (state_ == State::silent) return;
  if (tls_) {
    tls_->write(bytes);
    out_ += tls_->take_output();
  } else {
    out_ += bytes;
  }
  flush();
}

// A broken connection is reported by the next read.
void Stream::flush() {
  while (sent_ < out_.size()) {
    const ssize_t count = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (!is_transient(errno)) sent_ = out_.size();
      break;
    }
    sent_ += static_cast<size_t>(count);
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  poll_.watch(out_.empty() ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

void Stream::leave(std::function<void()> gone) {
  if (tls_) {
    tls_->end();
    out_ += tls_->take_output();
    flush();
  }
  handlers_.readable = [this, gone = std::move(gone)] {
    char bytes[tls_piece_bytes];
    if (!receive(bytes, sizeof bytes)) gone();
  };
}

void Stream::silence() noexcept {
  state_ = State::silent;
  poll_.watch(0);
  handlers_ = {};
}

}  // namespace aribus
