// A connection to a Unix socket: its bytes are lines already.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include <sys/uio.h>

#include "base/fd.h"
#include "net/loop.h"
#include "session/transport.h"

namespace aribus::frontend {

// A connected stream socket that does not block. Nothing else reads from it or writes to it. Its end is the
// whole goodbye.
class UnixTransport final : public session::Transport {
 public:
  UnixTransport(Loop& loop, Fd socket);

  void start(std::function<void(bool input, bool output)> on_ready) override;
  void watch(bool input, bool output) override;
  [[nodiscard]] Input read(std::string& bytes) override;
  [[nodiscard]] bool has_more() const override { return has_more_; }
  [[nodiscard]] std::optional<size_t> write(std::span<iovec> pieces) override;
  [[nodiscard]] bool is_hung_up() const override;
  void close(Ending ending) override;

 private:
  Fd socket_;
  Poll poll_;
  bool has_more_ = false;  // the last read filled its buffer
};

}  // namespace aribus::frontend
