// Whatever a program sends, the daemon answers in lines of JSON, and is as it was when the program has gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "net/loop.h"
#include "session/transport.h"

namespace aribus::fuzz {

// A transport whose sessions are fuzzed.
struct FuzzedTransport {
  // The daemon's end of a connection: `socket` is one of a pair of stream sockets and does not block.
  std::unique_ptr<session::Transport> (*make)(Loop& loop, Fd socket);
  // Takes the whole messages out of the bytes that the daemon has written, and returns each as a line with
  // "\n". May end the process (require()) if they are not what this transport writes.
  std::string (*take_lines)(std::string& received);
  // The first of four bytes that are not sent; see fuzz_sessions(). Choose bytes that mean little on the
  // wire.
  uint8_t first_action = 0x01;
};

// Runs one input. Its first byte picks the rules, the second how the rest is cut. The rest is what the
// program sends, but for these bytes: `first_action` stands for a record that comes, the next one for other
// rules, the one after that for a moment in which the program reads, and the last for the end of its sending
// side. Returns 0.
int fuzz_sessions(const uint8_t* data, size_t size, const FuzzedTransport& transport);

}  // namespace aribus::fuzz
