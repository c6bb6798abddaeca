// lib/ari alone, typed, on real Asterisks.
#include <algorithm>
#include <optional>

#include "ari/generated/events.h"
#include "ari/generated/operations.h"
#include "tests/call/stage.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// Turns `loop` until `done()`; false when that takes longer than 10 s.
bool pump(Loop& loop, const std::function<bool()>& done) {
  bool expired = false;
  Timer timer(loop);
  timer.once(std::chrono::seconds(10), [&] { expired = true; });
  while (!done() && !expired) uv_run(loop.raw(), UV_RUN_ONCE);
  return done();
}

}  // namespace

TEST_CASE("a call is made, followed and ended with typed operations and events", "[call]") {
  on_each_version([](const std::string& version) {
    const Server server = Asterisk::running(version).server(fresh_app());
    Loop loop;
    ari::ClientOptions options;
    options.url = server.url;
    options.username = server.username;
    options.password = server.password;
    options.apps = server.apps;
    std::vector<ari::AnyEvent> events;
    ari::Client::Handlers handlers;
    handlers.message = [&](std::string_view text, size_t) {
      auto event = ari::parse_event(text);
      INFO(text);
      REQUIRE(event.ok());
      REQUIRE_FALSE(std::holds_alternative<ari::UnknownEvent>(*event));
      events.push_back(std::move(*event));
    };
    const auto client = ari::Client::make(loop, options, handlers);
    REQUIRE(client.ok());
    ari::Client& asterisk = **client;
    asterisk.connect();
    REQUIRE(pump(loop, [&] { return asterisk.is_connected(); }));

    ari::ChannelsOriginate params;
    params.endpoint = "Local/answer@default";
    params.app = server.apps[0];
    params.appArgs = "a,b";
    params.channelId = server.apps[0] + "-leg";
    params.variables = ari::JsonText{R"({"COLOUR":"blue"})"};
    std::optional<Result<ari::Channel>> channel;
    asterisk.channels().originate(params, [&](auto got) { channel = std::move(got); });
    const auto find_start = [&]() -> const ari::StasisStart* {
      for (const auto& event : events) {
        if (const auto* start = std::get_if<ari::StasisStart>(&event)) return start;
      }
      return nullptr;
    };
    REQUIRE(pump(loop, [&] { return channel && find_start() != nullptr; }));
    REQUIRE(channel->ok());
    const ari::StasisStart start = *find_start();
    CHECK(start.channel.id == *params.channelId);
    CHECK(start.channel.state.value() == ari::ChannelState::up);
    CHECK(start.args == std::vector<std::string>{"a", "b"});

    std::optional<Result<ari::Variable>> variable;
    asterisk.channels().getChannelVar({start.channel.id, "COLOUR"}, [&](auto got) { variable = got; });
    REQUIRE(pump(loop, [&] { return variable.has_value(); }));
    REQUIRE(variable->ok());
    CHECK((*variable)->value == "blue");

    std::optional<Result<void>> ended;
    ari::ChannelsHangup hangup;
    hangup.channelId = start.channel.id;
    hangup.reason = "busy";
    asterisk.channels().hangup(hangup, [&](auto got) { ended = got; });
    const auto destroyed = [&] {
      return std::ranges::any_of(events, [&](const auto& event) {
        const auto* end = std::get_if<ari::ChannelDestroyed>(&event);
        return end != nullptr && end->channel.id == start.channel.id && end->cause == 17;
      });
    };
    CHECK(pump(loop, [&] { return ended && destroyed(); }));
    CHECK(ended->ok());

    std::optional<Result<ari::Channel>> gone;
    asterisk.channels().get(start.channel.id, [&](auto got) { gone = std::move(got); });
    REQUIRE(pump(loop, [&] { return gone.has_value(); }));
    CHECK(gone->error().kind == ErrorKind::refused);
  });
}
