// What the tests with real Asterisks have in common.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/support/asterisk.h"
#include "tests/support/program.h"

namespace aribus::test {

// One parameter of a command.
struct Argument {
  Argument(std::string_view name, std::string_view text);
  Argument(std::string_view name, const char* text) : Argument(name, std::string_view(text)) {}
  Argument(std::string_view name, const std::string& text) : Argument(name, std::string_view(text)) {}
  Argument(std::string_view name, int number) : member(quoted(name) + ":" + std::to_string(number)) {}
  Argument(std::string_view name, bool yes) : member(quoted(name) + (yes ? ":true" : ":false")) {}

  static std::string quoted(std::string_view text);

  std::string member;  // of JSON
};

// A parameter whose value is JSON text.
Argument json_argument(std::string_view name, std::string_view json);

// The parameters as a JSON object.
std::string object(std::initializer_list<Argument> arguments);

// The parameters of a command about `channel`, and `more` members of JSON; of one about a recording.
std::string params(const std::string& channel, const std::string& more = {});
std::string named(const std::string& recording);

// The versions that ARIBUS_ASTERISK_VERSIONS names; throws when it names none.
std::vector<std::string> versions();

// An application of its own for each test, so that no other program's events are seen.
std::string fresh_app();

// An Asterisk, an aribusd on it that holds an application, and a program on its socket.
struct Stage {
  explicit Stage(const std::string& version, bool subscribe_all = false);
  // Hangs up and destroys what is left of the test, and has the application hear of no device any more: when
  // an application that does loses its WebSocket while a device changes, ARI of Asterisk 22.10 stands still
  // for ever (res_stasis_device_state waits for its callback, which waits for the session's lock).
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // An id that no other test has.
  [[nodiscard]] std::string id(const std::string& name) const { return app + "-" + name; }
  // Has the application hear of `source` ("channel:<id>", "bridge:<id>") to its end.
  void subscribe_to(const std::string& source);
  // A channel `id` in the application, the far end of which is `extension` of the dialplan, answered.
  std::string leg(const std::string& id, const std::string& extension = "echo");
  // A bridge `id` with `channels` in it, which the application hears of.
  std::string bridge(const std::string& id, const std::vector<std::string>& channels);
  // Waits for the next SIP call, answers it, and returns its channel.
  std::string answered_call();

  Asterisk asterisk;
  std::string app;
  std::vector<std::string> devices;  // that the application hears of, as event sources
  Daemon daemon;
  Program program;
};

// Runs `act` in a section for each version.
void on_each_version(const std::function<void(const std::string& version)>& act);

}  // namespace aribus::test
