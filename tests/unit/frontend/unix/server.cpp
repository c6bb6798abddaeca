#include "frontend/unix/server.h"

#include <cstring>
#include <fstream>
#include <map>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::Program;

namespace {

// Leaves the file of a socket that nobody listens on.
void leave_dead_socket(const std::string& path) {
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

// A socket that listens at `path`, as systemd hands it over.
Fd listening_socket(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), SOMAXCONN) == 0);
  return socket;
}

// A second server beside a daemon, on `path`.
struct Second {
  session::Sessions sessions;
  frontend::UnixServer server;
  Second(Daemon& daemon, const std::string& path)
      : sessions(daemon.loop, daemon.log, daemon.dispatcher, {}),
        server(daemon.loop, sessions, {{.path = path}}) {}
};

}  // namespace

TEST_CASE("the socket has the mode that was asked for") {
  const mode_t before = ::umask(0);
  Daemon daemon;
  CHECK(::umask(before) == 0);  // it is as it was
  struct stat status {};
  REQUIRE(::stat(daemon.path.c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("the file of a daemon that is gone is replaced") {
  Daemon daemon;
  const std::string path = daemon.directory.path("dead.sock");
  leave_dead_socket(path);
  Second second(daemon, path);
  CHECK(second.server.listen().ok());
  daemon.path = path;
  Program program(daemon);
  program.ask("ping");
  CHECK(program.next().HasMember("result"));
}

TEST_CASE("the socket of a living daemon is left alone") {
  Daemon daemon;
  {
    Second second(daemon, daemon.path);
    const auto listening = second.server.listen();
    REQUIRE_FALSE(listening.ok());
    CHECK(listening.error().kind == ErrorKind::invalid_params);
    CHECK_THAT(listening.error().message,
               ContainsSubstring(daemon.path) && ContainsSubstring("listens there"));
  }
  Program program(daemon);
  program.ask("ping");
  CHECK(program.next().HasMember("result"));
}

TEST_CASE("a file that is no socket is not removed") {
  Daemon daemon;
  const std::string path = daemon.directory.write("precious", "text");
  {
    Second second(daemon, path);
    CHECK_THAT(second.server.listen().error().message, ContainsSubstring("no socket"));
  }
  CHECK(std::filesystem::file_size(path) == 4);
}

TEST_CASE("a path that can't be used is refused with the reason") {
  Daemon daemon;
  Second too_long(daemon, daemon.directory.path(std::string(120, 'x')));
  CHECK_THAT(too_long.server.listen().error().message, ContainsSubstring("at most 107 bytes"));
  Second nowhere(daemon, daemon.directory.path("no/such/directory"));
  CHECK(nowhere.server.listen().error().kind == ErrorKind::system);
}

TEST_CASE("the socket's file goes with its server, but not one that came after it") {
  std::optional<Daemon> daemon;
  daemon.emplace();
  const std::string path = daemon->path;
  daemon->server.reset();
  CHECK_FALSE(std::filesystem::exists(path));
  daemon->open();
  std::filesystem::remove(path);
  leave_dead_socket(path);
  daemon->server.reset();
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a program that connects between two servers on an inherited socket is served by the second") {
  Daemon daemon;
  const std::string path = daemon.directory.path("inherited.sock");
  const Fd kept = listening_socket(path);
  std::filesystem::permissions(path, std::filesystem::perms(0604));
  const auto serve = [&](frontend::UnixServer& server) {
    std::map<std::string, Fd> inherited;
    inherited.emplace(path, Fd(::dup(kept.get())));
    REQUIRE(server.listen(std::move(inherited)).ok());
  };
  {
    Second first(daemon, path);
    serve(first.server);
    bool drained = false;
    first.server.close();
    first.sessions.drain(Milliseconds(0), [&] { drained = true; });
    REQUIRE(daemon.pump([&] { return drained; }));
  }
  CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(0604));
  daemon.path = path;
  Program program(daemon);
  program.ask("ping");
  Second second(daemon, path);
  serve(second.server);
  CHECK(program.next().HasMember("result"));
}

TEST_CASE("one server may listen on several sockets") {
  Daemon daemon;
  const std::string other = daemon.directory.path("b.sock");
  frontend::UnixServer server(
      daemon.loop, *daemon.sessions,
      {{.path = daemon.directory.path("a.sock"), .mode = 0600}, {.path = other, .mode = 0666}});
  REQUIRE(server.listen().ok());
  daemon.path = other;
  Program program(daemon);
  program.ask("ping");
  CHECK(program.next().HasMember("result"));
  CHECK(daemon.sessions->connections() == 1);
}
