// What a rule bounds.
#include <chrono>
#include <memory>

#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("a rule bounds the connections and the requests of each user") {
  if (needs_root()) return;
  Stage stage(R"(    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin]}
  - {name: few, methods: [ping], connections: 2, commands_per_second: 5}
)");
  const std::string path = stage.daemon.socket_path();
  auto first = std::make_unique<Peer>(path, reader);
  Peer second(path, reader);
  CHECK(first->code("ping") == 0);
  CHECK(second.code("ping") == 0);
  Peer third(path, reader);
  const Json refusal = third.next();
  CHECK(code_in(refusal) == too_much);
  CHECK(rule_in(refusal) == "few");
  CHECK(refusal["error"]["data"]["limit"].GetInt() == 2);
  Peer somebody_else(path, stranger);
  CHECK(somebody_else.code("ping") == 0);
  first.reset();
  std::unique_ptr<Peer> again;
  REQUIRE(soon([&] {
    again = std::make_unique<Peer>(path, reader);
    return again->silent();
  }));
  // Over all its connections, and within batches: five, and five more each second.
  std::string batch = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  for (int i = 0; i < 20; ++i) batch += R"(,{"jsonrpc":"2.0","id":1,"method":"ping"})";
  const auto began = std::chrono::steady_clock::now();
  int passed = 0;
  for (Peer* peer : {&second, again.get()}) {
    peer->send("[" + batch + "]");
    const Json answers = peer->next();
    for (const auto& answer : answers.GetArray()) {
      passed += code_in(answer) == 0 ? 1 : 0;
      if (code_in(answer) != 0) CHECK(rule_in(answer) == "few");
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  CHECK(passed <= 5 + static_cast<int>(5 * took.count()) + 1);
  CHECK(somebody_else.code("ping") == 0);
  CHECK(soon([&] { return again->code("ping") == 0; }));
}
