// Each mistake that a configuration can have is told with line, column, key, cause and cure, in these words.
#include "config/aribusd/config.h"
#include "tests/catch.h"
#include "tests/unit/config/aribusd/texts.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::mistakes_in;
using aribus::test::TempDir;
using aribus::test::with;

namespace {

// The same with two sockets and these rules of access.
std::string with_rules(const std::vector<std::string>& rules) {
  std::string text = with("sockets:\n  - path: /tmp/a\n  - path: /tmp/b\naccess:\n");
  for (const std::string& rule : rules) text += "  - {" + rule + "}\n";
  return text;
}

struct Mistake {
  std::string config;
  std::string told;  // each line without the file's name
};
const Mistake mistakes[] = {
    {"- a\n", ":1:1: a mapping of keys is expected, not a list"},
    {"asterisk: yes\n", ":1:11: asterisk: a list is expected, as [a, b], not a text"},
    {"asterisk: []\n", ":1:11: asterisk: at least one server is expected"},
    {"asterisk: [x]\n", ":1:12: asterisk[0]: a mapping of keys is expected, not a text"},
    {"bus: {}\n", ":1:1: asterisk: missing; it lists the servers to connect to"},
    {"just words\n", ":1:1: a mapping of keys is expected, not a text"},
    {with("    usrname: x\n"),
     ":5:5: asterisk[0].usrname: no such key; did you mean 'username'? (known: name, url, username, "
     "password, password_file, password_env, password_credential, user, apps, mode, listen, on_replaced, "
     "subscribe_all, tls, reconnect, rest, connect_timeout, request_timeout, ping_interval, silence_timeout, "
     "max_connections, max_response_bytes, max_message_bytes)"},
    {with("buss: {}\n"),
     ":5:1: buss: no such key; did you mean 'bus'? (known: asterisk, sockets, web, access, groups, bus, "
     "limits, metrics, logging)"},
    {with("    ? [a]\n    : b\n"), ":5:7: asterisk[0]: a plain key is expected, not a list"},
    {with("bus: {}\nbus: {}\n"), ":6:1: bus: this key is given twice, in line 5 already; leave one out"},
    {with("    username: other\n"),
     ":5:5: asterisk[0]: username: this key is given twice, in line 2 already; leave one out"},
    {"asterisk:\n  - {password: x, apps: [a]}\n",
     ":2:5: asterisk[0]: username: missing; it is the name of a [user] section of Asterisk's ari.conf"},
    {"asterisk:\n  - {username: u, apps: [a]}\n",
     ":2:5: asterisk[0]: no password; one of password_file, password_credential, password_env and password "
     "is expected"},
    {"asterisk:\n  - {username: u, password: x, password_env: Y_NOT_SET, apps: [a]}\n",
     ":2:5: asterisk[0]: more than one password; one of password_file, password_credential, password_env and "
     "password is expected\n:2:46: asterisk[0].password_env: the environment variable that it names is not "
     "set"},
    {"asterisk:\n  - {username: u, password_file: /nonexistent/secret, apps: [a]}\n",
     ":2:34: asterisk[0].password_file: the password can't be read from the file that it names: No such file "
     "or "
     "directory; the file must be there, and the daemon's user must be able to read it"},
    {"asterisk:\n  - {username: u, password_file: /tmp, apps: [a]}\n",
     ":2:34: asterisk[0].password_file: /tmp is a folder; the name of a file is expected"},
    {"asterisk:\n  - {username: u, password_file: /dev/null, apps: [a]}\n",
     ":2:34: asterisk[0].password_file: the first line of /dev/null is empty; the password is expected "
     "there"},
    {"asterisk:\n  - {username: u, password_credential: ari, apps: [a]}\n",
     ":2:40: asterisk[0].password_credential: there are no systemd credentials; the unit needs "
     "LoadCredential=, with the name that is here"},
    {"asterisk:\n  - {username: u, password: [x], apps: [a]}\n",
     ":2:29: asterisk[0].password: a text is expected, not a list"},
    {"asterisk:\n  - {username: 'a:b', password: x, apps: [a]}\n",
     ":2:16: asterisk[0].username: a name without a colon is expected (RFC 7617: what follows it is the "
     "password)"},
    {"asterisk:\n  - {username: u, password: x}\n",
     ":2:5: asterisk[0]: apps: missing; the dialplan names them: Stasis(name)"},
    {"asterisk:\n  - {username: u, password: x, apps: []}\n",
     ":2:38: asterisk[0].apps: at least one application is expected"},
    {"asterisk:\n  - {username: u, password: x, apps: demo}\n",
     ":2:38: asterisk[0].apps: a list is expected, as [a, b], not a text"},
    {"asterisk:\n  - {username: u, password: x, apps: ['a,b']}\n",
     ":2:39: asterisk[0].apps[0]: the name of one application, without a comma, is expected"},
    {with("    url: pbx\n"),
     ":5:10: asterisk[0].url: url: it does not begin with http:// or https:// (expected "
     "http://host:8088)"},
    {with("    url: http://u:hunter2@pbx\n"),
     ":5:10: asterisk[0].url: url: user and password have keys of their own and don't belong in it"},
    {with("    url: http://pbx:99999\n"),
     ":5:10: asterisk[0].url: url: its port is no number from 1 to 65535 (expected "
     "http://host:8088)"},
    {with("    url: ftp://pbx\n"),
     ":5:10: asterisk[0].url: url: it does not begin with http:// or https:// (expected "
     "http://host:8088)"},
    {with("    subscribe_all: yes\n"),
     ":5:20: asterisk[0].subscribe_all: true or false is expected; write true, in small letters"},
    {with("    subscribe_all: 'False'\n"),
     ":5:20: asterisk[0].subscribe_all: true or false is expected; write false, in small letters"},
    {with("    name: \"\"\n"), ":5:11: asterisk[0].name: a text that is not empty is expected"},
    {with("    name: \"a\\nb\"\n"),
     ":5:11: asterisk[0].name: a text in one line, without control characters, is expected"},
    {with("    max_connections: many\n"),
     ":5:22: asterisk[0].max_connections: a whole number from 1 to 2147483647 is expected"},
    {with("    max_connections: 0\n"),
     ":5:22: asterisk[0].max_connections: a whole number from 1 to 2147483647 is expected"},
    {with("    request_timeout: 10\n"),
     ":5:22: asterisk[0].request_timeout: a duration with its unit (ms, s or min), as 10s, is expected"},
    {with("    request_timeout: 10sec\n"),
     ":5:22: asterisk[0].request_timeout: a duration with its unit (ms, s or min), as 10s, is expected"},
    {with("    silence_timeout: 28801min\n"),
     ":5:22: asterisk[0].silence_timeout: a duration of at most 28800min is expected"},
    {with("    ping_interval: 10s\n"),
     ":2:5: asterisk[0]: silence_timeout: longer than ping_interval is expected, or every quiet connection "
     "is closed as dead"},
    {with("    reconnect: {first: 10s}\n"),
     ":5:16: asterisk[0].reconnect: first: at most as long as max is expected"},
    {with("    rest: websockets\n"),
     ":5:11: asterisk[0].rest: one of http, auto, websocket is expected; did you mean "
     "'websocket'?"},
    {with("    on_replaced: reclame\n"), ":5:18: asterisk[0].on_replaced: report or reclaim is expected"},
    {with("    mode: outbond\n"), ":5:11: asterisk[0].mode: inbound or outbound is expected"},
    {with("    listen: {port: 8765}\n"), ":5:13: asterisk[0].listen: mode: outbound is expected with it"},
    {with("    mode: outbound\n    listen: {port: 65536}\n"),
     ":6:20: asterisk[0].listen.port: a whole number from 1 to 65535 is expected"},
    {with("    mode: outbound\n    listen: {address: localhost, path: ari}\n"),
     ":6:23: asterisk[0].listen.address: an address in figures is expected, as 0.0.0.0 or ::1\n:6:40: "
     "asterisk[0].listen.path: the path of a URL is expected, as /ari"},
    {with("    mode: outbound\n    on_replaced: reclaim\n"),
     ":6:18: asterisk[0].on_replaced: report is expected with mode: outbound, where nothing can be taken "
     "back"},
    {with("    mode: outbound\n    listen: {tls: {certificate_file: /nonexistent.pem}}\n"),
     ":6:19: asterisk[0].listen.tls: key_file: missing; it is the certificate's\n:6:38: "
     "asterisk[0].listen.tls.certificate_file: the file that it names can't be read: No such file or "
     "directory; it must be there, and the daemon's user must be able to read it"},
    {with("    tls: {ca_file: /nonexistent/ca.pem}\n"),
     ":5:20: asterisk[0].tls.ca_file: the file that it names can't be read: No such file or directory; "
     "it must be there, and the daemon's user must be able to read it"},
    {with("    tls: {verify: no}\n"),
     ":5:11: asterisk[0].tls.verify: no such key (known: ca_file, verify_peer, verify_host)"},
    {with("  - {username: u, password: s, apps: [a]}\n"),
     ":5:5: asterisk[1]: name: 'asterisk' is the name of another server already; each has its own"},
    {with("sockets: []\n"), ":5:10: sockets: at least one socket is expected"},
    {with("sockets:\n  - mode: \"0660\"\n"), ":6:5: sockets[0]: path: missing; it is where programs connect"},
    {with("sockets:\n  - {path: /tmp/x, mode: 0o660}\n"),
     ":6:26: sockets[0].mode: a mode in octal digits, as \"0660\", is expected, not '0o660'"},
    {with("sockets:\n  - {path: /tmp/x, mode: rw-rw----}\n"),
     ":6:26: sockets[0].mode: a mode in octal digits, as \"0660\", is expected, not 'rw-rw----'"},
    {with("sockets: [{path: /tmp/x}, {path: /tmp/x}]\n"),
     ":5:34: sockets[1].path: it is the file of sockets[0].path as well; each needs its own"},
    {with("sockets: [{path: "
          "/tmp/"
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
          "xxxxxxxxxxxx}]\n"),
     ":5:18: sockets[0].path: a path of at most 107 bytes is expected, not one of 115"},
    {with("sockets: [{path: /tmp/x, group: no-such-group}]\n"),
     ":5:33: sockets[0].group: there is no group 'no-such-group'; create it, or name another"},
    {with("sockets: [{path: /tmp/x, owner: no-such-user}]\n"),
     ":5:33: sockets[0].owner: there is no user 'no-such-user'; create it, or name another"},
    {with("bus: {ring_bytes: 64MB}\n"),
     ":5:19: bus.ring_bytes: a size with its unit (B, KiB, MiB or GiB), as 64MiB, is expected, not '64MB'"},
    {with("bus: {ring_bytes: 1KiB}\n"), ":5:19: bus.ring_bytes: at least 64KiB is expected"},
    {with("bus: {ring_bytes: 65GiB}\n"), ":5:19: bus.ring_bytes: at most 64GiB is expected"},
    {with("bus: {path: bus.log}\n"), ":5:13: bus.path: an absolute path is expected"},
    {with("limits: {batch: -1}\n"),
     ":5:17: limits.batch: a whole number from 1 to 2147483647 is expected, not '-1'"},
    {with("logging: {level: inf}\n"),
     ":5:18: logging.level: one of trace, debug, info, warning, error, off is expected, not 'inf'; did you "
     "mean 'info'?"},
    {with("logging: {audit: 1}\n"), ":5:18: logging.audit: true or false is expected, not '1'"},
    {with("logging: {audit: {methods: []}}\n"),
     ":5:28: logging.audit.methods: at least one is expected; to log none, say audit: false"},
    {with("logging: {audit: {methods: [chanels.*]}}\n"),
     ":5:29: logging.audit.methods[0]: no method matches 'chanels.*'; did you mean 'channels.*'? "
     "(read, control, admin, or globs of methods are expected)"},
    {with("logging: {audit: {exclude: [state.*]}}\n"),
     ":5:29: logging.audit.exclude[0]: 'state.*' names only methods that change nothing, which are in no "
     "audit"},
    {with("access: []\n"), ":5:9: access: at least one rule is expected, or nobody may do anything"},
    {with_rules({"methods: [read]"}),
     ":9:5: access[0]: name: missing; refusals and the log name the rule by it"},
    {with_rules({"name: a"}),
     ":9:5: access[0]: methods: missing; it lists what the rule allows: read, control, admin, or globs of "
     "methods"},
    {with_rules({"name: a, methods: read"}),
     ":9:24: access[0].methods: a list is expected, as [read], not 'read'"},
    {with_rules({"name: a, methods: [raed]"}),
     ":9:25: access[0].methods[0]: no method matches 'raed'; did you mean 'read'? (read, control, admin, or "
     "globs of methods are expected)"},
    {with_rules({"name: a, methods: ['chanels.*']"}),
     ":9:25: access[0].methods[0]: no method matches 'chanels.*'; did you mean 'channels.*'? (read, control, "
     "admin, or globs of methods are expected)"},
    {with_rules({"name: a, methods: [channels.hangp]"}),
     ":9:25: access[0].methods[0]: no method matches 'channels.hangp'; did you mean 'channels.hangup'? "
     "(read, control, admin, or globs of methods are expected)"},
    {with_rules({"name: a, users: [], methods: [read]"}),
     ":9:22: access[0].users: at least one is expected; without this key the rule applies to every user"},
    {with_rules({"name: a, users: [no-such-user], methods: [read]"}),
     ":9:23: access[0].users[0]: there is no user 'no-such-user'; create it, or name another"},
    {with_rules({"name: a, groups: [no-such-group], methods: [read]"}),
     ":9:24: access[0].groups[0]: there is no group 'no-such-group'; create it, or name another"},
    {with_rules({"name: a, sockets: [/tmp/c], methods: [read]"}),
     ":9:25: access[0].sockets[0]: no socket has the path '/tmp/c'; did you mean '/tmp/a'? (there are "
     "/tmp/a, /tmp/b)"},
    {with_rules({"name: a, methods: [read], functions: ['SHELL()']"}),
     ":9:44: access[0].functions[0]: the name of a dialplan function alone, or a glob, is expected, as "
     "PJSIP_*, not 'SHELL()'"},
    {with_rules({"name: a, methods: [read], connections: 0"}),
     ":9:45: access[0].connections: a whole number from 1 to 2147483647 is expected, not '0'"},
    {with_rules({"name: a, methods: [read], commands_per_second: 1.5"}),
     ":9:53: access[0].commands_per_second: a whole number from 1 to 2147483647 is expected, not '1.5'"},
    {with_rules({"name: a, methods: [read], apps: []"}),
     ":9:38: access[0].apps: at least one is expected; without this key the rule allows all applications"},
    {with_rules({"name: a, methods: [read], bound_commands: true"}),
     ":9:48: access[0].bound_commands: the rule names no application, so its commands would reach nothing; "
     "list "
     "its applications in apps, or leave bound_commands out"},
    {with_rules({"name: a, methods: [read], apps: [''], bound_commands: true"}),
     ":9:60: access[0].bound_commands: the rule names no application, so its commands would reach nothing; "
     "list "
     "its applications in apps, or leave bound_commands out"},
    {with_rules({"name: a, methods: [read], apps: [b], bound_commands: true, contexts: []"}),
     ":9:75: access[0].contexts: at least one is expected; without this key the rule allows no place in the "
     "dialplan"},
    {with_rules({"name: a, methods: [control], call_groups: []"}),
     ":9:48: access[0].call_groups: at least one is expected; without this key the rule may join every "
     "worker "
     "group"},
    {with_rules({"name: a, methods: [read]", "name: b, users: [root], methods: [admin]"}),
     ":10:5: access[1]: the rule 'b' never applies: 'a' comes first and matches every connection that it "
     "matches; put it before that one"},
    {with_rules({"name: a, users: [root], methods: [read]", "name: a, methods: [read]"}),
     ":10:5: access[1]: name: 'a' is the name of another rule already; each has its own"},
    {with_rules({"name: a, users: [root, nobody], sockets: [/tmp/a], methods: [read]",
                 "name: b, users: [nobody], sockets: [/tmp/a], methods: [admin]"}),
     ":10:5: access[1]: the rule 'b' never applies: 'a' comes first and matches every connection that it "
     "matches; put it before that one"},
    {with_rules({"name: a, alow: [read], methods: [read]"}),
     ":9:15: access[0].alow: no such key (known: name, users, groups, sockets, methods, exclude_methods, "
     "functions, types, exclude_types, apps, bound_commands, contexts, call_groups, connections, "
     "commands_per_second)"},
    {"asterisk:\n  - name: [x\n",
     ":3:1: no YAML: end of sequence flow not found; is a bracket, a brace or a quote not closed?"},
    {"a: b: c\n",
     ":1:5: no YAML: illegal map value; a value with ': ' in it needs quotes, and a key a line of its own"},
    {"asterisk:\n\t- x\n", ":2:1: a tab; lines are indented with spaces"},
    {with("bus:\n\tring_bytes: 64MiB\n"), ":6:1: a tab; lines are indented with spaces"},
    {"asterisk: \"abc\n", ":1:11: the quote that begins here is not closed"},
    {"asterisk:\n  - username: aribus\n    password: s3cret\n    apps: [demo]\n---\nasterisk:\n  - username: "
     "aribus\n    password: s3cret\n    apps: [demo]\n",
     ":5:1: a second document; one is expected: is there a line '---', or a comma too many?"},
    {"asterisk: @x\n",
     ":1:11: no YAML: unknown token; look at the indentation, the quotes and the brackets here and in the "
     "line above"},
    {with("   name: x\n"),
     ":5:4: no YAML: end of sequence not found; is the indentation of this line wrong? Keys of one section "
     "begin in the same column, here none does in column 4"},
    {with("      name: x\n"),
     ":5:7: no YAML: end of map not found; is the indentation of this line wrong? Keys of one section begin "
     "in "
     "the same column, here none does in column 7"},
    {"asterisk:\n  - username: a\n     password: x\n",
     ":3:14: no YAML: illegal map value; is this line indented more than the one above, which has a value "
     "already? Keys of one section begin in the same column"},
    {"asterisk\n  - username: a\n",
     ":1:1: no YAML: a colon is missing in this line; 'key:' or 'key: value' is expected"},
    {"# s\nasterisk:\n  - username a  # s\n\n    password: x\n",
     ":3:5: no YAML: a colon is missing in this line; 'key:' or 'key: value' is expected"},
    {"asterisk:\n  - username:a\n    password: x\n",
     ":2:5: no YAML: a blank is missing behind the colon; 'key: value' is expected"},
    {with("logging:\n  level: \"info\n"), ":6:10: the quote that begins here is not closed"},
    {with("    name: 'it''s\nbus: {}\n"), ":5:11: the quote that begins here is not closed"},
    {with("logging:\n  level: \"info\\\"\n"), ":6:10: the quote that begins here is not closed"},
    {with("    name: \"x\" y\n"),
     ":5:15: no YAML: end of map not found; something follows a value that has ended: is there a quote too "
     "many, or a comma missing?"},
    {with("logging: {level: warn}\n"),
     ":5:18: logging.level: one of trace, debug, info, warning, error, off is expected, not 'warn'; did you "
     "mean 'warning'?"},
    {"%YAML 9\n",
     ":1:1: no YAML: bad YAML version; look at the indentation, the quotes and the brackets here and in "
     "the line above"},
    {"asterisk: {a: b\n",
     ":2:1: no YAML: end of map flow not found; is a bracket, a brace or a quote not closed?"},
};

}  // namespace

TEST_CASE("each mistake is told in these words") {
  REQUIRE(std::size(mistakes) >= 40);
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.config);
    CHECK(mistakes_in(mistake.config) == mistake.told);
  }
}

TEST_CASE("all mistakes are told at once, in the order of their places") {
  CHECK(mistakes_in(R"(bus: {ring_bytes: 1KiB}
logging: {level: loud, adit: true}
asterisk:
  - username: a
    pasword: s3cret
    apps: []
  - {username: b, password: c, apps: [d], rest: fast, ping_interval: 1}
sockets: [{path: /tmp/x, mode: all}]
)") == R"(:1:19: bus.ring_bytes: at least 64KiB is expected
:2:18: logging.level: one of trace, debug, info, warning, error, off is expected, not 'loud'
:2:24: logging.adit: no such key; did you mean 'audit'? (known: level, audit)
:4:5: asterisk[0]: no password; one of password_file, password_credential, password_env and password is expected
:5:5: asterisk[0].pasword: no such key; did you mean 'password'? (known: name, url, username, password, password_file, password_env, password_credential, user, apps, mode, listen, on_replaced, subscribe_all, tls, reconnect, rest, connect_timeout, request_timeout, ping_interval, silence_timeout, max_connections, max_response_bytes, max_message_bytes)
:6:11: asterisk[0].apps: at least one application is expected
:7:5: asterisk[1]: name: 'asterisk' is the name of another server already; each has its own
:7:49: asterisk[1].rest: one of http, auto, websocket is expected
:7:70: asterisk[1].ping_interval: a duration with its unit (ms, s or min), as 10s, is expected
:8:32: sockets[0].mode: a mode in octal digits, as "0660", is expected, not 'all')");
}

TEST_CASE("of very many mistakes the first hundred are told, and how many more there are") {
  std::string text = with("");
  for (int i = 0; i < 150; ++i) text += "key" + std::to_string(i) + ": x\n";
  CHECK_THAT(mistakes_in(text), Catch::Matchers::EndsWith("and 50 more"));
}

TEST_CASE("what is no configuration at all is refused") {
  CHECK_THAT(mistakes_in(std::string(2000, '[')), ContainsSubstring("no YAML"));  // nested too deep
  // yaml-cpp 0.8 names the anchor, 0.7 does not.
  CHECK_THAT(mistakes_in("asterisk: *nobody\n"),
             ContainsSubstring(":1:11: no YAML: the referenced anchor is not defined"));
  CHECK_THAT(mistakes_in(", x: y\n"),
             ContainsSubstring("a comma too many"));  // yaml-cpp reads it as documents without end
  const TempDir directory;
  CHECK_THAT(load_config(directory.path("")).error().message,
             Catch::Matchers::EndsWith("it is a folder; a file is expected"));
  CHECK_THAT(load_config("/dev/zero").error().message, ContainsSubstring("larger than 1 MiB"));
}

TEST_CASE("what is long or odd is told in one short line") {
  CHECK(mistakes_in(with("logging: {level: \"" + std::string(1000, 'x') + "\"}\n")).size() < 250);
  CHECK_THAT(mistakes_in(with("limits: {batch: \"a\\n:1:1: b\"}\n")), !ContainsSubstring("\n"));
}

TEST_CASE("a mistake in a rule is not taken for another one") {
  // The user that is unknown might have been the only one.
  CHECK(mistakes_in(
            with_rules({"name: a, users: [no-such-user], methods: [read]", "name: b, methods: [read]"})) ==
        ":9:23: access[0].users[0]: there is no user 'no-such-user'; create it, or name another");
}
