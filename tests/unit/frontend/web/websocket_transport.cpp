#include "frontend/web/websocket_transport.h"

#include <array>
#include <cerrno>
#include <deque>
#include <random>

#include <sys/socket.h>

#include "tests/catch.h"
#include "tests/unit/frontend/web/short_writes.h"
#include "tests/unit/helpers.h"
#include "tests/unit/net/frames.h"

using namespace aribus;
using namespace aribus::frontend;
using namespace aribus::test;
using Input = session::Transport::Input;
using Ending = session::Transport::Ending;
using Kind = Received::Kind;

namespace {

constexpr Mask mask{0x37, 0xfa, 0x21, 0x3d};

// A transport, and the client at the other end of its socket.
struct Pair {
  Loop loop;
  Fd peer;
  int fd = -1;  // of the transport
  int inputs = 0;
  int outputs = 0;  // calls of on_ready for input and for output
  std::optional<WebSocketTransport> transport;

  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    peer = Fd(ends[0]);
    fd = ends[1];
    transport.emplace(loop, Fd(fd));
    transport->start([this](bool input, bool output) {
      inputs += input ? 1 : 0;
      outputs += output ? 1 : 0;
    });
  }

  // The client sends.
  void say(std::string_view bytes) {
    REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // What the transport hands to the session of what was sent.
  std::string read() {
    std::string all, bytes;
    while (transport->read(bytes) == Input::bytes) all += bytes;
    return all;
  }
  std::string read_after(std::string_view sent) {
    say(sent);
    return read();
  }
  std::optional<size_t> write(std::string_view text) {
    iovec piece{const_cast<char*>(text.data()), text.size()};
    return transport->write({&piece, 1});
  }
  // The bytes that came to the client since the last call.
  std::string came() {
    std::string all;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count <= 0) return all;
      all.append(buffer.data(), static_cast<size_t>(count));
    }
  }
  Cut frames() { return cut(came()); }
};

std::string masked(Opcode opcode, std::string_view payload, bool final = true) {
  return frame(opcode, payload, mask, final);
}

Piece closing(uint16_t code, const std::string& reason = {}) {
  return {Kind::close, reason, 0, code};
}

}  // namespace

TEST_CASE("WebSocket: a message is a line, and a line is a message") {
  Pair pair;
  CHECK(pair.read_after(masked(Opcode::text, "{\"a\":1}")) == "{\"a\":1}\n");
  CHECK(pair.read_after(masked(Opcode::text, "one") + masked(Opcode::text, "two")) == "one\ntwo\n");
  CHECK(pair.read_after(masked(Opcode::text, "")) == "\n");
  CHECK(pair.write("{}\n[1]\n") == 7);
  CHECK(pair.came() == frame(Opcode::text, "{}") + frame(Opcode::text, "[1]"));
  CHECK(pair.write("\n") == 1);  // an empty line is no message
  CHECK(pair.came().empty());
}

TEST_CASE("WebSocket: an end of line within a message does not end it, and is no part of a string") {
  Pair pair;
  CHECK(pair.read_after(masked(Opcode::text, "{\n\"a\":\r\n\"b\nc\"\n}")) == "{\t\"a\":\r\t\"b\tc\"\t}\n");
}

TEST_CASE("WebSocket: fragments come as they are, with control frames between them") {
  Pair pair;
  CHECK(pair.read_after(masked(Opcode::text, "ab", false)) == "ab");
  CHECK(pair.read_after(masked(Opcode::ping, "hello")).empty());
  CHECK(pair.frames() == Cut{test::control(Kind::pong, "hello")});
  CHECK(pair.read_after(masked(Opcode::continuation, "", false)).empty());
  CHECK(pair.read_after(masked(Opcode::pong, "unasked")).empty());
  CHECK(pair.read_after(masked(Opcode::continuation, "cd", false)) == "cd");
  CHECK(pair.read_after(masked(Opcode::continuation, "") + masked(Opcode::text, "x")) == "\nx\n");
  CHECK(pair.frames().empty());
}

TEST_CASE("WebSocket: messages of all sizes of a length are read and written") {
  for (const size_t size : {1, 124, 125, 126, 127, 65'535, 65'536, 65'537}) {
    INFO(size);
    Pair pair;
    const std::string text(size, 'x');
    CHECK(pair.read_after(masked(Opcode::text, text)) == text + "\n");
    CHECK(pair.write(text + "\n") == size + 1);
    CHECK(pair.came() == frame(Opcode::text, text));
  }
}

TEST_CASE("WebSocket: a message of any size is handed on as it comes") {
  Pair pair;
  const std::string text(300'000, 'x');
  std::string rest = masked(Opcode::text, text), got;
  while (!rest.empty()) {
    got += pair.read_after(rest.substr(0, 50'000));
    rest.erase(0, 50'000);
    CHECK(got.size() >= text.size() - rest.size());  // it keeps nothing
  }
  CHECK(got == text + "\n");
}

TEST_CASE("WebSocket: input that comes byte by byte is the same") {
  Pair pair;
  const std::string all = masked(Opcode::text, "{\"a\":\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"}") +
                          masked(Opcode::ping, "p") + masked(Opcode::text, "[", false) +
                          masked(Opcode::continuation, "]") + masked(Opcode::text, std::string(200, 'x'));
  std::string got;
  for (const char byte : all) got += pair.read_after({&byte, 1});
  CHECK(got == "{\"a\":\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"}\n[]\n" + std::string(200, 'x') + "\n");
  CHECK(pair.frames() == Cut{test::control(Kind::pong, "p")});
}

TEST_CASE("WebSocket: what breaks the protocol is answered with its code, and ends the connection") {
  const std::string bad_data = masked(Opcode::text, "\xff");
  const std::tuple<const char*, std::string, uint16_t> table[] = {
      {"not masked", frame(Opcode::text, "{}"), 1002},
      {"reserved bit", "\xC1\x80", 1002},
      {"not UTF-8", bad_data, 1007},
      {"not UTF-8", masked(Opcode::text, "a\xC3", false) + masked(Opcode::continuation, "b"), 1007},
      {"not UTF-8", masked(Opcode::text, "a\xC3"), 1007},
      {"64 MiB", std::string("\x81\xFF\0\0\0\0\x10\0\0\0", 10) + "mask", 1009},
      {"text", masked(Opcode::binary, "{}"), 1003},
      {"text", masked(Opcode::binary, "{}", false), 1003},
      {"continues no message", masked(Opcode::continuation, "{}"), 1002},
      {"half a code", masked(Opcode::close, "x"), 1002},
  };
  for (const auto& [what, bytes, code] : table) {
    INFO(what);
    Pair pair;
    pair.say(masked(Opcode::text, "before") + bytes + masked(Opcode::text, "after"));
    std::string got;
    REQUIRE(pair.transport->read(got) == Input::bytes);
    CHECK(got.starts_with("before\n"));
    CHECK(got.find("after") == std::string::npos);
    CHECK(pair.transport->read(got) == Input::closed);
    CHECK_FALSE(pair.write("x\n"));
    CHECK(pair.transport->is_hung_up());
    const Cut came = pair.frames();
    REQUIRE(came.size() == 1);
    CHECK(came[0].code == code);
    CHECK_THAT(came[0].payload, ContainsSubstring(what));
  }
}

TEST_CASE("WebSocket: a close frame is answered, and the session is told even if the peer waits") {
  for (const std::string& payload : {std::string(), close_payload(1000), close_payload(4711, "bye")}) {
    Pair pair;
    pair.say(masked(Opcode::text, "{}") + masked(Opcode::close, payload) + masked(Opcode::text, "after"));
    std::string bytes;
    REQUIRE(pair.transport->read(bytes) == Input::bytes);
    CHECK(bytes == "{}\n");
    pair.transport->watch(true, false);
    CHECK(pump(pair.loop, [&] { return pair.inputs > 0; }));
    CHECK(pair.transport->read(bytes) == Input::closed);
    pair.transport->close(Ending::finished);
    pair.transport.reset();
    const uint16_t code = payload.empty() ? close_no_code : payload.size() == 2 ? 1000 : 4711;
    CHECK(pair.frames() == Cut{closing(code)});
  }
}

TEST_CASE("WebSocket: closing says why") {
  const std::pair<Ending, uint16_t> table[] = {
      {Ending::finished, 1000}, {Ending::stopping, 1001}, {Ending::refused, 1008}, {Ending::too_slow, 1013}};
  for (const auto& [ending, code] : table) {
    Pair pair;
    REQUIRE(pair.write("last\n") == 5);
    pair.transport->close(ending);
    CHECK_FALSE(pair.write("after\n"));
    std::string bytes;
    CHECK(pair.transport->read(bytes) == Input::closed);
    const Cut came = pair.frames();
    REQUIRE(came.size() == 2);
    CHECK(came[0] == message(Kind::text, "last"));
    CHECK(came[1].kind == Kind::close);
    CHECK(came[1].code == code);
  }
}

TEST_CASE("WebSocket: closing between the fragments of a message sends a close frame, within a frame none") {
  Pair pair;
  REQUIRE(pair.write("ab") == 2);
  pair.transport->close(Ending::stopping);
  CHECK(pair.came().starts_with(frame(Opcode::text, "ab", {}, false) + "\x88"));

  Pair cut_off;
  {
    const ShortWrites limit(cut_off.fd, [rooms = 4]() mutable { return rooms-- > 3 ? 4 : 0; });
    REQUIRE(cut_off.write("abcdef\n") == 2);
  }
  cut_off.transport->close(Ending::stopping);
  CHECK(cut_off.came() == frame(Opcode::text, "abcdef").substr(0, 4));
}

TEST_CASE("WebSocket: a peer that closes its sending side may still read") {
  Pair pair;
  pair.say(masked(Opcode::text, "{}"));
  REQUIRE(::shutdown(pair.peer.get(), SHUT_WR) == 0);
  std::string bytes;
  CHECK(pair.transport->read(bytes) == Input::bytes);
  CHECK(pair.transport->read(bytes) == Input::end);
  CHECK_FALSE(pair.transport->is_hung_up());
  CHECK(pair.write("{}\n") == 3);
  CHECK(pair.frames() == Cut{message(Kind::text, "{}")});
  pair.peer.reset();
  CHECK(pair.transport->is_hung_up());
  CHECK_FALSE(pair.write("{}\n"));
}

TEST_CASE("WebSocket: a head that is cut anywhere commits the session to its message") {
  for (const size_t size : {1, 5, 126, 65'536}) {
    const std::string line = std::string(size, 'x') + "\n";
    const std::string wire = frame(Opcode::text, std::string(size, 'x'));
    const size_t head = wire.size() - size;
    for (size_t room = 1; room <= head + 2 && room <= wire.size(); ++room) {
      INFO(size << " bytes, cut after " << room << " of a head of " << head);
      Pair pair;
      std::optional<size_t> taken;
      {
        const ShortWrites limit(pair.fd, [room]() mutable { return std::exchange(room, 0); });
        taken = pair.write(line);
        REQUIRE(taken);
        CHECK(*taken == (room == wire.size() ? size + 1 : std::max<size_t>(1, room - std::min(room, head))));
        CHECK(pair.write(line.substr(*taken)) == 0);
      }
      if (*taken < line.size()) CHECK(pair.write(line.substr(*taken)) == line.size() - *taken);
      CHECK(pair.came() == wire);
    }
  }
}

TEST_CASE("WebSocket: what it keeps goes out by itself") {
  Pair pair;
  {
    const ShortWrites limit(pair.fd, [] { return 0; });
    pair.read_after(masked(Opcode::ping, "p"));
  }
  CHECK(pair.came().empty());
  std::string came;
  CHECK(pump(pair.loop, [&] { return !(came += pair.came()).empty(); }));
  CHECK(came == frame(Opcode::pong, "p"));
  CHECK(pair.outputs == 0);  // the session did not ask
}

TEST_CASE("WebSocket: a pong that follows the last frame goes out by itself, too") {
  Pair pair;
  {
    const ShortWrites limit(pair.fd, [rooms = std::deque<size_t>{5, 3}]() mutable {
      if (rooms.empty()) return size_t{0};
      const size_t room = rooms.front();
      rooms.pop_front();
      return room;
    });
    REQUIRE(pair.write("abcdef\n") == 3);
    pair.read_after(masked(Opcode::ping, "p"));
    REQUIRE(pair.write("def\n") == 4);
  }
  std::string came;
  CHECK(pump(pair.loop, [&] { return (came += pair.came()).size() == 11; }));
  CHECK(came == frame(Opcode::text, "abcdef") + frame(Opcode::pong, "p"));
}

TEST_CASE("WebSocket: a pong waits for the end of the current frame, and not for that of the next one") {
  Pair pair;
  {
    const ShortWrites limit(pair.fd, [room = size_t{5}]() mutable { return std::exchange(room, 0); });
    REQUIRE(pair.write("abcdef\nnext\n") == 3);
    pair.read_after(masked(Opcode::ping, "first") + masked(Opcode::ping, "last"));
  }
  CHECK(pair.write("def\nnext\n") == 4);
  CHECK(pair.write("next\n") == 5);
  CHECK(pair.came() ==
        frame(Opcode::text, "abcdef") + frame(Opcode::pong, "last") + frame(Opcode::text, "next"));
}

TEST_CASE("WebSocket: a line whose end is not in sight is written in fragments") {
  Pair pair;
  CHECK(pair.write("ab") == 2);
  CHECK(pair.write("c") == 1);
  CHECK(pair.write("d\nnext\n") == 7);
  CHECK(pair.write("x") == 1);
  CHECK(pair.write("\n") == 1);
  CHECK(pair.came() == frame(Opcode::text, "ab", {}, false) + frame(Opcode::continuation, "c", {}, false) +
                           frame(Opcode::continuation, "d") + frame(Opcode::text, "next") +
                           frame(Opcode::text, "x", {}, false) + frame(Opcode::continuation, ""));
}

TEST_CASE("WebSocket: more lines than one system call takes are written in the next ones") {
  Pair pair;
  std::string lines, expected;
  for (int i = 0; i < 2000; ++i) {
    lines += std::to_string(i) + "\n";
    expected += frame(Opcode::text, std::to_string(i));
  }
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto taken = pair.write(rest);
    REQUIRE(taken);
    REQUIRE(*taken > 0);
    rest.remove_prefix(*taken);
  }
  CHECK(pair.came() == expected);
}

TEST_CASE("WebSocket: whatever the socket takes, and whatever the peer does meanwhile, each line arrives") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&](size_t bound) { return random() % bound; };
    Pair pair;
    FrameReader client;
    std::vector<std::string> sent, received;
    std::string last_ping, last_pong;
    const auto receive = [&] {
      const std::string bytes = pair.came();
      std::string_view rest = bytes;
      while (!rest.empty()) {
        const auto got = client.next(rest);
        if (!got) continue;
        REQUIRE((got->kind == Kind::text || got->kind == Kind::pong));
        if (got->kind == Kind::pong) last_pong = got->payload;
        if (got->kind == Kind::text) received.emplace_back(got->payload);
      }
    };
    {
      const ShortWrites limit(pair.fd, [&] {
        return below(4) == 0 ? 0 : below(3) == 0 ? below(400) : below(12);
      });
      std::string begun;  // the rest of a line of which something was taken
      for (int step = 0; step < 3000 || !begun.empty(); ++step) {
        if (below(10) == 0) {
          last_ping = std::to_string(step);
          pair.read_after(masked(Opcode::ping, last_ping));
        }
        // Lines of which nothing was taken are forgotten; the others are not.
        std::string text = begun;
        std::vector<std::string> lines;
        for (size_t count = below(4); count > 0; --count) {
          lines.push_back(std::to_string(step) + std::string(below(8) == 0 ? below(300) : below(5), 'x'));
          text += lines.back() + "\n";
        }
        // Given in pieces that end anywhere.
        std::vector<iovec> pieces;
        for (size_t at = 0; at < text.size();) {
          const size_t size = std::min(text.size() - at, below(3) == 0 ? 1 + below(20) : text.size());
          pieces.push_back({text.data() + at, size});
          at += size;
        }
        size_t taken = pair.transport->write(pieces).value();
        const size_t of_begun = std::min(taken, begun.size());
        begun.erase(0, of_begun);
        taken -= of_begun;
        for (const std::string& line : lines) {
          if (taken == 0) break;
          sent.push_back(line);
          begun = (line + "\n").substr(std::min(taken, line.size() + 1));
          taken -= std::min(taken, line.size() + 1);
        }
        receive();
      }
    }
    // What is kept goes out by itself.
    CHECK(pump(pair.loop, [&] {
      receive();
      return received.size() == sent.size() && last_pong == last_ping;
    }));
    CHECK(received == sent);
    CHECK(sent.size() > 100);
  }
}

TEST_CASE("WebSocket: a real socket that is full takes the rest later") {
  Pair pair;
  const std::string line = std::string(50'000, 'x') + "\n";
  std::string text;
  for (int i = 0; i < 40; ++i) text += line;
  std::string_view rest = text;
  std::string came;
  pair.transport->watch(false, true);
  CHECK(pump(pair.loop, [&] {
    if (pair.outputs > 0 && !rest.empty()) {
      rest.remove_prefix(pair.write(rest).value());
      pair.outputs = 0;
    }
    came += pair.came();
    return came.size() == 40 * (line.size() - 1 + 4);
  }));
  CHECK(cut(came) == Cut(40, message(Kind::text, line.substr(0, line.size() - 1))));
}

TEST_CASE("WebSocket: garbage ends the connection and nothing else") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Pair pair;
    std::string bytes;
    Input input = Input::nothing;
    for (int i = 0; i < 400 && input != Input::closed; ++i) {
      const char byte = static_cast<char>(random());
      if (::send(pair.peer.get(), &byte, 1, MSG_NOSIGNAL) < 0) break;
      while ((input = pair.transport->read(bytes)) == Input::bytes) REQUIRE(bytes.size() <= 5);
      static_cast<void>(pair.write("{}\n"));
    }
    const Cut came = pair.frames();
    for (const Piece& piece : came) REQUIRE(piece.kind != Kind::violation);
    if (input == Input::closed) CHECK(came.back().kind == Kind::close);
  }
}
