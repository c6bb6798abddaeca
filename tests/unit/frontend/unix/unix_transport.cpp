#include "frontend/unix/unix_transport.h"

#include <array>

#include <sys/socket.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::frontend::UnixTransport;
using Input = aribus::session::Transport::Input;

namespace {

// A transport and the socket at its other end.
struct Pair {
  Loop loop;
  Fd peer;
  bool input = false;  // was reported
  bool output = false;
  std::optional<UnixTransport> transport;

  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    peer = Fd(ends[0]);
    transport.emplace(loop, Fd(ends[1]));
    transport->start([this](bool has_input, bool takes_output) {
      input |= has_input;
      output |= takes_output;
    });
  }
};

}  // namespace

TEST_CASE("a transport tells bytes, none, and the end of input apart") {
  Pair pair;
  std::string bytes;
  pair.transport->watch(true, false);
  CHECK(pair.transport->read(bytes) == Input::nothing);
  REQUIRE(::send(pair.peer.get(), "ab", 2, 0) == 2);
  CHECK(test::pump(pair.loop, [&] { return pair.input && !pair.output; }));
  CHECK(pair.transport->read(bytes) == Input::bytes);
  CHECK(bytes == "ab");
  REQUIRE(::shutdown(pair.peer.get(), SHUT_WR) == 0);
  CHECK(pair.transport->read(bytes) == Input::end);
  CHECK_FALSE(pair.transport->is_hung_up());
  pair.peer.reset();
  CHECK(pair.transport->is_hung_up());
}

TEST_CASE("a transport writes what fits, then nothing, and reports a broken connection") {
  Pair pair;
  std::string text(256 << 10, 'x');
  size_t written = 0;
  for (std::optional<size_t> taken = 1; taken && *taken > 0; written += *taken) {
    iovec piece{text.data(), text.size()};
    taken = pair.transport->write({&piece, 1});
    REQUIRE(taken);
  }
  CHECK(written > 0);
  std::array<iovec, 2> pieces{{{const_cast<char*>("a"), 1}, {const_cast<char*>("b"), 1}}};
  CHECK(pair.transport->write(pieces) == 0);
  pair.peer.reset();
  CHECK_FALSE(pair.transport->write(pieces));
}

TEST_CASE("the pieces of one write arrive in their order") {
  Pair pair;
  std::array<iovec, 2> pieces{{{const_cast<char*>("ab"), 2}, {const_cast<char*>("cd"), 2}}};
  CHECK(pair.transport->write(pieces) == 4);
  std::array<char, 8> read{};
  REQUIRE(::recv(pair.peer.get(), read.data(), read.size(), 0) == 4);
  CHECK(std::string_view(read.data(), 4) == "abcd");
}
