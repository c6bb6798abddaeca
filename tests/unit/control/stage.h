// A dispatcher of one Asterisk, whose answers and events the test gives.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/dispatcher.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"
#include "tests/unit/pbx/test_server.h"

namespace aribus::test {

struct ControlStage {
  Loop loop;
  FakeAsterisk asterisk{loop, behave_well};
  control::Dispatcher dispatcher{asterisk_methods()};
  TestServer server{loop, client_options(asterisk.url(), {"demo"})};
  std::deque<FakeAsterisk::Peer*> waiting;  // for an HTTP answer
  std::optional<Result<std::string>> answer;

  ControlStage() {
    dispatcher.add_server(server);
    server.connect_to(loop, asterisk);
    asterisk.set_script([this](auto& peer, auto&) { waiting.push_back(&peer); });
  }
  void call(const std::string& method, std::string_view params) {
    answer.reset();
    dispatcher.call(a_caller(), method, json(params),
                    [this](const Result<pbx::ResultText>& got) { answer = text_of(got); });
  }
  // The next request, as "GET /ari/channels".
  std::string request() {
    REQUIRE(pump(loop, [&] { return !waiting.empty(); }));
    const std::string& line = asterisk.requests[asterisk.requests.size() - waiting.size()];
    return line.substr(0, line.find(" HTTP/"));
  }
  // Has Asterisk answer it.
  void respond(int status, std::string_view body, std::string_view more_headers = "") {
    request();
    waiting.front()->answer(status, body, more_headers);
    waiting.pop_front();
    const size_t open = server.client().open_requests();
    REQUIRE(pump(loop, [&] { return server.client().open_requests() < open || !waiting.empty() || answer; }));
  }
  void event(const std::string& text) { server.event(text); }
  // An event that shows a channel.
  void channel_event(const std::string& type, const std::string& id, const std::string& created) {
    event(R"({"type":")" + type +
          R"(","application":"demo","args":[],"cause":16,"cause_txt":"x","channel":)" + channel(id, created) +
          "}");
  }
  static std::string channel(const std::string& id, const std::string& created) {
    return R"({"id":")" + id + R"(","name":"x","state":"Up","creationtime":")" + created + "\"}";
  }
  // The error that the command was answered with.
  const Error& error() {
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    REQUIRE_FALSE(answer->ok());
    return answer->error();
  }
  // A member of its data that is a text.
  std::string data(std::string_view name) { return std::string(find_string(json(error().data), name)); }
};

}  // namespace aribus::test
