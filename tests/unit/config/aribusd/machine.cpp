// What a check finds that this machine lacks.
#include "config/aribusd/machine.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include "net/tcp_socket.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/unit/config/aribusd/texts.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::needs_root;
using aribus::test::TempDir;
using aribus::test::with;

namespace {

// As if the daemon ran as `user` here.
config::Machine with_user(const std::string& user) {
  config::Machine machine = this_machine({});
  machine.user = user;
  return machine;
}

// What a check tells for a daemon that runs as `machine` says: mistakes, then warnings, a line each.
std::string told(const std::string& text, const config::Machine& machine = with_user("no-such-user")) {
  const std::string file = "c.yaml";
  const auto config = parse_config(text, file);
  INFO(text);
  REQUIRE(config.ok());
  ConfigFaults faults;
  const YamlValue root(file, "", YAML::Load(text), faults);
  DaemonReading reading{{.file = file, .text = text, .purpose = Purpose::check}};
  reading.asterisk = root.member("asterisk").list();
  if (config->sockets.size() != 1 || text.find("sockets:") != std::string::npos)
    reading.sockets = root.member("sockets").list();
  check_machine(reading, root, *config, machine);
  std::string all = faults.empty() ? "" : faults.error().message + "\n";
  for (const std::string& warning : reading.warnings) all += "warning " + warning + "\n";
  return all;
}

}  // namespace

TEST_CASE("sockets and the ring need a folder") {
  const TempDir directory;
  const std::string missing = directory.path("no/x"), below = directory.write("file", "") + "/x";
  CHECK(told(with("sockets: [{path: " + missing + "}]\n")) ==
        "c.yaml:5:18: sockets[0].path: there is no folder " + directory.path("no") +
            "; make it, writable for the daemon's user, or name another one\n");
  CHECK(told(with("bus: {path: " + missing + "}\n")) ==
        "c.yaml:5:13: bus.path: there is no folder " + directory.path("no") +
            "; make it, writable for the daemon's user, or name another one\n");
  CHECK(told(with("metrics: {path: " + missing + "}\n")) ==
        "c.yaml:5:17: metrics.path: there is no folder " + directory.path("no") +
            "; make it, writable for the daemon's user, or name another one\n");
  CHECK(told(with("web: {path: " + missing + "}\n")) ==
        "c.yaml:5:13: web.path: there is no folder " + directory.path("no") +
            "; make it, writable for the daemon's user, or name another one\n");
  CHECK(told(with("sockets: [{path: " + below + "}]\n")) ==
        "c.yaml:5:18: sockets[0].path: " + directory.path("file") + " is no folder; name another path\n");
  CHECK(
      told(with("sockets: [{path: " + directory.path("x") + "}]\nbus: {path: " + directory.path("y") + "}\n"))
          .empty());
}

TEST_CASE("what systemd makes need not be there") {
  CHECK(told(with("")).empty());
  CHECK(told(with("sockets: [{path: /run/aribus/other.sock, group: daemon}]\nbus: {path: "
                  "/var/lib/aribus/ring}\n"))
            .empty());
  CHECK(told(with("sockets: [{path: /var/run/aribus/aribus.sock}]\n")).empty());
  CHECK_THAT(told(with("sockets: [{path: /run/aribus/no-such/x}]\n")),
             ContainsSubstring("there is no folder"));

  const TempDir units;
  std::filesystem::create_directories(units.path("aribusd.socket.d"));
  std::filesystem::create_directories(units.path("aribusd.service.d"));
  static_cast<void>(
      units.write("aribusd.socket.d/more.conf", "[Socket]\nListenStream=/run/no-such-pbx/a.sock\n"));
  static_cast<void>(
      units.write("aribusd.service.d/more.conf", "[Service]\nRuntimeDirectory=no-such-one no-such-other\n"));
  static_cast<void>(units.write("aribusd.service", "[Service]\nStateDirectory=no-such-state\n"));
  config::Machine machine = this_machine({units.path(""), "/no-such-folder"});
  machine.user = "no-such-user";
  for (const char* fine :
       {"sockets: [{path: /run/no-such-pbx/a.sock}]\n", "sockets: [{path: /run/no-such-other/a}]\n",
        "bus: {path: /var/lib/no-such-state/ring}\n"}) {
    INFO(fine);
    CHECK(told(with(fine), machine).empty());
    CHECK_THAT(told(with(fine)), ContainsSubstring("there is no folder"));
  }
}

TEST_CASE("what lies in the place of a socket or of the ring is told") {
  const TempDir directory;
  std::filesystem::create_symlink(directory.write("file", "x"), directory.path("link"));
  const auto socket = [&](const std::string& path) {
    return told(with("sockets: [{path: " + path + "}]\n"));
  };
  const auto ring = [&](const std::string& path) { return told(with("bus: {path: " + path + "}\n")); };
  CHECK(socket("/tmp") ==
        "c.yaml:5:18: sockets[0].path: it is a folder; the name of a socket in it is expected\n");
  for (const char* name : {"file", "link"}) {
    CHECK(socket(directory.path(name)) ==
          "c.yaml:5:18: sockets[0].path: there is a file of that name that is no socket; remove it, or name "
          "another path\n");
  }
  CHECK(ring("/tmp") == "c.yaml:5:13: bus.path: it is a folder; the name of a file in it is expected\n");
  CHECK(ring(directory.path("link")) ==
        "c.yaml:5:13: bus.path: it is a symbolic link; name the file that it leads to\n");
  CHECK(ring("/dev/null") == "c.yaml:5:13: bus.path: a regular file is expected there\n");
  CHECK(ring(directory.path("file")).empty());  // becomes file.old

  const Fd bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory.path("sock");
  path.copy(static_cast<char*>(address.sun_path), path.size());
  REQUIRE(::bind(bound.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(socket(path).empty());  // of a daemon that is gone
  if (needs_root()) return;     // others can't see that it is not systemd's
  REQUIRE(::listen(bound.get(), 1) == 0);
  CHECK(socket(path) ==
        "c.yaml:5:18: sockets[0].path: another program listens there ('ss -lxp' names it); end it, or name "
        "another "
        "path\n");
}

TEST_CASE("what root may and the daemon's user may not is a warning") {
  if (needs_root()) return;
  const TempDir directory;  // with mode 0700
  const config::Machine machine = with_user("daemon");
  CHECK(told(with("sockets: [{path: " + directory.path("x") + "}]\n"), machine) ==
        "warning c.yaml:5:18: sockets[0].path: the user daemon may not write to the folder " +
            directory.path("").substr(0, directory.path("").size() - 1) +
            "; give it to the daemon's user, or name a folder that is its own\n");
  ::chmod(directory.path("").c_str(), 0755);
  const std::string inner = directory.path("inner");
  std::filesystem::create_directory(inner);
  ::chmod(inner.c_str(), 0777);
  CHECK(told(with("sockets: [{path: " + inner + "/x}]\n"), machine).empty());
  ::chmod(directory.path("").c_str(), 0700);  // and can't be entered
  CHECK_THAT(told(with("sockets: [{path: " + inner + "/x}]\n"), machine),
             ContainsSubstring("may not write to"));
  ::chmod(directory.path("").c_str(), 0777);

  CHECK_THAT(told(with("sockets: [{path: " + inner + "/x, group: operator}]\n"), machine),
             ContainsSubstring("warning c.yaml:5:") &&
                 ContainsSubstring("sockets[0].group: the user daemon is not in that group"));
  CHECK_THAT(told(with("sockets: [{path: " + inner + "/x, owner: nobody}]\n"), machine),
             ContainsSubstring("sockets[0].owner: the user daemon can't give the socket to another user"));
  CHECK(told(with("sockets: [{path: " + inner + "/x, owner: daemon, group: daemon}]\n"), machine).empty());

  const std::string secret = directory.write("secret", "x\n");
  const std::string text = "asterisk:\n  - {username: u, password_file: " + secret + ", apps: [a]}\n";
  CHECK(told(text, machine) ==
        "warning c.yaml:2:34: asterisk[0].password_file: the user daemon may not read that "
        "file; chown or chmod it\n");
  CHECK(told(text).empty());
  CHECK_THAT(told(with("bus: {path: " + secret + "}\n"), machine),
             ContainsSubstring("bus.path: it belongs to another user than the user daemon"));
}

TEST_CASE("the ring needs room on the disk, less what its file has") {
  const TempDir directory;
  struct statvfs disk {};
  REQUIRE(::statvfs(directory.path("").c_str(), &disk) == 0);
  if (uint64_t{disk.f_bavail} * disk.f_frsize >> 30 >= 63) return;  // no ring is larger
  CHECK_THAT(told(with("bus: {ring_bytes: 64GiB, path: " + directory.path("ring") + "}\n")),
             ContainsSubstring("bus.path: there is not enough room on its file system: ") &&
                 ContainsSubstring("ring_bytes wants 65536 MiB"));
}

TEST_CASE("a port that another program has is a mistake for metrics, and doubtful for what tries on") {
  int port = 0;
  const auto taken = listen_on_tcp("127.0.0.1", port);
  REQUIRE(taken.ok());
  const std::string number = std::to_string(port);
  CHECK(told(with("metrics: {listen: '127.0.0.1:" + number + "'}\n")) ==
        "c.yaml:5:19: metrics.listen: another program listens at 127.0.0.1 port " + number +
            " already ('ss -ltnp' names it); name another port\n");
  CHECK(told(with("    mode: outbound\n    listen: {address: 127.0.0.1, port: " + number + "}\n")) ==
        "warning c.yaml:6:" +
            std::to_string(std::string("    listen: {address: 127.0.0.1, port: ").size() + 1) +
            ": asterisk[0].listen.port: another program listens at 127.0.0.1 port " + number +
            " already ('ss -ltnp' names it); name another port\n");
  CHECK(told(with("    mode: outbound\n    listen: {address: 192.0.2.1}\n")) ==
        "warning c.yaml:6:13: asterisk[0].listen: nobody can listen at 192.0.2.1 port 8765: Cannot assign "
        "requested "
        "address; is it an address of this machine?\n");
}
