#include "daemon/reload.h"

#include "json/json.h"
#include "tests/catch.h"

using namespace aribus;
using namespace aribus::config;
using namespace aribus::daemon;

TEST_CASE("the ring can't be changed while it is in use") {
  Config now, next;
  CHECK(needs_restart(now, next).empty());
  next.log_level = "debug";
  next.drain_timeout = Milliseconds(1);
  next.sessions.max_connections = 1;
  CHECK(needs_restart(now, next).empty());
  next.bus = {.ring_bytes = 1 << 20, .path = "/var/lib/aribus/bus.log"};
  CHECK(needs_restart(now, next) == std::vector<std::string>{"bus.ring_bytes", "bus.path"});
}

TEST_CASE("the outcome says what was changed, or why nothing was") {
  const Reload applied{.changed = {"limits"}, .restart = {"bus.path"}, .warnings = {"w"}};
  CHECK(to_json(applied.result()) ==
        R"({"applied":true,"changed":["limits"],"restart":["bus.path"],"warnings":["w"]})");
  const Reload faulty{.applied = false,
                      .error = {ErrorKind::invalid_params, "f:1:2: k: m", R"({"mistakes":[{"file":"f"}]})"}};
  CHECK(to_json(faulty.result()) == R"({"applied":false,"reason":"f:1:2: k: m","mistakes":[{"file":"f"}]})");
  const Reload unreadable{.applied = false, .error = {ErrorKind::system, "no such file", {}}};
  CHECK(to_json(unreadable.result()) == R"({"applied":false,"reason":"no such file"})");
}

TEST_CASE("a socket's path does not move to another section while aribusd listens there") {
  Config now, next;
  now.sockets = {{.path = "/r/a"}, {.path = "/r/b"}};
  now.web = {.path = "/r/w"};
  now.metrics = {"", 0, {.path = "/r/m"}};
  next = now;
  CHECK(check_moves(now, next).ok());
  std::swap(next.sockets[0], next.sockets[1]);
  next.web = {.path = "/r/new"};
  CHECK(check_moves(now, next).ok());
  next.sockets = {{.path = "/r/a"}};
  next.web = {.path = "/r/b"};
  CHECK(check_moves(now, next).error().kind == ErrorKind::invalid_params);
  CHECK(check_moves(now, next).error().message ==
        "web.path: this aribusd itself listens on /r/b, as sockets[1].path: restart it to move the path; or, "
        "unless systemd opened it, take it out of sockets, reload, add it to web and reload again");
  next.web = {.path = "/r/m"};
  CHECK_THAT(check_moves(now, next).error().message, ContainsSubstring("as metrics.path"));
  next.web.reset();
  next.metrics = {"", 0, {.path = "/r/w"}};
  CHECK_THAT(check_moves(now, next).error().message, ContainsSubstring("metrics.path: "));
  next.metrics = {"127.0.0.1", 1, {}};
  CHECK(check_moves(now, next).ok());
}
