// What one program does, no other one feels.
#include <cstring>
#include <random>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

namespace {

using aribus::Fd;
using aribus::find_string;
using aribus::Json;
using namespace aribus::test;

// A bare connection, for peers that don't behave.
Fd raw_connection(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// Sends all of it, reading (and dropping) nothing; false when the daemon takes no more for a second.
bool send_all(const Fd& socket, std::string_view bytes) {
  const timeval patience{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void drain(const Fd& socket) {
  char bytes[65536];
  while (::recv(socket.get(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
  }
}

// Many calls come and go at once. Returns the seq of the record behind theirs, when the daemon has read them.
uint64_t flood(const Simulator& simulator, const Daemon& daemon) {
  Program program(daemon.connect(), R"({"types":"none"})");
  const auto received = [&] { return program.call("status")["servers"][0]["received"].GetUint64(); };
  const uint64_t before = received();
  const auto sent = aribus::parse_json(
      simulator.control("POST", "calls", R"({"app":"demo","count":1500,"interval_ms":0})"));
  REQUIRE(soon([&] { return received() >= before + (*sent)["events"].GetUint64(); }));
  return program.call("status")["bus"]["next"].GetUint64();
}

std::string random_bytes(size_t count) {
  std::mt19937 random(42);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("a subscriber gets every record of 1,000 calls, in order, whatever others do") {
  const Simulator simulator;
  constexpr size_t ring_bytes = 4 << 20;
  Daemon daemon({simulator.server()}, "bus:\n  ring_bytes: 4MiB\n");
  daemon.wait_ready();
  Program program(daemon.connect());
  const size_t memory_before = daemon.process().resident_bytes();

  const Fd noisy = raw_connection(daemon.socket_path());
  const Fd deaf = raw_connection(daemon.socket_path());
  REQUIRE(send_all(deaf, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\"}\n"));
  {
    const Fd rude = raw_connection(daemon.socket_path());
    REQUIRE(send_all(rude, "{\"jsonrpc\":\"2.0\",\"id\":1,\"meth"));
  }
  std::thread noise([&] {
    const std::string bytes = random_bytes(200'000);
    for (size_t at = 0; at < bytes.size(); at += 1000) {
      send_all(noisy, std::string_view(bytes).substr(at, 1000));
      drain(noisy);
    }
  });
  const std::string answer =
      simulator.control("POST", "calls", R"({"app":"demo","count":1000,"interval_ms":0})");
  noise.join();

  size_t ended = 0;
  uint64_t seq = 0;
  while (ended < 1000) {
    const auto next = program.client().next(std::chrono::seconds(30));
    REQUIRE(next.ok());
    REQUIRE(next->has_value());
    REQUIRE((*next)->method == "event");
    const Json& record = (*next)->params;
    if (seq != 0) REQUIRE(record["seq"].GetUint64() == seq + 1);
    seq = record["seq"].GetUint64();
    if (find_string(record, "type") == "ChannelDestroyed") ++ended;
  }
  INFO("the simulator sent " << answer);
  CHECK(program.call("ping").IsObject());
  if (memory_is_measurable) CHECK(daemon.process().resident_bytes() < memory_before + 2 * ring_bytes);
  CHECK(daemon.stop() == 0);
}

TEST_CASE("100 MB without a newline are skipped and cost no memory") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  const size_t memory_before = daemon.process().resident_bytes();
  const Fd endless = raw_connection(daemon.socket_path());
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) REQUIRE(send_all(endless, piece));
  REQUIRE(send_all(endless, "\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n"));
  std::string answers;
  char bytes[4096];
  while (answers.find("\"id\":7") == std::string::npos) {
    const ssize_t count = ::recv(endless.get(), bytes, sizeof bytes, 0);
    REQUIRE(count > 0);
    answers.append(bytes, static_cast<size_t>(count));
  }
  CHECK_THAT(answers, ContainsSubstring("over the limit of 1048576 bytes"));
  if (memory_is_measurable) CHECK(daemon.process().resident_bytes() < memory_before + (8 << 20));
}

TEST_CASE("a peer that sends commands and never reads is not read from any more") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  const size_t memory_before = daemon.process().resident_bytes();
  const Fd deaf = raw_connection(daemon.socket_path());
  const std::string status = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += status;
  CHECK_FALSE(send_all(deaf, many));
  if (memory_is_measurable) CHECK(daemon.process().resident_bytes() < memory_before + (16 << 20));
  Program other(daemon.connect());
  CHECK(other.call("ping").IsObject());
}

TEST_CASE("a reader that the ring overtakes is told exactly what it lost") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, "bus:\n  ring_bytes: 256KiB\n");
  daemon.wait_ready();
  Program slow(daemon.connect());
  const uint64_t end = flood(simulator, daemon);

  uint64_t expected = 0;
  size_t holes = 0;
  while (expected < end) {
    const auto next = slow.client().next(std::chrono::seconds(30));
    REQUIRE(next.ok());
    REQUIRE(next->has_value());
    const Json& params = (*next)->params;
    if ((*next)->method == "lost") {
      REQUIRE(params["from"].GetUint64() == expected);
      REQUIRE(params["records"].GetUint64() == params["to"].GetUint64() - params["from"].GetUint64() + 1);
      expected = params["to"].GetUint64() + 1;
      ++holes;
    } else {
      if (expected != 0) REQUIRE(params["seq"].GetUint64() == expected);
      expected = params["seq"].GetUint64() + 1;
    }
  }
  CHECK(holes >= 1);
}

TEST_CASE("a reader that would rather be disconnected is told what it lost, and is") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, "bus:\n  ring_bytes: 256KiB\n");
  daemon.wait_ready();
  Program slow(daemon.connect(), R"({"on_overflow":"disconnect"})");
  flood(simulator, daemon);
  uint64_t expected = 0;
  bool lost = false;
  for (;;) {
    const auto next = slow.client().next(std::chrono::seconds(30));
    if (!next.ok()) break;  // the connection ended
    REQUIRE(next->has_value());
    REQUIRE_FALSE(lost);  // nothing comes after it
    const Json& params = (*next)->params;
    lost = (*next)->method == "lost";
    const uint64_t from = params[lost ? "from" : "seq"].GetUint64();
    if (expected != 0) REQUIRE(from == expected);
    expected = from + 1;
  }
  CHECK(lost);
}

TEST_CASE("commands that cost much to refuse leave the others their turns") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  const Fd noisy = raw_connection(daemon.socket_path());
  std::string batch;
  for (int i = 0; i < 10'000; ++i)
    batch += std::string(batch.empty() ? "[" : ",") + R"({"jsonrpc":"2.0","id":1,"method":"chanels.anser"})";
  std::string ids;
  for (int i = 0; i < 80'000; ++i)
    ids += std::string(ids.empty() ? "" : ",") + "\"c" + std::to_string(i) + "\"";
  const std::string many_ids =
      R"({"jsonrpc":"2.0","id":1,"method":"bridges.addChannel","params":{"bridgeId":"b","channel":[)" + ids +
      "]}}\n";
  std::thread sender([&] { send_all(noisy, batch + "]\n" + many_ids + many_ids); });
  // What the daemon does between a ping and its answer, whatever else keeps the machine busy.
  std::chrono::nanoseconds longest{};
  for (int i = 0; i < 100; ++i) {
    const auto before = daemon.process().cpu_time();
    program.call("ping");
    longest = std::max(longest, daemon.process().cpu_time() - before);
    drain(noisy);
    let_pass(std::chrono::milliseconds(5));  // the rate
  }
  sender.join();
  CHECK(longest < std::chrono::seconds(1));
}
