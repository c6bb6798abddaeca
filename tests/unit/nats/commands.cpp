// Commands of one rule, with a daemon that does what a test has it do.
#include "nats/commands.h"

#include <map>

#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/soon.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using aribus::test::FakeDaemon;
using aribus::test::json;
using aribus::test::soon;
using aribus::test::TempDir;
using std::chrono::milliseconds;

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

std::string id_in(const std::string& line) {
  return to_text(*find(json(line), "id"));
}

// Answers `hello` with that rule.
bool say_hello(FakeDaemon::Peer& peer, const std::string& rule = "control") {
  const auto line = peer.line();
  return line && peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(*line) + R"(,"result":{"rule":")" + rule +
                           R"(","limits":{"request_bytes":1048576}}})" + "\n");
}

struct Stage {
  TempDir folder;
  std::mutex mutex;
  std::map<std::string, std::vector<std::string>> answers;  // by id
  std::optional<FakeDaemon> daemon;
  std::optional<Commands> commands;

  explicit Stage(FakeDaemon::Serve serve, const std::string& rule = "control") {
    if (serve) daemon.emplace(folder.path("socket"), std::move(serve));
    commands.emplace(rule, folder.path("socket"),
                     Commands::Handlers{.answer =
                                            [this](const Asked& asked, std::string_view text) {
                                              const std::lock_guard lock(mutex);
                                              answers[asked.id].emplace_back(text);
                                            },
                                        .changed = [] {}});
  }
  ~Stage() {
    commands.reset();
    daemon.reset();
  }

  void ask(const std::string& id, const std::string& params = "{}",
           std::optional<milliseconds> timeout = std::nullopt) {
    commands->request({"originate", json(params)}, {.id = id, .reply = "inbox"}, timeout);
  }
  size_t answered() {
    const std::lock_guard lock(mutex);
    size_t count = 0;
    for (const auto& [id, texts] : answers) count += texts.size();
    return count;
  }
  // The only answer to the request.
  Json answer(const std::string& id) {
    REQUIRE(soon([&] {
      const std::lock_guard lock(mutex);
      return answers.contains(id);
    }));
    const std::lock_guard lock(mutex);
    CHECK(answers[id].size() == 1);
    return json(answers[id].front());
  }
  int code(const std::string& id) {
    const Json told = answer(id);
    const JsonValue* error = find(told, "error");
    return error == nullptr ? 0 : find(*error, "code")->GetInt();
  }
  std::string message(const std::string& id) {
    const Json told = answer(id);
    return std::string(find_string(*find(told, "error"), "message"));
  }
  [[nodiscard]] bool is_connected() {
    return soon([&] { return commands->is_connected(); });
  }
};

}  // namespace

TEST_CASE("each program gets its own answer, whatever the ids") {
  Stage stage([](FakeDaemon::Peer& peer) {
    if (!say_hello(peer)) return;
    std::vector<std::string> lines;
    while (lines.size() < 2) lines.push_back(peer.line().value_or("{}"));
    for (size_t i = 2; i-- > 0;) {  // in the other order
      const std::string name(find_string(*find(json(lines[i]), "params"), "name"));
      (void)peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(lines[i]) + R"(,"result":")" + name + "\"}\n");
    }
    peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  stage.ask("1", R"({"name":"first"})");
  stage.ask(R"("1")", R"({"name":"second"})");
  CHECK(find_string(stage.answer("1"), "result") == "first");
  CHECK(find_string(stage.answer(R"("1")"), "result") == "second");
  CHECK(soon([&] { return stage.commands->under_way() == 0; }));
  CHECK(stage.commands->figures(Address::pbx).done == 2);
}

TEST_CASE("without a connection nothing is sent, and the answer says why") {
  Stage stage(nullptr);
  stage.ask("1");
  CHECK(stage.code("1") == -32001);
  CHECK(soon([&] {
    stage.ask("2");
    const std::lock_guard lock(stage.mutex);
    return stage.answers["2"].back().find("is aribusd running?); nothing was sent") != std::string::npos;
  }));
  CHECK(stage.commands->is_offered());
}

TEST_CASE("what was sent and not answered has an unknown outcome, and is not sent again") {
  std::atomic<int> connections = 0, requests = 0;
  Stage stage([&](FakeDaemon::Peer& peer) {
    const bool is_first = connections++ == 0;
    if (!say_hello(peer)) return;
    if (!is_first) {
      while (peer.line()) ++requests;
      return;
    }
    (void)peer.line();
    ++requests;
  });
  REQUIRE(stage.is_connected());
  stage.ask("1");
  CHECK(stage.code("1") == -32002);
  CHECK(soon([&] { return connections > 1 && stage.commands->is_connected(); }));
  stage.ask("2");  // behind which the first one would have come
  CHECK(soon([&] { return requests == 2; }));
  CHECK(stage.commands->figures(Address::pbx).unknown == 1);
}

TEST_CASE("of a daemon that reads no more, what it can't have gets -32001, the rest -32002, each once") {
  std::atomic<bool> ends = false;
  Stage stage([&](FakeDaemon::Peer& peer) {
    if (say_hello(peer)) (void)soon([&] { return ends.load(); });
  });
  REQUIRE(stage.is_connected());
  const std::string large = R"({"text":")" + std::string(mebibyte / 2, 'x') + "\"}";
  for (int i = 0; i < 8; ++i) stage.ask(std::to_string(i), large);
  stage.ask("900", "{}", milliseconds(1));
  CHECK(stage.code("900") == -32001);  // its time is over before its turn came
  CHECK(stage.message("900") == "aribusd accepted no command within 1 ms; nothing was sent");
  ends = true;
  CHECK(stage.code("0") == -32002);
  CHECK(stage.code("7") == -32001);
  CHECK(stage.message("7").ends_with("nothing was sent"));
  CHECK(soon([&] { return stage.answered() == 9; }));
  CHECK(stage.commands->under_way() == 0);
}

TEST_CASE("a request ends when its time is over, and an answer that comes later goes nowhere") {
  std::atomic<bool> answers = false;
  Stage stage([&](FakeDaemon::Peer& peer) {
    if (!say_hello(peer)) return;
    const auto line = peer.line();
    if (!line || !soon([&] { return answers.load(); })) return;
    (void)peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(*line) + R"(,"result":null})" + "\n");
    const auto next = peer.line();
    if (next) (void)peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(*next) + R"(,"result":null})" + "\n");
    peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  stage.ask("1", "{}", milliseconds(1000));
  const Json told = stage.answer("1");
  const JsonValue* error = find(told, "error");
  REQUIRE(error != nullptr);
  CHECK(find(*error, "code")->GetInt() == -32002);
  CHECK(find_string(*error, "message") == "no answer within 1000 ms: the outcome is unknown");
  CHECK(to_text(*find(*error, "data")) == R"({"timeout_ms":1000})");
  answers = true;
  stage.ask("2", "{}", milliseconds(60'000));
  CHECK(stage.code("2") == 0);
  CHECK(stage.answered() == 2);
}

TEST_CASE("a socket whose rule has another name is not offered") {
  Stage stage(
      [](FakeDaemon::Peer& peer) {
        if (say_hello(peer, "reader")) peer.wait_for_end();
      },
      "control");
  CHECK(soon([&] { return !stage.commands->is_offered(); }));
  stage.ask("1");
  CHECK(stage.code("1") == -32001);
  CHECK(stage.message("1").find("'reader'") != std::string::npos);
}

TEST_CASE("a rule that does not allow `hello` is known by its refusal") {
  Stage stage([](FakeDaemon::Peer& peer) {
    const auto line = peer.line();
    if (line && peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(*line) +
                          R"(,"error":{"code":-32003,"message":"no","data":{"rule":"control"}}})" + "\n"))
      peer.wait_for_end();
  });
  CHECK(stage.is_connected());
}

TEST_CASE("after a reload another rule may hold: what is under way is still answered") {
  Stage stage([](FakeDaemon::Peer& peer) {
    if (!say_hello(peer)) return;
    std::string hello, request;
    while (hello.empty() || request.empty()) {  // in any order
      const auto line = peer.line();
      if (!line) return;
      (line->find("hello") != std::string::npos ? hello : request) = *line;
    }
    (void)peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(hello) + R"(,"result":{"rule":"reader"}})" + "\n");
    (void)peer.send(R"({"jsonrpc":"2.0","id":)" + id_in(request) + R"(,"result":null})" + "\n");
    peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  stage.ask("1");
  stage.commands->check_rule();
  CHECK(stage.code("1") == 0);
  CHECK(soon([&] { return !stage.commands->is_offered(); }));
}

TEST_CASE("why the daemon ends the connection is told to those who wait") {
  Stage stage([](FakeDaemon::Peer& peer) {
    if (!say_hello(peer) || !peer.line()) return;
    (void)peer.send(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32003,"message":"the rule is gone"}})"
                    "\n");
    peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  stage.ask("1");
  CHECK(stage.code("1") == -32002);
  CHECK(stage.message("1").starts_with("aribusd says: the rule is gone; "));
}

TEST_CASE("no more requests are held than there is room for") {
  Stage stage([](FakeDaemon::Peer& peer) {
    if (say_hello(peer)) peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  for (size_t i = 0; i < Commands::max_under_way; ++i) stage.ask(std::to_string(i));
  stage.ask("9000");
  CHECK(stage.code("9000") == -32004);
  stage.commands->stop();
  CHECK(stage.answered() == Commands::max_under_way + 1);
}

TEST_CASE("no more bytes are held than there is room for") {
  Stage stage([](FakeDaemon::Peer& peer) {
    if (say_hello(peer)) peer.wait_for_end();
  });
  REQUIRE(stage.is_connected());
  const std::string large = R"({"text":")" + std::string(mebibyte - 1000, 'x') + "\"}";
  for (int i = 0; i < 8; ++i) stage.ask(std::to_string(i), large);
  stage.ask("9000", large);
  CHECK(stage.code("9000") == -32004);
  stage.ask("9001");
  stage.commands->stop();
  CHECK(stage.answered() == 10);
}

TEST_CASE("a request that the daemon could not read is refused, and the others go on") {
  Stage stage(test::answering([](const std::string& line) {
    return line.find("\"hello\"") != std::string::npos
               ? R"("result":{"rule":"control","limits":{"request_bytes":200}})"
               : R"("result":null)";
  }));
  REQUIRE(stage.is_connected());
  stage.ask("1", R"({"text":")" + std::string(200, 'x') + "\"}");
  CHECK(stage.code("1") == -32602);
  stage.ask("2");
  CHECK(stage.code("2") == 0);
}
