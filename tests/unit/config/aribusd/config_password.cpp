// Where the password comes from.
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "config/aribusd/config.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::TempDir;

namespace {

Result<Config> load_entry(const TempDir& directory, const std::string& lines) {
  return load_config(
      directory.write("c.yaml", "asterisk:\n  - username: aribus\n    apps: [demo]\n" + lines));
}
std::string password(const TempDir& directory, const std::string& lines) {
  const auto config = load_entry(directory, lines);
  INFO((config ? std::string() : config.error().message));
  REQUIRE(config.ok());
  return config->asterisk[0].client.password;
}
std::string fault(const TempDir& directory, const std::string& lines) {
  const auto config = load_entry(directory, lines);
  REQUIRE_FALSE(config.ok());
  return config.error().message;
}

// An environment variable for the length of a test.
struct Variable {
  const char* name;
  Variable(const char* its_name, const std::string& value) : name(its_name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name); }
};

}  // namespace

TEST_CASE("the password may be the first line of a file") {
  const TempDir directory;
  for (const char* text : {"s3cret", "s3cret\n", "s3cret\r\n", "s3cret\nmore\n"}) {
    const std::string file = directory.write("secret", text);
    CHECK(password(directory, "    password_file: " + file + "\n") == "s3cret");
  }
  CHECK(password(directory, "    password_file: " + directory.write("secret", " with spaces \n") + "\n") ==
        " with spaces ");
}

TEST_CASE("a file without a password is refused by name") {
  const TempDir directory;
  const std::string missing = directory.path("missing");
  CHECK_THAT(fault(directory, "    password_file: " + missing + "\n"),
             ContainsSubstring("asterisk[0].password_file") && ContainsSubstring(missing));
  for (const char* text : {"", "\n", "\r\n", "\nsecond\n"}) {
    CHECK_THAT(fault(directory, "    password_file: " + directory.write("secret", text) + "\n"),
               ContainsSubstring("empty"));
  }
  CHECK_THAT(fault(directory, "    password_file: /tmp\n"),
             ContainsSubstring("/tmp is a folder; the name of a file is expected"));
}

TEST_CASE("the password may be in the environment") {
  const TempDir directory;
  const Variable variable("ARIBUS_UNIT_PASSWORD", "s3cret");
  CHECK(password(directory, "    password_env: ARIBUS_UNIT_PASSWORD\n") == "s3cret");
  CHECK_THAT(fault(directory, "    password_env: ARIBUS_UNIT_NOTHING\n"),
             ContainsSubstring("asterisk[0].password_env") && ContainsSubstring("not set"));
  const auto checked =
      parse_config("asterisk:\n  - {username: u, password_env: ARIBUS_UNIT_NOTHING, apps: [a]}\n", "c.yaml",
                   Purpose::check);
  REQUIRE(checked.ok());  // by hand: the unit may set it
  CHECK_THAT(checked->warnings.front(), ContainsSubstring("is not set here; the daemon needs it in its own"));
  const Variable empty("ARIBUS_UNIT_EMPTY", "");
  CHECK_THAT(fault(directory, "    password_env: ARIBUS_UNIT_EMPTY\n"), ContainsSubstring("not set"));
}

TEST_CASE("the password may be one of systemd's credentials") {
  const TempDir directory;
  ::unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_THAT(fault(directory, "    password_credential: ari\n"), ContainsSubstring("LoadCredential="));
  const std::string file = directory.write("ari", "s3cret\n");
  const Variable variable("CREDENTIALS_DIRECTORY", file.substr(0, file.rfind('/')));
  CHECK(password(directory, "    password_credential: ari\n") == "s3cret");
  CHECK_THAT(fault(directory, "    password_credential: other\n"),
             ContainsSubstring("the credential that it names: No such file"));
  // What the unit hands over when the file is missing, and what to do about it.
  REQUIRE(directory.write("none", "\n") != file);
  CHECK_THAT(fault(directory, "    password_credential: none\n"),
             ContainsSubstring("is empty") && ContainsSubstring(ARIBUS_CONFIG_DIR "/ari.secret"));
  // A name, and no path to elsewhere.
  CHECK_THAT(fault(directory, "    password_credential: x/../ari\n"),
             ContainsSubstring("no systemd credentials"));
}

TEST_CASE("the password comes from one place") {
  const TempDir directory;
  const std::string file = directory.write("secret", "s3cret\n");
  CHECK_THAT(fault(directory, "    password: p\n    password_file: " + file + "\n"),
             ContainsSubstring("more than one password"));
  CHECK_THAT(fault(directory, ""), ContainsSubstring("no password") && ContainsSubstring("password_file"));
}

TEST_CASE("a password that others can read is warned of, once for each file") {
  const TempDir directory;
  const std::string secret = directory.write("secret", "s3cret\n");
  CHECK(load_entry(directory, "    password_file: " + secret + "\n")->warnings.empty());
  ::chmod(secret.c_str(), 0640);
  CHECK(load_entry(directory, "    password_file: " + secret + "\n")->warnings.empty());
  ::chmod(secret.c_str(), 0644);
  const auto config =
      load_entry(directory, "    password_file: " + secret +
                                "\n  - {name: b, username: u, apps: [a], password_file: " + secret + "}\n");
  REQUIRE(config.ok());
  REQUIRE(config->warnings.size() == 1);
  CHECK_THAT(config->warnings[0], ContainsSubstring("chmod o-r " + secret));

  const std::string file = directory.path("c.yaml");
  REQUIRE(load_entry(directory, "    password: p\n")->warnings.empty());
  ::chmod(file.c_str(), 0644);
  const auto readable = load_config(file);
  REQUIRE(readable.ok());
  REQUIRE(readable->warnings.size() == 1);
  CHECK_THAT(readable->warnings[0], ContainsSubstring(file));
}

TEST_CASE("a configuration that a group with a socket or a rule can read is warned of") {
  const TempDir directory;
  const gid_t group = ::geteuid() == 0 ? 4101 : ::getegid();
  const std::string id = std::to_string(group);
  const std::string file = directory.path("c.yaml");
  const auto warnings = [&](const std::string& lines, mode_t mode) {
    static_cast<void>(
        directory.write("c.yaml", "asterisk: [{username: u, password: p, apps: [a]}]\n" + lines));
    REQUIRE(::chown(file.c_str(), static_cast<uid_t>(-1), group) == 0);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto config = load_config(file);
    REQUIRE(config.ok());
    return config->warnings;
  };
  for (const std::string& lines :
       {"sockets: [{path: /tmp/s, group: " + id + "}]\n", "metrics: {path: /tmp/m, group: " + id + "}\n",
        "web: {path: /tmp/w, group: " + id + "}\n",
        "access: [{name: x, groups: [" + id + "], methods: [read]}]\n"}) {
    INFO(lines);
    CHECK(warnings(lines, 0600).empty());
    const auto found = warnings(lines, 0640);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], ContainsSubstring(file) && ContainsSubstring("aribus-read"));
  }
  CHECK(warnings("sockets: [{path: /tmp/s, group: 4102}]\n", 0640).empty());
}

TEST_CASE("no error repeats the password") {
  const TempDir directory;
  for (const char* lines : {"    password: [hunter2]\n", "    password: hunter2\n    nosuchkey: x\n",
                            "    password: hunter2\n    max_connections: none\n"}) {
    CHECK(fault(directory, lines).find("hunter2") == std::string::npos);
  }
}
