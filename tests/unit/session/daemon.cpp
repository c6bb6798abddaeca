#include "tests/unit/session/daemon.h"

#include "session/group_methods.h"
#include "session/subscription_methods.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"

namespace aribus::test {

Daemon::Daemon(session::SessionLimits its_limits, size_t its_max_connections, size_t ring_bytes,
               const std::string& log_path)
    : log(bus::RecordLog::make({.ring_bytes = ring_bytes, .path = log_path}, test::framing).value()),
      assignments(loop,
                  {.next_seq = [this] { return log.next(); },
                   .first_seq = [this] { return log.first(); },
                   .displaced =
                       [this](uint64_t connection, const std::string&, const std::string& member) {
                         if (session::Session* one = sessions->find(connection))
                           one->close_with_error({ErrorKind::not_owner, "displaced by " + member, {}});
                       },
                   .left =
                       [this](uint64_t connection) {
                         if (session::Session* one = sessions->find(connection)) one->on_left_group();
                       }},
                  {.wall = wall_now, .monotonic = [this] { return now; }}),
      limits(its_limits),
      max_connections(its_max_connections) {
  add_asterisk_methods(methods);
  methods.add(
      {.name = "ping",
       .access_level = control::AccessLevel::read,
       .run_here = [](const JsonValue&, const control::Caller&) { return pbx::ResultText("\"pong\""); }});
  methods.add(
      session::subscription_methods([this](uint64_t connection) { return sessions->find(connection); }));
  methods.add(session::group_methods([this](uint64_t connection) { return sessions->find(connection); }));
  assignments.recalled();
  open();
}

void Daemon::open() {
  sessions.emplace(loop, log, dispatcher,
                   session::SessionsOptions{.max_connections = max_connections, .limits = limits});
  server.emplace(loop, *sessions, std::vector<SocketOptions>{{.path = path, .mode = 0600}});
  const auto listening = server->listen();
  if (!listening) throw std::runtime_error(listening.error().message);
}

void Daemon::close() {
  server.reset();
  sessions.reset();
}

void Daemon::drain(Milliseconds deadline, std::function<void()> done) {
  server->close();
  sessions->drain(deadline, std::move(done));
}

void Daemon::set_rule(control::AccessRule rule) {
  sessions->set_access(control::Access({std::move(rule)}));
}

Program::Program(Daemon& daemon) : daemon_(daemon), wire_(daemon.connect(daemon)) {}

void Program::send(std::string_view bytes) {
  for (int rounds = 0; !bytes.empty() && rounds < 100'000; ++rounds) {
    const std::optional<size_t> count = wire_->send(bytes);
    if (!count) return;
    bytes.remove_prefix(*count);
    if (!bytes.empty()) uv_run(daemon_.loop.raw(), UV_RUN_NOWAIT);
  }
}

void Program::ask(const std::string& method, const std::string& params, const std::string& id) {
  say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params + "}");
}

void Program::finish_sending() {
  wire_->finish_sending();
}

void Program::close() {
  wire_.reset();
}

void Program::read(size_t bytes) {
  if (!ended_) ended_ = wire_->read(input_, bytes);
}

std::string Program::line() {
  daemon_.pump([&] {
    read();
    return ended_ || input_.find('\n') != std::string::npos;
  });
  const size_t end = input_.find('\n');
  if (end == std::string::npos) return {};
  std::string line = input_.substr(0, end);
  input_.erase(0, end + 1);
  return line;
}

bool Program::ended() {
  return daemon_.pump([&] {
    read();
    return ended_;
  });
}

}  // namespace aribus::test
