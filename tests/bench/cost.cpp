// Takes events through the daemon's path, from the WebSocket's bytes to the subscribers' sockets, in a way
// that repeats instruction by instruction. tests/bench/instructions counts them.
//
// Usage: bench_cost TRACE EVENTS BATCH SUBSCRIBERS [PARTS [GROUPS OTHERS]]. So many events, BATCH of them at a
// time. With PARTS each subscriber wants one of so many frequent types. With GROUPS and OTHERS there are so many
// worker groups of the trace's application, each of which gets all calls, and of other ones.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "frontend/unix/server.h"
#include "net/websocket.h"
#include "pbx/assignments.h"
#include "pbx/server.h"
#include "protocol/rpc.h"
#include "record/event_reader.h"
#include "session/subscription_methods.h"
#include "sockets.h"
#include "systems.h"
#include "trace.h"

// Time stands still for the bounds of a turn: under callgrind everything takes long, and what is done would
// depend on it.
extern "C" uint64_t uv_hrtime() {
  return 1;
}

namespace {

using namespace aribus;
using namespace aribus::bench;

constexpr size_t ring_bytes = 512 * 1024;
constexpr size_t warm_up_events = 2000;  // they fill the ring

// Only what happens below this one is counted.
[[gnu::noinline]] void counted_turn(Loop& loop) {
  uv_run(loop.raw(), UV_RUN_NOWAIT);
}
[[gnu::noinline]] void turn(Loop& loop) {
  uv_run(loop.raw(), UV_RUN_NOWAIT);
}

// The parts of the daemon that an event passes, wired as daemon::App does it.
class Path {
 public:
  Path(const Trace& trace, const std::string& socket)
      : trace_(trace),
        frames_(websocket_frames(trace)),
        log_(make_log()),
        sessions_(loop_, log_, dispatcher_, {}),
        server_(loop_, sessions_, {{.path = socket}}),
        websocket_(make_websocket(loop_)) {
    if (auto listening = server_.listen(); !listening) fail(listening.error().message);
    dispatcher_.add_server(asterisk_);
    methods_.add(
        session::subscription_methods([this](uint64_t connection) { return sessions_.find(connection); }));
    connect();
  }

  // Groups of two members, which are offered calls but do nothing.
  void add_groups(size_t of_trace, size_t others) {
    assignments_.add(asterisk_);
    uint64_t connection = 1;
    for (size_t i = 0; i < of_trace + others; ++i) {
      groups::Settings settings;
      settings.name = "group" + std::to_string(i);
      settings.apps = {i < of_trace ? trace_.application : "app" + std::to_string(i)};
      for (int members = 0; members < 2; ++members) {
        const auto member = assignments_.join({.connection = connection++, .group = settings.name}, settings);
        if (!member) fail(member.error().message);
      }
    }
  }

  // To `type` alone, unless it is "".
  void subscribe(const System& system, const std::string& address, const std::string& type) {
    Subscribed made;
    std::atomic<bool> done = false;
    std::thread peer([&] {
      made = bench::subscribe(system, address, type);
      done = true;
    });
    while (!done) turn(loop_);
    peer.join();
    subscribers_.push_back({std::move(made.socket), type});
  }

  // Passes `events` events in batches. They are read by the subscribers after each batch.
  void pass(size_t events, size_t batch, void (*turn_loop)(Loop&)) {
    for (size_t sent = 0; sent < events;) {
      const size_t first = sent % frames_.count();
      const size_t count = std::min({batch, events - sent, frames_.count() - first});
      const size_t begin = frames_.begin(first);
      write_all(publisher_.get(),
                std::string_view(frames_.bytes).substr(begin, frames_.ends[first + count - 1] - begin));
      sent += count;
      const uint64_t before = log_.next();  // there are records of calls, too
      const size_t all = passed_ + count;
      for (int turns = 0; passed_ < all; ++turns) {
        if (turns > 1000) fail("the events do not arrive");
        turn_loop(loop_);
      }
      const auto types = std::span(trace_.types).subspan(first, count);
      for (const auto& [socket, type] : subscribers_) {
        drain(socket.get(), type.empty() ? static_cast<size_t>(log_.next() - before)
                                         : static_cast<size_t>(std::ranges::count(types, type)));
      }
    }
  }

 private:
  static pbx::ServerOptions asterisk_options() {
    pbx::ServerOptions options;
    options.name = "pbx1";
    options.client.url = "http://127.0.0.1:8088";  // never connected to
    options.client.apps = {"bench"};
    return options;
  }

  static pbx::Clock stopped_clock() {
    const auto since = std::chrono::steady_clock::now();
    return {.wall = wall_now, .monotonic = [since] { return since; }};
  }

  static bus::RecordLog make_log() {
    auto log = bus::RecordLog::make({.ring_bytes = ring_bytes}, {rpc::event_head, rpc::event_tail});
    if (!log) fail(log.error().message);
    return std::move(*log);
  }

  void connect() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* here = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener.get(), here, size) == 0 && ::listen(listener.get(), 1) == 0 &&
                ::getsockname(listener.get(), here, &size) == 0,
            "listening");
    std::thread asterisk([&] { publisher_ = accept_websocket(listener.get()); });
    bool opened = false;
    WebSocketOptions options;
    options.url = *parse_url("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    options.target = "/ari/events?app=bench";
    options.subprotocol = "ari";
    WebSocket::Handlers handlers;
    handlers.opened = [&opened] { opened = true; };
    handlers.text = [this](std::string_view text, size_t total_bytes) {
      events_.read(text, total_bytes, "pbx1", record_);
      asterisk_.publish_in_place(record_);
      ++passed_;
    };
    handlers.closed = [](const WebSocketClosed& closed) { fail(closed.reason); };
    websocket_->connect(std::move(options), std::move(handlers));
    while (!opened) turn(loop_);
    asterisk.join();
  }

  static void drain(int socket, size_t lines) {
    static std::string buffer(1 << 20, '\0');
    while (lines > 0) {
      const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
      require(count > 0, "the records do not arrive");
      lines -= static_cast<size_t>(std::count(buffer.begin(), buffer.begin() + count, '\n'));
    }
  }

  const Trace& trace_;
  Frames frames_;
  Loop loop_;
  control::MethodTable methods_;
  control::Dispatcher dispatcher_{methods_};
  bus::RecordLog log_;
  pbx::Server asterisk_{loop_,
                        asterisk_options(),
                        {.append = [this](const record::Record& record) { return log_.append(record); },
                         .next_seq = [this] { return log_.next(); },
                         .changed = [] {}}};
  pbx::Assignments assignments_{
      loop_,
      {.next_seq = [this] { return log_.next(); }, .first_seq = [this] { return log_.first(); }},
      stopped_clock()};
  session::Sessions sessions_;
  frontend::UnixServer server_;
  std::unique_ptr<WebSocket> websocket_;
  record::EventReader events_;
  record::Record record_;
  size_t passed_ = 0;  // events
  Fd publisher_;
  std::vector<std::pair<Fd, std::string>> subscribers_;  // and the types they want
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) fail("Usage: bench_cost TRACE EVENTS BATCH SUBSCRIBERS [PARTS]");
  const Trace trace = Trace::load(argv[1]);
  const size_t events = std::strtoul(argv[2], nullptr, 10);
  const size_t batch = std::strtoul(argv[3], nullptr, 10);
  const size_t subscribers = std::strtoul(argv[4], nullptr, 10);
  const size_t parts = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 0;
  const size_t of_trace = argc > 7 ? std::strtoul(argv[6], nullptr, 10) : 0;
  const size_t others = argc > 7 ? std::strtoul(argv[7], nullptr, 10) : 0;
  const std::vector<std::string> types =
      parts > 0 ? trace.frequent_types(parts) : std::vector<std::string>{""};
  char folder[] = "/tmp/aribus-bench-XXXXXX";
  require(::mkdtemp(folder) != nullptr, "making a folder");
  const std::string socket = std::string(folder) + "/socket";
  {
    Path path(trace, socket);
    if (of_trace + others > 0) path.add_groups(of_trace, others);
    const System aribus = make_system("aribus", trace);
    for (size_t i = 0; i < subscribers; ++i) path.subscribe(aribus, socket, types[i % types.size()]);
    ::unlink(socket.c_str());
    ::rmdir(folder);
    path.pass(warm_up_events, batch, turn);
    path.pass(events, batch, counted_turn);
  }
  return 0;
}
