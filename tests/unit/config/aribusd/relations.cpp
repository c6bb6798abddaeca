// What does not go together in a configuration whose parts are right.
#include "config/aribusd/relations.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/unit/config/aribusd/texts.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::TempDir;
using aribus::test::with;

namespace {

// What the daemon says of it, a line for each thing: its warnings, or its mistakes. Places are without file.
std::string contradiction(const std::string& text, const std::string& file = "c.yaml") {
  const auto config = parse_config(text, file);
  std::string all;
  if (!config) {
    all = config.error().message + "\n";
  } else {
    for (const std::string& warning : config->warnings) all += "warning " + warning + "\n";
  }
  for (size_t at = 0; (at = all.find(file + ":", at)) != std::string::npos;) all.erase(at, file.size() + 1);
  return all;
}

// The same, for a check: what can't work is a mistake.
bool is_mistake(const std::string& text) {
  const auto config = parse_config(text, "c.yaml", Purpose::check);
  return !config && config.error().kind == ErrorKind::invalid_params;
}

// A certificate that is valid from and until so many seconds from now, as PEM.
std::string certificate(long from, long until) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), until);
  X509_set_pubkey(made.get(), key.get());
  X509_sign(made.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(text.get(), made.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<size_t>(size)};
}

struct Doubt {
  std::string config;
  std::string told;  // by the daemon, which starts
  bool mistake;      // for a check
};
const Doubt doubts[] = {
    {with("    tls: {verify_peer: true}\n"), "", false},
    {with("    url: https://pbx\n    tls: {verify_peer: true}\n"), "", false},
    {with("    tls: {ca_file: /dev/null}\n"),
     "warning 5:20: asterisk[0].tls.ca_file: there is no certificate in it; the certificate of an authority "
     "is "
     "expected, as PEM\nwarning 5:10: asterisk[0].tls: it is for https://, and url says http://: user, "
     "password "
     "and calls travel in the clear\n",
     false},
    {with("    url: https://pbx\n    tls: {ca_file: /dev/null}\n"),
     "warning 6:20: asterisk[0].tls.ca_file: there is no certificate in it; the certificate of an authority "
     "is "
     "expected, as PEM\n",
     true},
    {with("    url: ws://pbx\n"),
     "warning 5:10: asterisk[0].url: url: ws:// and wss:// are taken for http:// and https://: aribusd makes "
     "requests as well (expected http://host:8088)\n",
     false},
    {with("    url: ws://pbx/ari/events\n"),
     "warning 5:10: asterisk[0].url: url: it ends with /ari/events, which aribusd adds itself: end it before "
     "/ari (expected http://host:8088)\n",
     true},
    {with("    url: http://pbx/ari/\n"), "", false},
    {"asterisk:\n  - {username: u, password: x, apps: [a, b, a]}\n",
     "warning 2:45: asterisk[0].apps[2]: the application 'a' is listed twice, and counts once\n", false},
    {"asterisk:\n  - {username: u, password: x, apps: ['a ']}\n",
     "warning 2:39: asterisk[0].apps[0]: it begins or ends with a blank, which belongs to it; is that "
     "meant?\n",
     false},
    // The same Asterisk, written in other ways.
    {with("    url: http://PBX\n  - {name: b, username: u, password: s, apps: [x, demo], url: "
          "'http://pbx:8088/ari/'}\n"),
     "warning 6:47: asterisk[1].apps: the application 'demo' of this Asterisk is listed in asterisk[0] "
     "('asterisk') already, and each would take it from the other; list it in one, or give it another url if "
     "it "
     "is another Asterisk\n",
     true},
    {with("  - {name: b, username: u, password: s, apps: [demo], url: 'http://localhost'}\n"),
     "warning 5:47: asterisk[1].apps: the application 'demo' is listed in asterisk[0] ('asterisk') as well: "
     "if "
     "that is the same Asterisk, each takes it from the other\n",
     false},
    {with("    url: https://pbx\n  - {name: b, username: u, password: s, apps: [demo], url: 'http://pbx'}\n"),
     "warning 6:47: asterisk[1].apps: the application 'demo' is listed in asterisk[0] ('asterisk') as well: "
     "if "
     "that is the same Asterisk, each takes it from the other\n",
     false},
    {with("  - {name: b, username: u, password: s, apps: [other]}\n"), "", false},
    {with("  - {name: b, username: u, password: s, apps: [demo], url: 'http://127.0.0.1:8089'}\n"), "",
     false},
    {with("  - {name: b, username: u, password: s, apps: [demo], url: 'http://127.0.0.1/b'}\n"), "", false},
    // Ports.
    {with("    mode: outbound\n    listen: {port: 9464}\nmetrics: {listen: '127.0.0.1:9464'}\n"),
     "warning 6:20: asterisk[0].listen.port: port 9464 is that of metrics.listen as well; each needs its "
     "own\n",
     true},
    {with("    mode: outbound\n    listen: {port: 9464, address: 127.0.0.2}\nmetrics: {listen: "
          "'127.0.0.1:9464'}\n"),
     "", false},
    {with("metrics: {listen: '127.0.0.1:8088'}\n"),
     "warning 5:19: metrics.listen: port 8088 is the one at which asterisk[0] ('asterisk') expects "
     "Asterisk's "
     "HTTP server: only one of the two can listen there\n",
     false},
    {with("    url: http://pbx\nmetrics: {listen: '127.0.0.1:8088'}\n"), "", false},
    // Paths, which would fail at the start as well.
    {with("sockets: [{path: /tmp/x}, {path: /tmp//./x}]\n"),
     "5:34: sockets[1].path: it is the file of sockets[0].path as well; each needs its own\n", true},
    {with("sockets: [{path: /tmp/x}]\nmetrics: {path: /tmp/x}\nbus: {path: /tmp/../tmp/x}\n"),
     "6:17: metrics.path: it is the file of sockets[0].path as well; each needs its own\n7:13: bus.path: it "
     "is "
     "the file of sockets[0].path as well; each needs its own\n",
     true},
    {with("sockets: [{path: /tmp/x}]\nweb: {path: /tmp/./x}\nmetrics: {path: /tmp/x}\n"),
     "6:13: web.path: it is the file of sockets[0].path as well; each needs its own\n7:17: metrics.path: it "
     "is "
     "the file of sockets[0].path as well; each needs its own\n",
     true},
    {with("web: {path: /tmp/x}\nmetrics: {path: /tmp/x}\n"),
     "6:17: metrics.path: it is the file of web.path as well; each needs its own\n", true},
    {with("web: {path: /run/aribus/aribus.sock}\n"),
     "5:13: web.path: it is the file of the default socket as well; each needs its own\n", true},
    {with("web: {path: x.sock, mode: '0000'}\n"),
     "warning 5:13: web.path: it is relative to the folder that aribusd is started in, which is / under "
     "systemd; an absolute path is better\nwarning 5:27: web.mode: nobody but root can connect with it; "
     "\"0660\" is usual\n",
     false},
    {with("bus: {path: /run/aribus/aribus.sock}\n"),
     "5:13: bus.path: it is the file of the default socket as well; each needs its own\n", true},
    {with("    url: https://pbx\n    tls: {ca_file: /dev/null}\nbus: {path: /dev/../dev/null}\n"),
     "7:13: bus.path: it is a file that this configuration reads; name another one\n", true},
    {with("sockets: [{path: x.sock, mode: '0000'}]\n"),
     "warning 5:18: sockets[0].path: it is relative to the folder that aribusd is started in, which is / "
     "under "
     "systemd; an absolute path is better\nwarning 5:32: sockets[0].mode: nobody but root can connect with "
     "it; "
     "\"0660\" is usual\n",
     false},
    // Times and sizes.
    {with("    ping_interval: 1ms\n    silence_timeout: 2ms\n    request_timeout: 1ms\n    connect_timeout: "
          "1ms\n    "
          "reconnect: {first: 1ms, max: 1ms}\n"),
     "warning 5:20: asterisk[0].ping_interval: 1ms is very short: Asterisk is pinged all the time\n"
     "warning 6:22: asterisk[0].silence_timeout: 2ms is very short: working connections will be closed as "
     "dead\n"
     "warning 8:22: asterisk[0].connect_timeout: 1ms is very short: connections will not be established in "
     "time\n"
     "warning 7:22: asterisk[0].request_timeout: 1ms is very short: commands will end with an unknown "
     "outcome\n"
     "warning 9:16: asterisk[0].reconnect: 1ms is very short: Asterisk is asked all the time while it is "
     "away\n",
     false},
    {with("    silence_timeout: 3001ms\n"),
     "warning 5:22: asterisk[0].silence_timeout: it leaves Asterisk less than 100ms to answer a ping: "
     "working connections will be closed as dead\n",
     false},
    {with("    max_message_bytes: 1KiB\n    max_response_bytes: 1KiB\n"),
     "warning 5:24: asterisk[0].max_message_bytes: that is very small: events will become Malformed records\n"
     "warning 6:25: asterisk[0].max_response_bytes: that is very small: commands will end with an unknown "
     "outcome\n",
     false},
};

}  // namespace

TEST_CASE(
    "what does not go together is told with its place, and keeps the daemon from starting only where it "
    "would anyway") {
  for (const Doubt& doubt : doubts) {
    INFO(doubt.config);
    CHECK(contradiction(doubt.config) == doubt.told);
    CHECK(is_mistake(doubt.config) == doubt.mistake);
  }
}

TEST_CASE("a check tells mistakes and warnings together") {
  const std::string text = with("    subscribe_all: 1\n    tls: {verify_peer: true, verify_host: false}\n");
  const auto config = parse_config(text, "c.yaml", Purpose::check);
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().message ==
        "c.yaml:5:20: asterisk[0].subscribe_all: true or false is expected\n"
        "warning: asterisk asterisk: TLS certificates are not fully verified\n"
        "warning: c.yaml:6:10: asterisk[0].tls: it is for https://, and url says http://: user, password and "
        "calls "
        "travel in the clear");
  CHECK_THAT(parse_config(text, "c.yaml").error().message, !ContainsSubstring("warning"));
}

TEST_CASE("an application that is listed twice is held once") {
  const auto config = parse_config("asterisk:\n  - {username: u, password: x, apps: [a, b, a]}\n", "c.yaml");
  REQUIRE(config.ok());
  CHECK(config->asterisk[0].client.apps == std::vector<std::string>{"a", "b"});
}

TEST_CASE("two ways to one socket are found behind links, too") {
  const TempDir directory;
  std::filesystem::create_directory(directory.path("real"));
  std::filesystem::create_symlink(directory.path("real"), directory.path("link"));
  const std::string text = with("sockets:\n  - path: " + directory.path("real/x") +
                                "\n  - path: " + directory.path("link/x") + "\n");
  CHECK_THAT(contradiction(text),
             ContainsSubstring("7:11: sockets[1].path: it is the file of sockets[0].path"));
}

TEST_CASE("the configuration is not what the records are written to") {
  const TempDir directory;
  const std::string file = directory.path("c.yaml");
  CHECK_THAT(contradiction(with("bus: {path: " + file + "}\n"), file),
             ContainsSubstring("bus.path: it is a file that this configuration reads"));
}

TEST_CASE("no file of a password or a certificate is what the records are written to, behind links, too") {
  const TempDir directory;
  const std::string secret = directory.path("secret"), link = directory.path("link");
  std::ofstream(secret) << "pw\n";
  std::filesystem::create_symlink(secret, link);
  for (const std::string& path : {secret, link}) {
    INFO(path);
    CHECK_THAT(contradiction("asterisk:\n  - {username: u, password_file: " + secret +
                             ", apps: [a]}\nbus: {path: " + path + "}\n"),
               ContainsSubstring("bus.path: it is a file that this configuration reads"));
  }
}

TEST_CASE("a folder, a pipe or a device is no file to read a certificate or a password from") {
  const TempDir directory;
  const std::string folder = directory.path("folder"), pipe = directory.path("pipe");
  std::filesystem::create_directory(folder);
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::pair<std::string, const char*> kinds[] = {
      {folder, " is a folder"}, {pipe, " is no ordinary file"}, {"/dev/zero", " is no ordinary file"}};
  for (const auto& [path, what] : kinds) {
    for (const std::string key : {"password_file: ", "password: x, tls: {ca_file: "}) {
      const std::string text = "asterisk:\n  - {username: u, apps: [a], " + key + path +
                               (key.ends_with("ca_file: ") ? "}}" : "}") + "\n";
      INFO(text);
      const auto config = parse_config(text, "c.yaml");
      REQUIRE_FALSE(config.ok());
      CHECK_THAT(config.error().message, ContainsSubstring(path + what));
    }
    const std::string listen =
        "asterisk:\n  - {username: u, password: x, apps: [a], mode: outbound, listen: {port: 1, tls: "
        "{certificate_file: " +
        path + ", key_file: " + path + "}}}\n";
    CHECK_THAT(parse_config(listen, "c.yaml").error().message, ContainsSubstring(path + what));
  }
}

TEST_CASE("a ring that is larger than the memory is doubted, unless it lies in a file") {
  const auto memory =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::string gib = std::to_string((memory >> 30) + 1);
  if (memory >> 30 >= 64) return;  // no ring is larger
  CHECK_THAT(contradiction(with("bus: {ring_bytes: " + gib + "GiB}\n")),
             ContainsSubstring("bus.ring_bytes: it is more than the ") && ContainsSubstring("of memory"));
  CHECK(contradiction(with("bus: {ring_bytes: " + gib + "GiB, path: /tmp/x}\n")).empty());
}

TEST_CASE("certificates that have expired are doubted; of several authorities one is enough") {
  const TempDir directory;
  const std::string expired = certificate(-20, -10), good = certificate(-20, 1000);
  const auto of = [&](const std::string& content) {
    return contradiction(
        with("    url: https://pbx\n    tls: {ca_file: " + directory.write("ca.pem", content) + "}\n"));
  };
  CHECK_THAT(of(expired), ContainsSubstring("asterisk[0].tls.ca_file: its certificate has expired at 20"));
  CHECK(of(good).empty());
  CHECK(of(expired + good).empty());
  CHECK_THAT(of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
             ContainsSubstring("a certificate in it is damaged"));
}

TEST_CASE("passwords that are hardly meant so are doubted, and not shown") {
  const TempDir directory;
  const auto of = [&](const std::string& line) {
    return contradiction("asterisk:\n  - username: u\n    apps: [a]\n    " + line + "\n");
  };
  const auto in_file = [&](const std::string& content) {
    return of("password_file: " + directory.write("secret", content));
  };
  const std::string all[] = {of("password: ${HUNTER2}"),      of("password: $HUNTER2"),
                             of("password: hunter2 #cret"),   of("password: 'hunter2 '"),
                             in_file("hunter2 \r\n"),         in_file("\thunter2\n"),
                             in_file("\xEF\xBB\xBFhunter2\n")};
  CHECK(all[0] ==
        "warning 4:15: asterisk[0].password: it is taken as it is written: variables of the environment are "
        "not "
        "put in; a password comes from one with password_env, and the name alone\n");
  CHECK(all[1] == all[0]);
  CHECK(all[2] ==
        "warning 4:15: asterisk[0].password: the password ends before ' #', where YAML begins a comment; "
        "write it "
        "in quotes if what follows belongs to it\n");
  CHECK(all[3] ==
        "warning 4:15: asterisk[0].password: the password here ends with a blank, which belongs to it; "
        "Asterisk "
        "takes none from ari.conf: remove it\n");
  CHECK(all[4] ==
        "warning 4:20: asterisk[0].password_file: the password in the first line of " +
            directory.path("secret") +
            " ends with a blank, which belongs to it; Asterisk takes none from ari.conf: remove it\n");
  CHECK_THAT(all[5], ContainsSubstring("begins with a blank"));
  CHECK_THAT(all[6], ContainsSubstring("begins with a byte order mark"));
  for (const std::string& one : all) {
    CHECK_THAT(one,
               !ContainsSubstring("hunter2") && !ContainsSubstring("HUNTER2") && !ContainsSubstring("cret,"));
  }
  for (const char* fine : {"password: hunter2 # of pbx1", "password: 'hunter2 #cret'", "password: $5hunter",
                           "password: ${a b}", "password: hunter2#cret"}) {
    INFO(fine);
    CHECK(of(fine).empty());
  }
}
