// Sends the trace to one system, receives it at all subscribers, checks that nothing is missing, and prints
// what that cost the system's process, as one JSON object. scripts/bench starts it.
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "drain.h"
#include "feeder.h"
#include "systems.h"
#include "trace.h"

namespace {

using namespace aribus;
using namespace aribus::bench;

constexpr const char* usage =
    "Usage: bench_traffic --system NAME --pid PID --upstream ADDRESS --socket ADDRESS --trace FILE [--NAME "
    "NUMBER]…\n"
    "  system       aribus, relay, redis, nats; pid is that of its process\n"
    "  upstream     where it takes events; for aribus and relay: the number of the socket on which Asterisk "
    "listens\n"
    "  socket       where its subscribers connect\n"
    "  web          1: aribus' subscribers come by WebSocket, to the socket whose path has .web behind it "
    "(0)\n"
    "  subscribers  how many (1); parts: each gets one of so many parts of the events (0: everything)\n"
    "  fill         events sent to the first subscriber before the others come: fills aribusd's ring (0)\n"
    "  warm-up      events sent to all before those that count (0)\n"
    "  events       events that count (0)\n"
    "  rate         events a second (0: as fast as they are taken)\n"
    "  window       events that may be under way (2000)\n"
    "  stall        how many subscribers stop reading (0), stall-at-ms after the beginning (0), for "
    "stall-for-ms (0: for\n"
    "               good)\n";

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
    if (argc % 2 == 0 || argc == 1) fail(usage);
  }
  [[nodiscard]] std::string text(const std::string& name) {
    const auto value = values_.extract("--" + name);
    if (value.empty()) fail("--" + name + " is missing\n" + usage);
    return value.mapped();
  }
  [[nodiscard]] uint64_t number(const std::string& name, uint64_t otherwise) {
    const auto value = values_.extract("--" + name);
    if (value.empty()) return otherwise;
    uint64_t number = 0;
    const std::string& digits = value.mapped();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) fail("no number: " + digits);
    return number;
  }
  void require_empty() const {
    if (!values_.empty()) fail("unknown option " + values_.begin()->first + "\n" + usage);
  }

 private:
  std::map<std::string, std::string> values_;
};

// The time that all threads of a process have run, those that ended too.
class CpuClock {
 public:
  explicit CpuClock(pid_t pid) {
    if (::clock_getcpuclockid(pid, &clock_) != 0) fail("there is no process " + std::to_string(pid));
  }
  [[nodiscard]] uint64_t ns() const {
    timespec time{};
    require(::clock_gettime(clock_, &time) == 0, "the process is gone");
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
  }

 private:
  clockid_t clock_{};
};

// A line such as "VmHWM:  1234 kB" of a file in /proc.
uint64_t kib_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10);
  }
  fail("no " + name + " in " + path);
}

// How long the threads of a process were ready to run and did not: others had the processor.
uint64_t waited_ns(const std::string& process) {
  uint64_t waited = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + process + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    uint64_t ran = 0;
    uint64_t waits = 0;
    file >> ran >> waits;
    waited += waits;
  }
  return waited;
}

double ms(uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

struct Measured {
  Drained drained;
  Fed fed;
  uint64_t cpu_ns;
  uint64_t wall_ns;
  uint64_t waited_ns;
};

Measured measure(const System& system, int publisher, Drain& drain, pid_t pid, uint64_t events, Pace pace,
                 Stall stall) {
  const CpuClock cpu(pid);
  const std::string process = std::to_string(pid);
  Progress progress(events);
  const uint64_t waited = waited_ns(process);
  const uint64_t cpu_before = cpu.ns();
  const uint64_t start = now_ns();
  Fed fed;
  std::thread feeder([&] { fed = feed(publisher, system.frames, pace, progress); });
  Measured measured{};
  measured.drained = drain.run(progress, stall);
  measured.cpu_ns = cpu.ns() - cpu_before;
  measured.wall_ns = now_ns() - start;
  measured.waited_ns = waited_ns(process) - waited;
  feeder.join();
  measured.fed = fed;
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argc, argv);
  // With it a call begins, and aribus makes records of its own of that.
  const Trace trace = Trace::load(arguments.text("trace"), "StasisStart");
  System system = make_system(arguments.text("system"), trace);
  const auto pid = static_cast<pid_t>(arguments.number("pid", 0));
  const std::string upstream = arguments.text("upstream");
  const std::string socket = arguments.text("socket");
  system.websocket = arguments.number("web", 0) != 0;
  const uint64_t subscribers = arguments.number("subscribers", 1);
  const uint64_t parts = arguments.number("parts", 0);
  const uint64_t fill = arguments.number("fill", 0);
  const uint64_t warm_up = arguments.number("warm-up", 0);
  const uint64_t events = arguments.number("events", 0);
  const Pace pace{arguments.number("rate", 0), arguments.number("window", 2000)};
  const Stall stall{arguments.number("stall", 0), arguments.number("stall-at-ms", 0) * 1'000'000,
                    arguments.number("stall-for-ms", 0) * 1'000'000};
  arguments.require_empty();
  if (subscribers == 0 && (fill > 0 || warm_up > 0 || events > 0)) fail("events need a subscriber");

  const Fd publisher = connect_publisher(system, upstream);
  Drain drain(system, trace, socket, parts);
  const Pace fast{0, pace.window};
  if (fill > 0) {
    drain.grow(1);
    (void)measure(system, publisher.get(), drain, pid, fill, fast, {});
  }
  drain.grow(subscribers);
  if (warm_up > 0) (void)measure(system, publisher.get(), drain, pid, warm_up, fast, {});
  const Measured measured = measure(system, publisher.get(), drain, pid, events, pace, stall);

  if (events == 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));  // it has come to rest
  const std::string proc = "/proc/" + std::to_string(pid);
  const Histogram& latency = measured.drained.latency;
  const auto us = [&](double share) { return static_cast<double>(latency.quantile(share)) / 1000; };
  std::printf(
      "{\"events\":%lu,\"records\":%lu,\"bytes\":%lu,\"seconds\":%.6f,\"cpu_ns\":%lu,"
      "\"latency_us\":{\"p50\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,\"max\":%.1f},"
      "\"waited_s\":%.3f,\"late_ms\":%.3f,\"longest_write_ms\":%.3f,"
      "\"lost\":{\"notifications\":%lu,\"records\":%lu},"
      "\"rss_kib\":%lu,\"pss_kib\":%lu,\"peak_kib\":%lu}\n",
      events, measured.drained.records, measured.drained.bytes, ms(measured.wall_ns) / 1000, measured.cpu_ns,
      us(0.5), us(0.99), us(0.999), static_cast<double>(latency.max()) / 1000, ms(measured.waited_ns) / 1000,
      ms(measured.fed.late_ns), ms(measured.fed.longest_write_ns), measured.drained.lost_notifications,
      measured.drained.lost_records, kib_of(proc + "/smaps_rollup", "Rss"),
      kib_of(proc + "/smaps_rollup", "Pss"), kib_of(proc + "/status", "VmHWM"));
  std::fflush(stdout);
  std::quick_exit(0);
}
