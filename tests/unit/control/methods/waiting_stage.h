// A dispatcher of one Asterisk, for tests of commands that wait for events.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/dispatcher.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"
#include "tests/unit/pbx/test_server.h"

namespace aribus::test {

// The test gives the answers and events of the Asterisk.
struct WaitingStage {
  Loop loop;
  FakeAsterisk asterisk{loop, behave_well};
  control::Dispatcher dispatcher{asterisk_methods()};
  TestServer server;
  std::vector<FakeAsterisk::Peer*> waiting;  // for an HTTP answer
  std::optional<Result<std::string>> answer;
  bool reached = false;

  explicit WaitingStage(std::vector<std::string> apps = {"demo"})
      : server(loop, client_options(asterisk.url(), std::move(apps))) {
    dispatcher.add_server(server);
    server.connect_to(loop, asterisk);
    asterisk.set_script([this](auto& peer, auto&) { waiting.push_back(&peer); });
  }
  void call(const std::string& method, std::string_view params) {
    answer.reset();
    dispatcher.call(a_caller(), method, json(params),
                    [this](const Result<pbx::ResultText>& got) { answer = text_of(got); },
                    {.on_accepted = [this] { reached = true; }});
  }
  // Has Asterisk answer the request under way.
  void respond(int status, std::string_view body) {
    REQUIRE(pump(loop, [&] { return !waiting.empty(); }));
    waiting.front()->answer(status, body);
    waiting.clear();
    REQUIRE(pump(loop, [&] { return server.client().open_requests() == 0 || !waiting.empty(); }));
  }
  void event(const std::string& text) { server.event(text); }
  size_t waiters() { return server.waiters().size(); }
  // Another client takes the application over.
  void lose_application() {
    asterisk.websocket()->text(R"({"type":"ApplicationReplaced","application":"demo"})");
    REQUIRE(pump(loop, [&] { return !server.hears("demo"); }));
  }
};

inline constexpr auto originate = R"({"endpoint":"PJSIP/100","channelId":"c1","wait":"answer"})";

inline std::string playback(const std::string& id, const std::string& state) {
  return R"({"id":")" + id +
         R"(","media_uri":"sound:x","target_uri":"channel:c1","language":"en","state":")" + state + "\"}";
}

inline std::string channel_event(const std::string& type, const std::string& made) {
  return R"({"type":")" + type + R"(","application":"demo","args":[],"cause":16,"cause_txt":"x","channel":)" +
         R"({"id":"c1","name":"x","state":"Up","creationtime":")" + made + "\"}}";
}
inline std::string media_event(const std::string& type, const std::string& media, const std::string& field) {
  const bool plays = field == "playback";
  return R"({"type":")" + type + R"(","application":"demo",")" + field + R"(":{")" + (plays ? "id" : "name") +
         R"(":"m1",")" + (plays ? "media_uri" : "format") + R"(":")" + media +
         R"(","target_uri":"channel:c1","state":"done"}})";
}

inline constexpr auto earlier = "2026-11-22T21:46:17.690+0000";
inline constexpr auto later = "2026-11-22T21:46:17.999+0000";

}  // namespace aribus::test
