#include "nats/member_outbox.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "tests/catch.h"

using namespace aribus::nats;
using namespace std::chrono_literals;

namespace {

// NATS, which reads only while it is open.
struct Sink {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = true;
  std::vector<uint64_t> numbers{};
  std::string last_end{};

  void send(const ToMember& message, const std::string& end) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return is_open; });
    numbers.push_back(message.number);
    last_end = end;
  }
  void open(bool now) {
    const std::lock_guard lock(mutex);
    is_open = now;
    changed.notify_all();
  }
};

}  // namespace

TEST_CASE("messages to members are sent in order, and the last ones before it ends") {
  Sink sink;
  MemberOutbox outbox(
      {.send = [&](const std::string&, const ToMember& message, const std::string& end) { sink.send(message, end); },
       .has_room = [] {}});
  for (uint64_t number = 1; number <= 1000; ++number) outbox.push("a", {.number = number, .data = "x"}, "");
  outbox.push("a", {.number = 1001}, "over");
  outbox.finish(60s);
  REQUIRE(sink.numbers.size() == 1001);
  for (uint64_t number = 1; number <= 1001; ++number) CHECK(sink.numbers[number - 1] == number);
  CHECK(sink.last_end == "over");
}

TEST_CASE("while NATS does not read, what waits is bounded, and it is said when there is room again") {
  Sink sink;
  std::atomic<int> told = 0;
  MemberOutbox outbox(
      {.send = [&](const std::string&, const ToMember& message, const std::string& end) { sink.send(message, end); },
       .has_room = [&] { ++told; }});
  sink.open(false);
  const std::string block(1 << 16, 'x');
  uint64_t number = 0;
  while (outbox.has_room()) outbox.push("a", {.number = ++number, .data = block}, "");
  CHECK(number * block.size() <= MemberOutbox::max_bytes + block.size());
  const uint64_t first_full = number;
  for (int i = 0; i < 1000; ++i) outbox.push("a", {.number = ++number, .data = block}, "");
  CHECK(told == 0);
  sink.open(true);
  outbox.finish(60s);
  CHECK(told == 1);
  CHECK(outbox.has_room());
  CHECK(sink.numbers.size() >= first_full);
  CHECK(sink.numbers.size() * block.size() <= 2 * MemberOutbox::max_bytes);
  for (size_t i = 0; i < sink.numbers.size(); ++i) CHECK(sink.numbers[i] == i + 1);
}

TEST_CASE("an outbox ends while NATS does not read, as soon as the message under way is sent") {
  Sink sink;
  {
    MemberOutbox outbox({.send = [&](const std::string&, const ToMember& message,
                                     const std::string& end) { sink.send(message, end); },
                         .has_room = [] {}});
    sink.open(false);
    for (uint64_t number = 1; number <= 10; ++number) outbox.push("a", {.number = number}, "");
    outbox.finish(0ms);
    sink.open(true);
  }
  CHECK(sink.numbers.size() <= 10);
}
