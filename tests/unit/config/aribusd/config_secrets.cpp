// A password that stands at the wrong place of the configuration is repeated nowhere.
#include <cstdlib>
#include <string>
#include <vector>

#include "config/aribusd/config.h"
#include "daemon/reload.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::config;
using namespace aribus::daemon;
using aribus::test::TempDir;

namespace {

// All that is said of a configuration, wherever it goes: log, --check-config, daemon.reload.
std::string said_of(const std::string& text) {
  const TempDir directory;
  const auto config = load_config(directory.write("c.yaml", text));
  std::string said;
  if (config) {
    for (const std::string& warning : config->warnings) said += warning + "\n";
  } else {
    said =
        config.error().message + "\n" + to_json(Reload{.applied = false, .error = config.error()}.result());
  }
  return said;
}

bool shows(const std::string& said, std::string_view secret) {
  return said.find(secret) != std::string::npos;
}

// One Asterisk without a password, with `lines` more.
std::string without_password(const std::string& lines) {
  return "asterisk:\n  - username: aribus\n    apps: [demo]\n" + lines;
}

// Those whose values are names, by design in the log, are not here: name, username, apps.
const char* const keys[] = {"url",
                            "password_file",
                            "password_credential",
                            "password_env",
                            "user",
                            "mode",
                            "on_replaced",
                            "subscribe_all",
                            "rest",
                            "connect_timeout",
                            "request_timeout",
                            "ping_interval",
                            "silence_timeout",
                            "max_connections",
                            "max_response_bytes",
                            "max_message_bytes",
                            "apps",
                            "tls",
                            "reconnect",
                            "listen",
                            "pasword",
                            "passwort_file",
                            "secret"};
const char* const nested[] = {"tls: {ca_file: @}",
                              "tls: {verify_peer: @}",
                              "tls: {verify_host: @}",
                              "tls: {pasword: @}",
                              "reconnect: {first: @}",
                              "reconnect: {max: @}",
                              "reconnect: {stable: @}",
                              "reconnect: {slow: @}",
                              "mode: outbound\n    listen: {address: @}",
                              "mode: outbound\n    listen: {port: @}",
                              "mode: outbound\n    listen: {path: @}",
                              "mode: outbound\n    listen: {tls: @}",
                              "mode: outbound\n    listen: {tls: {certificate_file: @, key_file: @}}",
                              "password: {@: x}",
                              "password: {@}",
                              "password: [@]",
                              "@: x",
                              "password:@: x",
                              "password: x\n    @: 1\n    @: 2",
                              "? {@: x}\n    : y"};

std::string put(std::string text, const std::string& secret) {
  for (size_t at = 0; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, secret);
  return text;
}

}  // namespace

TEST_CASE("a password in the place of any other value is not repeated") {
  for (const std::string secret : {"hunter2", "Hunter_2!", "HUNTER2", "/hunter2", "hunter2/x", "-2hunter2"}) {
    for (const std::string key : keys) {
      for (const std::string& value :
           {secret, "'" + secret + "'", "[" + secret + "]", "{" + secret + ": 1}"}) {
        const std::string text = without_password("    " + key + ": " + value + "\n");
        INFO(text << said_of(text));
        CHECK_FALSE(shows(said_of(text), secret));
      }
    }
    for (const std::string entry : nested) {
      const std::string text = without_password("    " + put(entry, secret) + "\n");
      INFO(text << said_of(text));
      CHECK_FALSE(shows(said_of(text), secret));
    }
    for (const std::string& text :
         {"asterisk: " + secret + "\n", "asterisk: [" + secret + "]\n", secret + "\n", secret + ": x\n",
          "pasword: " + secret + "\n", "password:" + secret + ": x\n",
          "asterisk:\n  - username aribus password " + secret + "\n",
          "asterisk:\n  - {username: a, password:" + secret + ", apps: [x]}\n",
          "asterisk:\n  - {username: a, password: " + secret + ", password_file: /etc/hostname, apps: [x]}\n",
          secret + ": {a: b}\nasterisk: []\n"}) {
      INFO(text << said_of(text));
      CHECK_FALSE(shows(said_of(text), secret));
    }
  }
}

TEST_CASE("a password that YAML takes for something else is not repeated") {
  for (const char* sign :
       {"*", "&", "!", "!!", "%", "@", "`", "|", ">", "\"", "'", "{", "[", "\"\\q", "- ", "? ", ": "}) {
    for (const char* behind : {"", ": x", "]", "}"}) {
      const std::string text =
          without_password("    password: " + std::string(sign) + "hunter2" + behind + "\n");
      INFO(text << said_of(text));
      CHECK_FALSE(shows(said_of(text), "hunter2"));
    }
  }
}

TEST_CASE("a password in a url is not repeated") {
  for (const char* url : {"hunter2", "http://u:hunter2@h", "http://h?api_key=u:hunter2",
                          "http://h/ari/events;api_key=u:hunter2", "http://h/api_key=u:hunter2",
                          "http://h/u%3Ahunter2", "http://h:hunter2", "http://u:hunter2", "http://[hunter2",
                          "http://[::1]hunter2", "http://h/#hunter2", "http:// hunter2", "http:hunter2",
                          "api_key=u:hunter2", "http://h&hunter2", "http://api_key=hunter2/"}) {
    const std::string text = without_password("    password: x\n    url: '" + std::string(url) + "'\n");
    INFO(text << said_of(text));
    CHECK_THAT(said_of(text), ContainsSubstring("asterisk[0].url"));
    CHECK_FALSE(shows(said_of(text), "hunter2"));
  }
}

TEST_CASE("what is no secret is named where it helps") {
  const TempDir directory;
  const std::string missing = directory.path("ari.secret");
  CHECK(shows(said_of(without_password("    password_file: " + missing + "\n")), missing));
  CHECK(shows(said_of(without_password("    password: x\n    tls: {ca_file: " + missing + "}\n")), missing));
  CHECK(shows(said_of(without_password("    password: x\n    urll: http://h\n")), "asterisk[0].urll"));
}
