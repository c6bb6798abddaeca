// What the log says of programs, and what is remembered of those that have gone.
#include "session/client_log.h"

#include <sstream>

#include <spdlog/sinks/ostream_sink.h>

#include "base/log.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::session;
using aribus::test::json;

namespace {

struct LogStage {
  LogStage() {
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
    logger->set_pattern("%l %v");
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger);
  }
  ~LogStage() { spdlog::set_default_logger(before); }

  ClientInfo client(uint64_t id, const std::string& program = "python3") const {
    ClientInfo info{.caller = {.principal = {.id = 1001, .name = "alice", .rule = rule},
                               .peer = {.uid = 1001, .pid = 4711, .socket = "/run/a.sock"},
                               .connection = id},
                    .since = {}};
    info.caller.program = program;
    info.since = wall_now();
    info.subscription = R"({"types":["StasisStart"]})";
    return info;
  }
  // The lines since the last call.
  std::vector<std::string> lines() {
    std::istringstream text(out.str());
    out.str("");
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }
  Json left() const { return json(to_json(log.left())); }

  std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  std::ostringstream out;
  std::shared_ptr<const control::AccessRule> rule =
      std::make_shared<const control::AccessRule>(control::AccessRule{.name = "readers"});
  ClientLog::Time now{std::chrono::hours(1)};
  ClientLog log{[this] { return now; }};
};

const Error no_room{ErrorKind::too_much, "there are 1024 connections already", {}};

}  // namespace

TEST_CASE("who comes and goes is worth a line for debugging alone") {
  LogStage stage;
  stage.log.connected(stage.client(1));
  stage.log.left(stage.client(1), "closed by the program", false);
  CHECK(
      stage.lines() ==
      std::vector<std::string>{
          "debug python3 (pid 4711, user alice) has connected to /run/a.sock under the access rule 'readers'",
          "debug python3 (pid 4711, user alice) has left (closed by the program) after 0 requests and 0 "
          "records"});
  const Json left = stage.left();
  REQUIRE(left.Size() == 1);
  CHECK(find_string(left[0], "program") == "python3");
  CHECK(find_string(left[0], "rule") == "readers");
  CHECK(find_string(left[0], "reason") == "closed by the program");
  CHECK_FALSE(find_string(left[0], "until").empty());
  CHECK(find_string(*find(left[0], "subscription"), "types").empty());
}

TEST_CASE("of those that left without harm, who subscribed, changed something or asked much is remembered") {
  LogStage stage;
  ClientInfo looked = stage.client(1), subscribed = looked, changed = looked, asked = looked;
  for (ClientInfo* client : {&looked, &changed, &asked}) client->subscription.clear();
  looked.requests = 2;
  changed.has_changed = true;
  asked.requests = 1000;
  stage.log.left(looked, "closed by the program", false);
  CHECK(stage.left().Size() == 0);
  for (const ClientInfo& client : {subscribed, changed, asked})
    stage.log.left(client, "closed by the program", false);
  CHECK(stage.left().Size() == 3);
}

TEST_CASE("losses are one line when they begin, and one when they are over") {
  LogStage stage;
  ClientInfo slow = stage.client(7);
  CHECK_FALSE(stage.log.is_news(7, 0));
  for (uint64_t lost = 100; lost <= 1000; lost += 100) {
    slow.lost = lost;
    REQUIRE(stage.log.is_news(7, lost));
    stage.log.losing(slow);
    CHECK_FALSE(stage.log.is_news(7, lost));
    stage.now += std::chrono::seconds(2);
    stage.log.tick();
  }
  const auto begun = stage.lines();
  REQUIRE(begun.size() == 1);
  CHECK(
      begun[0] ==
      R"(warning python3 (pid 4711, user alice) reads too slowly, and has lost 100 records, counted before its filter {"types":["StasisStart"]} so far)");
  stage.now += std::chrono::seconds(61);
  stage.log.tick();
  const auto over = stage.lines();
  REQUIRE(over.size() == 1);
  CHECK(over[0].starts_with("warning python3 (pid 4711, user alice) loses no more records; since "));
  CHECK(over[0].ends_with(" it has lost 1000"));
  CHECK_FALSE(stage.log.is_news(7, 1000));
  slow.lost = 1005;  // another episode
  REQUIRE(stage.log.is_news(7, 1005));
  stage.log.losing(slow);
  CHECK_THAT(stage.lines()[0], ContainsSubstring("has lost 5 records"));
}

TEST_CASE("who was ended for its losses, or went before they were seen, is named") {
  LogStage stage;
  ClientInfo slow = stage.client(7);
  slow.lost = 333;
  stage.log.left(slow, "on_overflow: disconnect", true);
  stage.log.left(slow, "closed by the program", false);
  stage.log.left(stage.client(8), "its rule is gone", true);
  const std::string who = "warning python3 (pid 4711, user alice) ";
  const std::string what = R"(lost 333 records, counted before its filter {"types":["StasisStart"]})";
  CHECK(stage.lines() == std::vector{who + "was disconnected (on_overflow: disconnect), having " + what,
                                     who + "has left; it read too slowly, and " + what,
                                     who + "was disconnected (its rule is gone)"});
}

TEST_CASE("programs that come in a loop fill neither the log nor what is remembered") {
  LogStage stage;
  ClientInfo slow = stage.client(1, "recorder");
  slow.lost = 5;
  stage.log.left(slow, "closed by the program", false);
  CHECK(stage.lines().size() == 1);
  for (int i = 0; i < 10'000; ++i) {
    stage.log.turned_away(stage.client(2 + static_cast<uint64_t>(i)).caller, no_room);
    stage.log.left(stage.client(2 + static_cast<uint64_t>(i)), "closed by the program", false);
    stage.now += std::chrono::milliseconds(1);
  }
  auto lines = stage.lines();
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("debug"); });
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] ==
        "warning python3 (pid 4711, user alice) was turned away on /run/a.sock: there are 1024 connections "
        "already");
  stage.now += std::chrono::seconds(60);
  stage.log.tick();
  CHECK(stage.lines() == std::vector<std::string>{
                             "warning within a minute 9995 more connections were turned away (uid 1001)"});
  const Json left = stage.left();
  CHECK(left.Size() == 1 + 5 + 40);
  CHECK(find_string(left[0], "program") == "recorder");
}

TEST_CASE("refusals are told with their reason, and those of another kind beside them") {
  LogStage stage;
  const control::Caller caller = stage.client(1).caller;
  for (int i = 0; i < 100; ++i)
    stage.log.refused(caller,
                      control::not_allowed("hangup: the access rule 'readers' does not allow it", "readers"));
  stage.log.refused(caller,
                    {ErrorKind::too_much, "64 commands of this connection are under way already", {}});
  const auto lines = stage.lines();
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] ==
        "warning a request of python3 (pid 4711, user alice) was refused: hangup: the access rule 'readers' "
        "does "
        "not allow it");
  CHECK_THAT(lines[5], ContainsSubstring("64 commands"));
  stage.now += std::chrono::seconds(60);
  stage.log.tick();
  CHECK(stage.lines() ==
        std::vector<std::string>{
            "warning within a minute 95 more requests were refused by an access rule (uid 1001)"});
}
