#include "frontend/unix/listeners.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::test;

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

// A program that has connected at `path`; invalid if it could not.
Fd visitor(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_un address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

// Listens on `own` (mode 0600), and on `inherited`, which systemd keeps open.
struct Listening {
  TempDir directory;
  std::string own = directory.path("own.sock");
  std::string inherited = directory.path("inherited.sock");
  std::string fresh = directory.path("fresh.sock");
  Fd systemd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  Loop loop;
  std::vector<std::string> visited;  // the sockets, in the order of visits
  std::optional<frontend::UnixListeners> listeners;

  Listening() {
    const sockaddr_un address = address_of(inherited);
    REQUIRE(::bind(systemd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(systemd.get(), SOMAXCONN) == 0);
    listeners.emplace(loop, std::vector<SocketOptions>{{.path = own, .mode = 0600}, {.path = inherited}},
                      [this](Fd, const control::Peer& peer) { visited.push_back(peer.socket); });
    std::map<std::string, Fd> opened;
    opened.emplace(inherited, Fd(::dup(systemd.get())));
    REQUIRE(listeners->listen(opened).ok());
  }

  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    REQUIRE(::stat(own.c_str(), &status) == 0);
    return status.st_mode & 0777;
  }
  // Whether a program that connects at `path` is accepted.
  bool serves(const std::string& path) {
    visited.clear();
    const Fd socket = visitor(path);
    return socket.valid() && pump(loop, [&] { return !visited.empty(); }) && visited.front() == path;
  }
};

}  // namespace

TEST_CASE("a change of sockets that is cancelled takes none away, and sets rights back") {
  Listening here;
  const Fd waiting = visitor(here.own);  // in the system's queue
  const Fd other = visitor(here.inherited);
  REQUIRE(here.listeners->prepare({{.path = here.own, .mode = 0666}, {.path = here.fresh}}).ok());
  CHECK(here.mode() == 0666);
  CHECK(std::filesystem::exists(here.fresh));
  here.listeners->cancel();
  CHECK(here.mode() == 0600);
  CHECK_FALSE(std::filesystem::exists(here.fresh));
  CHECK(pump(here.loop, [&] { return here.visited.size() == 2; }));
  CHECK(here.serves(here.own));
  CHECK(here.serves(here.inherited));
  here.listeners->cancel();  // of nothing
  CHECK(here.serves(here.inherited));
}

TEST_CASE("a change of sockets of which one can't be opened changes nothing") {
  Listening here;
  const Fd waiting = visitor(here.own);
  const auto prepared =
      here.listeners->prepare({{.path = here.own, .mode = 0666}, {.path = here.fresh}, {.path = "/none/x"}});
  REQUIRE_FALSE(prepared.ok());
  CHECK_THAT(prepared.error().message, ContainsSubstring("/none/x"));
  CHECK(here.mode() == 0600);
  CHECK_FALSE(std::filesystem::exists(here.fresh));
  CHECK(pump(here.loop, [&] { return !here.visited.empty(); }));
  CHECK(here.serves(here.own));
  CHECK(here.serves(here.inherited));
}

TEST_CASE("a change of sockets applies when it is committed") {
  Listening here;
  REQUIRE(here.listeners->prepare({{.path = here.inherited, .mode = 0600}, {.path = here.fresh}}).ok());
  here.listeners->commit();
  CHECK_FALSE(std::filesystem::exists(here.own));
  CHECK(here.serves(here.inherited));
  CHECK(here.serves(here.fresh));
  REQUIRE(here.listeners->prepare({{.path = here.fresh, .mode = 0606}}).ok());
  here.listeners->commit();
  CHECK(std::filesystem::status(here.fresh).permissions() == std::filesystem::perms(0606));
  CHECK(here.serves(here.fresh));
  CHECK(std::filesystem::exists(here.inherited));  // it is its maker's
}
