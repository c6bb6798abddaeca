// Two clients that want the same application.
#include <chrono>

#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// A daemon that has the application, until `other`, made by take(), takes it.
struct ReplacedStage {
  explicit ReplacedStage(const std::string& more = {}) : server(simulator.server()) {
    server.more = more;
    daemon = std::make_unique<Daemon>(std::vector<Server>{server});
    daemon->wait_ready();
    program = std::make_unique<Program>(daemon->connect());
  }
  void take() { other = std::make_unique<Daemon>(std::vector<Server>{simulator.server()}); }
  void call() const {
    simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
  }
  [[nodiscard]] Json status() const { return program->call("status"); }
  // Waits for the record of it, and until all is known again.
  void expect_back() const {
    program->expect("server.gap", [](const JsonValue& record) {
      return text_at(record, "reason") == "another client had the application demo";
    });
    program->expect("server.resynced");
    const Json now = status();
    CHECK(text_at(now["servers"][0], "state") == "ready");
    CHECK(now["servers"][0]["replaced"].Empty());
  }

  Simulator simulator;
  Server server;
  std::unique_ptr<Daemon> daemon;
  std::unique_ptr<Daemon> other;
  std::unique_ptr<Program> program;
};

}  // namespace

TEST_CASE("an application that is taken is reported, left alone, and taken back when a program says so") {
  ReplacedStage stage;
  CHECK(stage.program->call("reclaim").IsNull());  // nothing is taken: it connects anew all the same
  stage.program->expect("server.resynced");
  stage.take();
  CHECK(text_at(stage.program->expect("ApplicationReplaced"), "app") == "demo");
  CHECK(text_at(stage.program->expect("server.replaced"), "app") == "demo");
  const Json status = stage.status();
  const JsonValue& server = status["servers"][0];
  CHECK(server["connected"].GetBool());
  CHECK(text_at(server, "state") == "replaced");
  REQUIRE(server["replaced"].Size() == 1);
  CHECK(as_view(server["replaced"][0]) == "demo");
  CHECK_THAT(stage.daemon->log(), ContainsSubstring("another client has taken over the application 'demo'"));

  Program others(stage.other->connect());
  stage.call();
  others.expect("StasisStart");
  CHECK(stage.program->call("channels.list").Size() == 1);  // commands go on

  CHECK(stage.program->call("reclaim").IsNull());
  others.expect("server.replaced");
  stage.expect_back();
  CHECK(stage.program->expect("StasisStart")["synthetic"].GetBool());  // what it missed is told
  stage.call();
  stage.program->expect("StasisStart");
  CHECK(text_at(stage.status()["servers"][0], "reason").empty());
}

TEST_CASE("an application is reclaimed at once, and not fought over") {
  ReplacedStage stage("    on_replaced: reclaim\n");
  stage.take();
  Program others(stage.other->connect());
  stage.program->expect("server.replaced");
  stage.expect_back();

  const auto began = std::chrono::steady_clock::now();
  CHECK(others.call("reclaim").IsNull());  // it has been taken from this one at once
  stage.program->expect("server.replaced");
  stage.expect_back();
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(2500));  // and up to 5 s
}

TEST_CASE("an application comes back by itself when the other client has gone") {
  ReplacedStage stage;
  stage.take();
  stage.program->expect("server.replaced");
  CHECK(stage.other->stop() == 0);
  stage.expect_back();
  stage.call();
  stage.program->expect("StasisStart");
}
