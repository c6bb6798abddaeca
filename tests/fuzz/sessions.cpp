#include "tests/fuzz/sessions.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "control/methods/live_snapshot.h"
#include "pbx/server.h"
#include "protocol/rpc.h"
#include "record/event_reader.h"
#include "session/all_methods.h"
#include "session/sessions.h"
#include "tests/fuzz/fuzz.h"

namespace aribus::fuzz {
namespace {

control::Access rules(uint8_t choice) {
  switch (choice % 4) {
    case 0:
      return control::Access({{.name = "all", .methods = {"read", "control", "admin"}, .functions = {"*"}}});
    case 1:
      return control::Access({{.name = "control", .methods = {"read", "control"}}});
    case 2:
      return control::Access({{.name = "read",
                               .methods = {"read"},
                               .types = {"Stasis*"},
                               .apps = {"demo", ""},
                               .connections = 50,
                               .commands_per_second = 20}});
    default:
      return control::Access();
  }
}

pbx::ServerOptions asterisk_options() {
  pbx::ServerOptions options;
  options.name = "pbx1";
  options.client.url = "http://127.0.0.1:1";  // never connected to
  options.client.apps = {"demo"};
  return options;
}

// A daemon without Asterisk, all on one loop.
struct Daemon {
  Loop loop;
  bus::RecordLog log =
      bus::RecordLog::make({.ring_bytes = bus::RecordLog::min_ring_bytes}, {rpc::event_head, rpc::event_tail})
          .value();
  control::MethodTable methods;
  control::Dispatcher dispatcher{methods};
  pbx::Server asterisk{loop,
                       asterisk_options(),
                       {.append = [this](const record::Record& record) { return log.append(record); },
                        .next_seq = [this] { return log.next(); },
                        .changed = [] {}}};
  session::Sessions sessions{
      loop,
      log,
      dispatcher,
      {.max_connections = 10'000,
       .limits = {
           .max_line_bytes = 4096, .max_commands = 8, .max_batch = 16, .max_unsent_bytes = 16 * 1024}}};
  record::EventReader reader;

  Daemon() {
    dispatcher.add_server(asterisk);
    session::add_all_methods(
        methods, {.hello = [](const control::Caller&) { return session::Hello{}; },
                  .status = [] { return session::Status{}; },
                  .live_objects =
                      [this](record::IdKind kind, const JsonValue& params, const control::Caller& caller) {
                        return control::live_objects(dispatcher, log.cursor().text(), kind, params,
                                                     *caller.principal.rule);
                      },
                  .session = [this](uint64_t connection) { return sessions.find(connection); }});
  }

  void turn(int times = 3) {
    for (; times > 0; --times) uv_run(loop.raw(), UV_RUN_NOWAIT);
  }

  void event() {
    record::Record record;
    static const std::string text =
        R"({"type":"StasisStart","timestamp":"2026-11-22T21:46:17.690+0000","application":"demo","args":[],"channel":{"id":"c1","name":"PJSIP/1","state":"Up","caller":{"name":"","number":""},"connected":{"name":"","number":""},"accountcode":"","dialplan":{"context":"","exten":"","priority":1,"app_name":"","app_data":""},"creationtime":"2026-11-22T21:46:17.690+0000","language":"en"}})";
    reader.read(text, text.size(), "pbx1", record);
    asterisk.publish(record);
  }
};

class Program {
 public:
  Program(Daemon& daemon, const FuzzedTransport& transport) : daemon_(daemon), transport_(transport) {
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0,
            "there is a pair of sockets");
    socket_ = Fd(ends[0]);
    daemon.sessions.add(transport.make(daemon.loop, Fd(ends[1])),
                        {.uid = ::getuid(), .gid = ::getgid(), .pid = ::getpid(), .socket = "/fuzz"});
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count <= 0) return;  // it has been closed, or reads no more
      bytes.remove_prefix(static_cast<size_t>(count));
      daemon_.turn(1);
    }
  }
  void finish() {
    ::shutdown(socket_.get(), SHUT_WR);
    finished_ = true;
  }
  [[nodiscard]] bool finished() const { return finished_; }

  void read() {
    char bytes[65536];
    for (;;) {
      daemon_.turn();
      const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (count <= 0) return;
      received_.append(bytes, static_cast<size_t>(count));
      take_lines();
    }
  }

 private:
  void take_lines() {
    std::istringstream lines(transport_.take_lines(received_));
    for (std::string text; std::getline(lines, text);) {
      const Result<Json> line = parse_json(text);
      require(line.ok(), "what it sends is JSON");
      require(line->IsArray() || find_string(*line, "jsonrpc") == "2.0", "and JSON-RPC");
    }
  }

  Daemon& daemon_;
  const FuzzedTransport& transport_;
  Fd socket_;
  std::string received_;
  bool finished_ = false;
};

}  // namespace

int fuzz_sessions(const uint8_t* data, size_t size, const FuzzedTransport& transport) {
  static Daemon daemon;
  if (size < 2) return 0;
  daemon.sessions.set_access(rules(data[0]));
  daemon.turn();
  const size_t before = daemon.sessions.connections();
  const size_t piece = 1 + data[1] * 4U;
  const auto action_of = [&](char byte) { return static_cast<uint8_t>(byte) - transport.first_action; };
  const auto is_action = [&](char byte) { return action_of(byte) >= 0 && action_of(byte) < 4; };
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  bool finished = false;
  {
    Program program(daemon, transport);
    daemon.turn();
    while (!rest.empty()) {
      const auto action = static_cast<size_t>(std::ranges::find_if(rest, is_action) - rest.begin());
      const size_t end = std::min(action, piece);
      program.send(rest.substr(0, end));
      rest.remove_prefix(end);
      if (rest.empty() || !is_action(rest[0])) continue;
      switch (action_of(rest[0])) {
        case 0:
          daemon.event();
          break;
        case 1:
          daemon.sessions.set_access(rules(static_cast<uint8_t>(rest.size())));
          break;
        case 2:
          program.read();
          break;
        default:
          program.finish();
      }
      rest.remove_prefix(1);
    }
    program.read();
    finished = program.finished();
  }
  if (finished) return 0;  // that one has gone as well is looked for every two seconds
  for (int turns = 0; daemon.sessions.connections() > before; ++turns) {
    require(turns < 10'000, "a connection ends with its program");
    daemon.turn(1);
  }
  return 0;
}

}  // namespace aribus::fuzz
