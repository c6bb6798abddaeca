// Who is found to read passwords, and who is kept out of the socket.
#include "cli/doctor/rights.h"

#include <algorithm>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/unit/helpers.h"

namespace aribus::cli {
namespace {

constexpr gid_t reading = 4101, control = 4100;

// A machine where this process's user is aribusd's, and files that it makes are its own.
struct Machine {
  test::TempDir directory;
  Accounts accounts{
      .users = {{"root", 0, 0}, {"alice", 4001, 4001}, {"bob", 4002, 4002}, {"carol", 4003, 4003}},
      .groups = {{"root", 0},
                 {"aribus-read", reading, {"aribus", "alice", "bob"}},
                 {"aribus-control", control, {"bob"}}}};
  uid_t daemon = ::geteuid() == 0 ? 4000 : ::geteuid();
  gid_t own = daemon == 4000 ? 4000 : ::getegid();
  std::string config;

  Machine() {
    accounts.users.push_back({"aribus", daemon, own});
    accounts.groups.push_back({"aribus", own});
    secret = directory.write("ari.secret", "s3cret\n");
    configure("aribus-read", "aribus-read");
  }

  void configure(const std::string& socket_group, const std::string& readers, const std::string& more = "") {
    config = directory.write(
        "aribusd.yaml",
        "asterisk:\n  - username: aribus\n    apps: [aribus]\n    password_file: " + secret +
            "\nsockets:\n  - path: " + directory.path("aribus.sock") + "\n    group: " + socket_group +
            "\naccess:\n  - name: control\n    groups: [aribus-control]\n    methods: [control]\n"
            "  - name: readers\n    groups: [" +
            readers + "]\n    methods: [read]\n" + more);
  }
  Accounts::Group& group(const std::string& name) {
    return *std::ranges::find(accounts.groups, name, &Accounts::Group::name);
  }
  Accounts::User& user(const std::string& name) {
    return *std::ranges::find(accounts.users, name, &Accounts::User::name);
  }
  [[nodiscard]] std::string faults() const {
    std::string text;
    for (const Finding& fault : faults_of_rights(config, accounts, daemon))
      text += fault.what + "\n    " + fault.cure + "\n";
    return text;
  }

  std::string secret;
};

void set_mode(const std::string& file, mode_t mode) {
  REQUIRE(::chmod(file.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("the doctor finds nothing wrong with the rights of an installation as it should be") {
  Machine machine;
  CHECK(machine.faults().empty());
  // The daemon's group may read, as it has no members.
  if (test::needs_root()) return;
  for (const std::string& file : {machine.config, machine.secret}) {
    REQUIRE(::chown(file.c_str(), 0, machine.own) == 0);
    set_mode(file, 0640);
  }
  CHECK(machine.faults().empty());
}

TEST_CASE("the doctor names who is in the group that reads passwords") {
  Machine machine;
  SECTION("as supplementary group") {
    machine.group("aribus").members = {"aribus", "alice"};
    CHECK_THAT(machine.faults(), ContainsSubstring("alice is in the group aribus") &&
                                     ContainsSubstring("gpasswd --delete alice aribus") &&
                                     ContainsSubstring("usermod --append --groups aribus-read alice"));
  }
  SECTION("as primary group") {
    machine.user("carol").gid = machine.own;
    CHECK_THAT(machine.faults(),
               ContainsSubstring("carol is in the group aribus") && ContainsSubstring("usermod --gid"));
  }
}

TEST_CASE("the doctor names files with secrets that others can read or change") {
  Machine machine;
  const std::string ring = machine.directory.write("bus.log", "x"),
                    key = machine.directory.write("key.pem", "x");
  machine.configure("aribus-read", "aribus-read", "bus:\n  path: " + ring + "\n");
  const std::string file = GENERATE("aribusd.yaml", "ari.secret", "bus.log", "bus.log.old");
  const std::string path =
      file == "bus.log.old" ? machine.directory.write("bus.log.old", "x") : machine.directory.path(file);
  REQUIRE(machine.faults().empty());
  const mode_t mode = GENERATE(0604, 0602, 0644);
  set_mode(path, mode);
  CHECK_THAT(machine.faults(), ContainsSubstring(path + " (") && ContainsSubstring("everybody") &&
                                   ContainsSubstring("chmod 0"));
}

TEST_CASE("the doctor names the owner and the group that a secret is open to") {
  if (test::needs_root()) return;
  Machine machine;
  REQUIRE(::chown(machine.secret.c_str(), 0, reading) == 0);
  set_mode(machine.secret, 0640);
  const std::string faults = machine.faults();
  CHECK_THAT(faults, ContainsSubstring(machine.secret + " (a password) is open to the group aribus-read") &&
                         ContainsSubstring("chown aribus:root " + machine.secret));
  // Then the socket and the rule give that group too much.
  CHECK_THAT(faults,
             ContainsSubstring("aribusd.yaml:7: a socket is for the group aribus-read") &&
                 ContainsSubstring("aribusd.yaml:13: the rule 'readers' is for the group aribus-read"));
  REQUIRE(::chown(machine.secret.c_str(), 4001, 0) == 0);
  CHECK_THAT(machine.faults(), ContainsSubstring("is open to its owner alice"));
}

TEST_CASE("the doctor names the lines that give the daemon's own group a socket or a rule") {
  Machine machine;
  machine.configure("aribus", "aribus");
  machine.group("aribus-control").members = {};
  const std::string faults = machine.faults();
  CHECK_THAT(faults,
             ContainsSubstring(machine.config + ":7: a socket is for the group aribus") &&
                 ContainsSubstring(machine.config + ":13: the rule 'readers' is for the group aribus") &&
                 ContainsSubstring("write aribus-read there"));
  machine.configure("aribus-read", "\n      aribus-read,\n      " + std::to_string(machine.own),
                    "metrics: {path: " + machine.directory.path("m.sock") + ", group: aribus}\n");
  CHECK_THAT(machine.faults(), ContainsSubstring(":15: the rule 'readers'") &&
                                   ContainsSubstring(":17: the socket for metrics is for the group aribus"));
}

TEST_CASE("the doctor looks at the group that a socket has, whoever made it") {
  if (test::needs_root()) return;
  Machine machine;
  const std::string path = machine.directory.path("aribus.sock");
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::chown(path.c_str(), machine.daemon, reading) == 0);
  set_mode(path, 0660);
  CHECK(machine.faults().empty());
  REQUIRE(::chown(path.c_str(), machine.daemon, machine.own) == 0);
  CHECK_THAT(machine.faults(),
             ContainsSubstring(path + " is for the group aribus, which may read passwords") &&
                 ContainsSubstring("SocketGroup=aribus-read"));
}

TEST_CASE("the doctor names who has a rule and can't open the socket") {
  Machine machine;
  machine.group("aribus-control").members = {"bob", "carol"};
  CHECK_THAT(
      machine.faults(),
      ContainsSubstring("the rule 'control' is for the group aribus-control, and of it carol may not open " +
                        machine.directory.path("aribus.sock")) &&
          ContainsSubstring("usermod --append --groups aribus-read carol"));
  // The one for metrics is no way in.
  machine.configure("aribus-read", "aribus-read",
                    "metrics: {path: " + machine.directory.write("m.sock", "") + ", mode: '0666'}\n");
  set_mode(machine.directory.path("m.sock"), 0666);
  CHECK_THAT(machine.faults(), ContainsSubstring("carol may not open"));
  machine.user("carol").gid = reading;  // as primary group
  CHECK(machine.faults().empty());
}

TEST_CASE("the doctor names a folder in which others put a secret's file") {
  Machine machine;
  const std::string folder = machine.directory.path("open");
  std::filesystem::create_directory(folder);
  machine.secret = machine.directory.write("open/ari.secret", "s3cret\n");
  machine.configure("aribus-read", "aribus-read");
  set_mode(folder, 0757);
  CHECK_THAT(machine.faults(),
             ContainsSubstring("in the folder " + folder) && ContainsSubstring("everybody"));
  set_mode(folder, 01777);  // as /tmp: others' files stay
  CHECK(machine.faults().empty());
}

TEST_CASE("the rights of a faulty configuration are looked at all the same") {
  Machine machine;
  for (const char* text :
       {"asterisk: 7\nsockets: {a: b}\naccess: [1, [2], {groups: 3}, {groups: [{}]}]\nbus: []\n", "", "[",
        "- a\n", "a"}) {
    machine.config = machine.directory.write("aribusd.yaml", text);
    CHECK(machine.faults().empty());
    set_mode(machine.config, 0644);
    CHECK_THAT(machine.faults(), ContainsSubstring("everybody"));
  }
}

TEST_CASE("the accounts of this machine are listed") {
  const Accounts accounts = Accounts::of_this_machine();
  REQUIRE(accounts.user("root") != nullptr);
  CHECK(accounts.user("root")->uid == 0);
  CHECK(accounts.user_name(0) == "root");
  CHECK(accounts.group_name(0) == "root");
  CHECK(accounts.is_member("root", 0));
  CHECK(accounts.group("0") == accounts.group("root"));
  CHECK(accounts.user_name(4'000'000'001) == "4000000001");
}

}  // namespace aribus::cli
