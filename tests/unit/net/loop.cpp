#include "net/loop.h"

#include <memory>
#include <optional>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/soon.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::let_pass;
using aribus::test::pump;
using aribus::test::pump_for;

namespace {

struct SocketPair {
  Fd left, right;
  SocketPair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    left.reset(fds[0]);
    right.reset(fds[1]);
  }
};

}  // namespace

TEST_CASE("a timer calls once, after its delay") {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  const Milliseconds before = loop.now();
  timer.once(Milliseconds(20), [&] { ++calls; });
  CHECK(timer.active());
  REQUIRE(pump(loop, [&] { return calls > 0; }));
  CHECK(loop.now() - before >= Milliseconds(20));
  CHECK_FALSE(timer.active());
  pump_for(loop, Milliseconds(50));
  CHECK(calls == 1);
}

TEST_CASE("setting a timer again replaces what was set before") {
  Loop loop;
  Timer timer(loop);
  int first = 0, second = 0;
  timer.once(Milliseconds(1), [&] { ++first; });
  timer.once(Milliseconds(5), [&] { ++second; });
  REQUIRE(pump(loop, [&] { return second > 0; }));
  CHECK(first == 0);
}

TEST_CASE("a timer at intervals calls until it is stopped, even from within") {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  timer.every(Milliseconds(1), [&] {
    if (++calls == 3) timer.stop();
  });
  REQUIRE(pump(loop, [&] { return calls == 3; }));
  pump_for(loop, Milliseconds(20));
  CHECK(calls == 3);
}

TEST_CASE("a timer may be destroyed by its own callback") {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop);
  bool called = false;
  timer->once(Milliseconds(1), [&timer, &called] {
    timer.reset();
    called = true;  // what the callback holds is still there
  });
  REQUIRE(pump(loop, [&] { return called; }));
  CHECK(timer == nullptr);
}

TEST_CASE("run() ends with stop()") {
  Loop loop;
  Timer timer(loop);
  timer.every(Milliseconds(1), [&] { loop.stop(); });
  loop.run();
  CHECK(timer.active());
}

TEST_CASE("a poll says when there is something to read, and only what it was asked") {
  Loop loop;
  const SocketPair pair;
  Poll poll(loop, pair.left.get());
  int seen = 0;
  poll.watch(UV_READABLE, [&](int events) {
    seen |= events;
    char byte = 0;
    CHECK(::read(pair.left.get(), &byte, 1) == 1);
  });
  pump_for(loop, Milliseconds(10));
  CHECK(seen == 0);
  REQUIRE(::write(pair.right.get(), "x", 1) == 1);
  REQUIRE(pump(loop, [&] { return seen != 0; }));
  CHECK(seen == UV_READABLE);
}

TEST_CASE("a poll can stop watching and start again with the same callback") {
  Loop loop;
  const SocketPair pair;
  Poll poll(loop, pair.left.get());
  int calls = 0;
  poll.watch(UV_WRITABLE, [&](int) { ++calls; });
  REQUIRE(pump(loop, [&] { return calls > 0; }));
  poll.watch(0);
  const int before = calls;
  pump_for(loop, Milliseconds(10));
  CHECK(calls == before);
  poll.watch(UV_WRITABLE);
  CHECK(pump(loop, [&] { return calls > before; }));
}

TEST_CASE("a poll may be destroyed by its own callback") {
  Loop loop;
  const SocketPair pair;
  std::optional<Poll> poll;
  poll.emplace(loop, pair.left.get());
  bool called = false;
  poll->watch(UV_WRITABLE, [&](int) {
    poll.reset();
    called = true;
  });
  REQUIRE(pump(loop, [&] { return called; }));
  CHECK_FALSE(poll);
}

TEST_CASE("work at the end of a turn is done once for many requests") {
  Loop loop;
  int calls = 0;
  EndOfTurn end_of_turn(loop, [&] { ++calls; });
  for (int i = 0; i < 5; ++i) end_of_turn.request();
  CHECK(calls == 0);
  REQUIRE(pump(loop, [&] { return calls > 0; }));
  pump_for(loop, Milliseconds(10));
  CHECK(calls == 1);
  end_of_turn.request();
  CHECK(pump(loop, [&] { return calls == 2; }));
}

TEST_CASE("work at the end of a turn comes after the turn's events") {
  Loop loop;
  const SocketPair first, second;
  std::vector<std::string> order;
  EndOfTurn end_of_turn(loop, [&] { order.emplace_back("end"); });
  Poll polls[] = {Poll(loop, first.left.get()), Poll(loop, second.left.get())};
  for (Poll& poll : polls) {
    poll.watch(UV_WRITABLE, [&](int) {
      poll.watch(0);
      order.emplace_back("event");
      end_of_turn.request();
    });
  }
  REQUIRE(pump(loop, [&] { return order.size() >= 3; }));
  CHECK(order == std::vector<std::string>{"event", "event", "end"});
}

TEST_CASE("work at the end of a turn that asks for more is called again in the next one") {
  Loop loop;
  int calls = 0;
  std::optional<EndOfTurn> end_of_turn;
  end_of_turn.emplace(loop, [&] {
    if (++calls < 3) end_of_turn->request();
  });
  end_of_turn->request();
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(calls == 1);
  CHECK(pump(loop, [&] { return calls == 3; }));
}

TEST_CASE("work that other work requests at the end of a turn is done in the same turn") {
  Loop loop;
  std::string order;
  EndOfTurn second(loop, [&] { order += "second "; });
  EndOfTurn first(loop, [&] {
    order += "first ";
    second.request();
  });
  first.request();
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(order == "first second ");
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(order == "first second ");
}

TEST_CASE("works that request each other leave the loop its events") {
  Loop loop;
  const SocketPair pair;
  int calls = 0, events = 0;
  std::optional<EndOfTurn> first, second;
  first.emplace(loop, [&] { ++calls, second->request(); });
  second.emplace(loop, [&] { ++calls, first->request(); });
  Poll poll(loop, pair.left.get());
  poll.watch(UV_WRITABLE, [&](int) { ++events; });
  first->request();
  for (int turns = 1; turns <= 3; ++turns) {
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    CHECK(events == turns);
    CHECK(calls == 2 * turns);
  }
}

TEST_CASE("work at the end of a turn may destroy itself and other work") {
  Loop loop;
  int calls = 0;
  std::optional<EndOfTurn> first, second;
  first.emplace(loop, [&] {
    ++calls;
    second.reset();
    first.reset();
    ++calls;  // what the callback holds is still there
  });
  second.emplace(loop, [&] { calls += 100; });
  first->request();
  second->request();
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(calls == 2);
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(calls == 2);
}

TEST_CASE("a callback that is replaced by itself is the new one from then on") {
  Loop loop;
  const SocketPair pair;
  Poll poll(loop, pair.left.get());
  std::string order;
  poll.watch(UV_WRITABLE, [&](int) {
    poll.watch(UV_WRITABLE, [&](int) { order += "new "; });
    order += "old ";
  });
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(order == "old new ");
}

TEST_CASE("a signal reaches its callback") {
  Loop loop;
  int calls = 0;
  const Signal signal(loop, SIGUSR1, [&] { ++calls; });
  REQUIRE(::raise(SIGUSR1) == 0);
  CHECK(pump(loop, [&] { return calls == 1; }));
}

TEST_CASE("after a turn that took too long, what arrived is handled before the timers that are late") {
  Loop loop;
  SocketPair pair;
  Timer timer(loop);
  Poll poll(loop, pair.right.get());
  std::string order;
  timer.once(Milliseconds(10), [&] { order += "timer "; });
  poll.watch(UV_READABLE, [&](int) {
    char byte = 0;
    if (::read(pair.right.get(), &byte, 1) == 1) order += "answer ";
  });
  REQUIRE(::write(pair.left.get(), "x", 1) == 1);
  let_pass(Milliseconds(300));  // the process is stopped
  REQUIRE(pump(loop, [&] { return order.size() >= 13; }));
  CHECK(order == "answer timer ");
}

TEST_CASE("a timer at intervals that was late goes on at its interval") {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  timer.every(Milliseconds(5), [&] { ++calls; });
  let_pass(Milliseconds(250));
  REQUIRE(pump(loop, [&] { return calls > 0; }));
  CHECK(calls < 50);  // what it missed is not made up for
  REQUIRE(pump(loop, [&] { return calls >= 3; }));
}

TEST_CASE("a peer that is gone is found although it was not the first read that found it") {
  Loop loop;
  SocketPair pair;
  REQUIRE(::send(pair.right.get(), "two", 2, 0) == 2);
  REQUIRE(::send(pair.left.get(), "x", 1, 0) == 1);
  pair.right.reset();  // with something unread: that is an error on the left
  ssize_t last = 1;
  Poll poll(loop, pair.left.get());
  poll.watch(UV_READABLE, [&](int) {
    char byte = 0;
    last = ::recv(pair.left.get(), &byte, 1, 0);
    if (last <= 0) poll.watch(0);
  });
  CHECK(pump(loop, [&] { return last <= 0; }));
}
