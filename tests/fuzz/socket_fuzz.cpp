// Sessions on the Unix socket.
#include <utility>

#include "frontend/unix/unix_transport.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sessions.h"

using namespace aribus;

namespace {

std::unique_ptr<session::Transport> make(Loop& loop, Fd socket) {
  return std::make_unique<frontend::UnixTransport>(loop, std::move(socket));
}

std::string take_lines(std::string& received) {
  std::string lines = received.substr(0, received.rfind('\n') + 1);
  received.erase(0, lines.size());
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::fuzz_sessions(data, size, {make, take_lines});
}
