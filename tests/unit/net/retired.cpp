#include "net/retired.h"

#include <optional>

#include <sys/socket.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// Hears when its end of a socket pair can be read.
struct Listener {
  Listener(Loop& loop, int fd, std::function<void()> heard) : poll(loop, fd) {
    poll.watch(UV_READABLE, [heard = std::move(heard)](int) { heard(); });
  }
  ~Listener() {
    if (ended != nullptr) ++*ended;
  }
  void silence() noexcept { poll.watch(0); }

  Poll poll;
  int* ended = nullptr;
};

struct Pair {
  Fd here, there;
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    here.reset(fds[0]);
    there.reset(fds[1]);
    REQUIRE(::send(there.get(), "x", 1, 0) == 1);
  }
};

}  // namespace

TEST_CASE("what is retired in its own callback lives until that has ended, and no longer than the turn") {
  Loop loop;
  Pair pair;
  Retired<Listener> retired(loop);
  int ended = 0;
  int calls = 0;
  std::unique_ptr<Listener> listener;
  listener = std::make_unique<Listener>(loop, pair.here.get(), [&] {
    ++calls;
    retired.add(std::move(listener));
    CHECK(ended == 0);
    CHECK(retired.size() == 1);
  });
  listener->ended = &ended;
  uv_run(loop.raw(), UV_RUN_ONCE);
  CHECK(calls == 1);
  CHECK(ended == 1);
  CHECK(retired.size() == 0);
}

TEST_CASE("what is retired is not heard any more, though it had something to say in the same turn") {
  Loop loop;
  Pair pairs[2];
  Retired<Listener> retired(loop);
  int calls = 0;
  std::unique_ptr<Listener> listeners[2];
  for (int i = 0; i < 2; ++i) {
    listeners[i] = std::make_unique<Listener>(loop, pairs[i].here.get(), [&, i] {
      ++calls;
      retired.add(std::move(listeners[1 - i]));  // whichever comes first
    });
  }
  for (int turns = 0; turns < 3; ++turns) uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(calls == 3);  // of the one that is left, in each turn
}

TEST_CASE("an object whose end retires another one is destroyed, and the other after it") {
  struct Chain {
    Retired<Chain>& retired;
    std::unique_ptr<Chain> next;
    int& ended;
    ~Chain() {
      ++ended;
      retired.add(std::move(next));
    }
    void silence() noexcept {}
  };
  Loop loop;
  Retired<Chain> retired(loop);
  int ended = 0;
  auto last = std::unique_ptr<Chain>(new Chain{retired, nullptr, ended});
  retired.add(std::unique_ptr<Chain>(new Chain{retired, std::move(last), ended}));
  CHECK(pump(loop, [&] { return ended == 2; }));
}

TEST_CASE("objects that take long to end do not all end in one turn") {
  struct Slow {
    int& ended;
    ~Slow() {
      const uint64_t until = uv_hrtime() + 2'000'000;
      while (uv_hrtime() < until) continue;
      ++ended;
    }
    void silence() noexcept {}
  };
  Loop loop;
  Retired<Slow> retired(loop);
  int ended = 0;
  for (int i = 0; i < 3; ++i) retired.add(std::unique_ptr<Slow>(new Slow{ended}));
  for (const int turn : {1, 2, 3}) {
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    CHECK(ended == turn);
  }
  CHECK(retired.size() == 0);
}
