// Measures round trips to several servers, which take turns, so that what disturbs the machine disturbs all.
//
// Usage: bench_round_trips PROCESSOR,… ROUNDS TRIPS SECONDS IN_FLIGHT,… TARGET…
//
// A target is four arguments: NAME, KIND, its socket or port, and its request without the end. Kinds:
//   lines      a request is a line, an answer as well; with N in flight N lines are under way on one
//   connection websocket  the same with a message for each line http       a request is a request line and
//   headers; with N in flight there are N kept-alive connections
//
// In each of ROUNDS rounds, on each PROCESSOR in turn, every target gets TRIPS round trips, one at a time,
// then each number in flight for SECONDS. Every answer is checked. Prints {"PROCESSOR": {"NAME": {"rounds":
// [{"p50": ns, "p99": ns}, …], "per_second": {"IN_FLIGHT": n, …}}, …}, …}.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "net/websocket_frame.h"
#include "tests/bench/histogram.h"
#include "tests/bench/sockets.h"
#include "tests/bench/trace.h"

namespace {

using namespace aribus;
using namespace aribus::bench;
using Clock = std::chrono::steady_clock;

uint64_t ns_since(Clock::time_point began) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count());
}

enum class Kind : uint8_t { lines, websocket, http };

struct Target {
  std::string name;
  Kind kind = Kind::lines;
  std::string address;
  std::string request;  // as it is sent
};

void run_on(size_t processor) {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(processor, &processors);
  require(::sched_setaffinity(0, sizeof processors, &processors) == 0, "sched_setaffinity");
}

// One connection that sends a request as often as it is told, and counts whole answers.
class Connection {
 public:
  explicit Connection(const Target& target)
      : target_(target), socket_(connect_to(target.address)), input_(64 << 10, '\0') {
    if (target.kind == Kind::websocket) become_websocket(socket_.get());
  }

  [[nodiscard]] int fd() const { return socket_.get(); }

  void send(size_t times) {
    out_.clear();
    for (size_t i = 0; i < times; ++i) out_ += target_.request;
    write_all(socket_.get(), out_);
  }

  // Waits for input and returns how many answers it completes, which may be none.
  size_t receive() {
    const ssize_t count = ::recv(socket_.get(), input_.data() + kept_, input_.size() - kept_, 0);
    require(count > 0, "reading from " + target_.name);
    const std::string_view bytes(input_.data(), kept_ + static_cast<size_t>(count));
    size_t answers = 0;
    size_t at = 0;
    for (size_t size = 0; (size = answer_size(bytes.substr(at))) > 0; at += size, ++answers) {
      check(bytes.substr(at, size));
    }
    kept_ = bytes.size() - at;
    std::copy(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end(), input_.begin());
    return answers;
  }

 private:
  // 0: it is not there as a whole.
  [[nodiscard]] size_t answer_size(std::string_view bytes) const {
    if (target_.kind == Kind::lines) return bytes.find('\n') + 1;
    if (target_.kind == Kind::websocket) return frame_size(bytes);
    const size_t head = bytes.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    constexpr std::string_view length = "Content-Length:";
    const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
    const auto at = std::search(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(head), length.begin(),
                                length.end(), same);
    const size_t body = std::strtoul(&*at + length.size(), nullptr, 10);
    const size_t size = head + 4 + body;
    return bytes.size() < size ? 0 : size;
  }

  // Of a short text of one frame, as a server sends it.
  static size_t frame_size(std::string_view bytes) {
    if (bytes.size() < 2) return 0;
    const size_t payload = static_cast<unsigned char>(bytes[1]);
    if (bytes[0] != '\x81' || payload > 125) fail("another frame than a short text came");
    return bytes.size() < 2 + payload ? 0 : 2 + payload;
  }

  void check(std::string_view answer) const {
    const bool good = target_.kind == Kind::http ? answer.starts_with("HTTP/1.1 200 ")
                                                 : answer.find(R"("error")") == std::string_view::npos;
    if (!good) fail("the answer of " + target_.name + ": " + std::string(answer));
  }

  const Target& target_;
  Fd socket_;
  std::string out_;
  std::string input_;
  size_t kept_ = 0;
};

Histogram one_at_a_time(Connection& connection, size_t trips) {
  Histogram times;
  for (size_t i = 0; i < trips; ++i) {
    const auto began = Clock::now();
    connection.send(1);
    while (connection.receive() == 0) {
    }
    times.add(ns_since(began));
  }
  return times;
}

// Commands a second with `in_flight` of them under way all the time.
double many(const Target& target, size_t in_flight, double seconds) {
  const size_t each = target.kind == Kind::http ? 1 : in_flight;
  std::vector<Connection> connections;
  std::vector<pollfd> polls;
  for (size_t i = 0; i < in_flight / each; ++i) {
    const Connection& made = connections.emplace_back(target);
    polls.push_back({made.fd(), POLLIN, 0});
  }
  for (Connection& connection : connections) connection.send(each);
  const auto began = Clock::now();
  const auto limit = static_cast<uint64_t>(seconds * 1e9);
  uint64_t answers = 0;
  while (ns_since(began) < limit) {
    // One connection is read without asking first, as a program would.
    if (connections.size() > 1) require(::poll(polls.data(), polls.size(), -1) > 0, "poll");
    for (size_t i = 0; i < connections.size(); ++i) {
      if (connections.size() > 1 && polls[i].revents == 0) continue;
      const size_t count = connections[i].receive();
      if (count > 0) connections[i].send(count);
      answers += count;
    }
  }
  return static_cast<double>(answers) * 1e9 / static_cast<double>(ns_since(began));
}

std::vector<size_t> numbers(std::string_view text) {
  std::vector<size_t> found;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    found.push_back(std::strtoul(std::string(text.substr(0, comma)).c_str(), nullptr, 10));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return found;
}

Target target_of(const char* const* arguments) {
  Target target{arguments[0], Kind::lines, arguments[2], arguments[3]};
  const std::string_view kind = arguments[1];
  if (kind == "http") {
    target.kind = Kind::http;
    target.request += "\r\n\r\n";
  } else if (kind == "websocket") {
    target.kind = Kind::websocket;
    target.request.clear();
    append_frame(target.request, Opcode::text, arguments[3], random_mask());
  } else {
    target.request += '\n';
  }
  return target;
}

struct Found {
  std::vector<Histogram> rounds;
  std::map<size_t, std::vector<double>> per_second;
};

void print(const Found& result) {
  for (size_t i = 0; i < result.rounds.size(); ++i) {
    const Histogram& times = result.rounds[i];
    std::printf(R"(%s{"p50": %llu, "p99": %llu})", i == 0 ? R"({"rounds": [)" : ", ",
                static_cast<unsigned long long>(times.quantile(0.5)),
                static_cast<unsigned long long>(times.quantile(0.99)));
  }
  std::printf(R"(], "per_second": {)");
  const char* before = "";
  for (auto [count, rates] : result.per_second) {
    std::ranges::sort(rates);
    std::printf(R"(%s"%zu": %f)", std::exchange(before, ", "), count, rates[rates.size() / 2]);
  }
  std::printf("}}");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 10 || (argc - 6) % 4 != 0) {
    fail(
        "Usage: bench_round_trips PROCESSOR,… ROUNDS TRIPS SECONDS IN_FLIGHT,… "
        "(NAME lines|websocket|http ADDRESS REQUEST)…");
  }
  const std::vector<size_t> processors = numbers(argv[1]);
  const size_t rounds = std::strtoul(argv[2], nullptr, 10);
  const size_t trips = std::strtoul(argv[3], nullptr, 10);
  const double seconds = std::strtod(argv[4], nullptr);
  const std::vector<size_t> in_flight = numbers(argv[5]);
  std::vector<Target> targets;
  for (int i = 6; i < argc; i += 4) targets.push_back(target_of(argv + i));
  std::map<size_t, std::vector<Found>> results;  // by processor and target
  for (size_t round = 0; round < rounds; ++round) {
    for (const size_t processor : processors) {
      run_on(processor);
      std::vector<Found>& here = results[processor];
      here.resize(targets.size());
      for (size_t i = 0; i < targets.size(); ++i) {
        Connection connection(targets[i]);  // of this round: Asterisk closes one that is idle for long
        static_cast<void>(one_at_a_time(connection, trips / 10));
        here[i].rounds.push_back(one_at_a_time(connection, trips));
      }
      for (const size_t count : in_flight) {
        for (size_t i = 0; i < targets.size(); ++i) {
          if (seconds > 0) here[i].per_second[count].push_back(many(targets[i], count, seconds));
        }
      }
    }
  }
  const char* before = "{";
  for (const auto& [processor, here] : results) {
    std::printf("%s\"%zu\": ", std::exchange(before, ", "), processor);
    for (size_t i = 0; i < targets.size(); ++i) {
      std::printf("%s\"%s\": ", i == 0 ? "{" : ", ", targets[i].name.c_str());
      print(here[i]);
    }
    std::printf("}");
  }
  std::printf("}\n");
  return 0;
}
