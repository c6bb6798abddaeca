// Whoever connects to a client that listens, and whatever he does there, it lives on and lets Asterisk in.
#include <random>

#include "tests/unit/net/visitor.h"

using namespace aribus;
using namespace aribus::test;

namespace {

constexpr size_t max_visitors = 60;

// Visitors and an Asterisk that do things at random.
class Crowd {
 public:
  explicit Crowd(unsigned seed) : random_(seed) {
    stage_.asterisk.set_script([this](FakeAsterisk::Peer& peer, const std::string&) {
      asked_.push_back(&peer);
      if (chance(3)) answer_info();
    });
  }

  void step() {
    switch (random_() % 12) {
      case 0:
      case 1:
        if (visitors_.size() < max_visitors && stage_.listening.client->port() != 0) {
          visitors_.push_back(std::make_unique<Visitor>(stage_.visitor()));
          if (++unaccepted_ % 32 == 0) uv_run(stage_.loop.raw(), UV_RUN_NOWAIT);
        }
        break;
      case 2:
        with_any([](Visitor& visitor) { visitor.say("GET /ari HT"); });
        break;
      case 3:
      case 4:
        with_any([](Visitor& visitor) { visitor.ask(); });
        break;
      case 5:
        with_any([](Visitor& visitor) { visitor.ask("wrong"); });
        break;
      case 6:
        with_any([](Visitor& visitor) { visitor.answer_probe(); });
        break;
      case 7:
        with_any([](Visitor& visitor) {
          if (visitor.let_in()) visitor.say(Opcode::text, "{}");
        });
        break;
      case 8:
        leave(chance(2));
        break;
      case 9:
        if (chance(3)) answer_info();
        break;
      case 10:
        if (chance(30)) stage_.listening.client->disconnect();
        if (chance(20)) stage_.listening.client->connect();
        break;
      default:
        for (auto turns = random_() % 4; turns > 0; --turns) uv_run(stage_.loop.raw(), UV_RUN_NOWAIT);
    }
  }

  // All leave, and Asterisk comes.
  void require_that_asterisk_gets_in() {
    visitors_.clear();
    Client& client = *stage_.listening.client;
    client.connect();
    stage_.asterisk.set_script(behave_well);
    while (!asked_.empty()) answer_info();
    wait_until_it_listens(stage_.loop, client);
    REQUIRE(pump(stage_.loop, [&] { return !client.is_connected(); }));
    Visitor asterisk = stage_.visitor();
    asterisk.ask();
    REQUIRE(pump(stage_.loop, [&] { return client.is_connected(); }));
    const size_t before = stage_.listening.messages.size();
    asterisk.say(Opcode::text, "{}");
    REQUIRE(pump(stage_.loop, [&] { return stage_.listening.messages.size() > before; }));
  }

 private:
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  template <typename Do>
  void with_any(Do act) {
    if (!visitors_.empty()) act(*visitors_[random_() % visitors_.size()]);
  }
  void leave(bool with_reset) {
    if (visitors_.empty()) return;
    const auto at = visitors_.begin() + static_cast<std::ptrdiff_t>(random_() % visitors_.size());
    if (with_reset) (*at)->reset();
    visitors_.erase(at);
  }
  void answer_info() {
    if (asked_.empty()) return;
    const auto at = asked_.begin() + static_cast<std::ptrdiff_t>(random_() % asked_.size());
    FakeAsterisk::Peer* const peer = *at;
    asked_.erase(at);
    if (chance(4)) {
      peer->close();
    } else {
      peer->answer(chance(4) ? 503 : 200, info_body);
    }
  }

  std::mt19937 random_;
  OutboundStage stage_;
  std::vector<FakeAsterisk::Peer*> asked_;  // for what Asterisk reports of itself, and not answered
  std::vector<std::unique_ptr<Visitor>> visitors_;
  unsigned unaccepted_ = 0;  // those wait in a queue of the system, which is short
};

}  // namespace

TEST_CASE("whatever those who connect do, in whatever order, Asterisk gets in afterwards") {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    Crowd crowd(seed);
    for (int step = 0; step < 4000; ++step) crowd.step();
    crowd.require_that_asterisk_gets_in();
  }
}

TEST_CASE("who is sent away to make room is not heard any more, though his request is there") {
  OutboundStage stage;
  for (int round = 0; round < 20; ++round) {
    std::vector<Visitor> crowd = stage.visitors(100);
    for (int i = 0; i < 50; ++i) crowd.push_back(stage.visitor());
    const size_t before = stage.listening.connected.size();
    for (Visitor& visitor : crowd) visitor.ask();
    for (int turns = 0; turns < 3; ++turns) uv_run(stage.loop.raw(), UV_RUN_NOWAIT);
    REQUIRE(stage.connected(before + 1));
    crowd.clear();
    REQUIRE(pump(stage.loop, [&] { return !stage.listening.client->is_connected(); }));
  }
}

TEST_CASE("a connection that ends while it is asked whether it lives gives its place to the one that waits") {
  OutboundStage stage;
  std::vector<FakeAsterisk::Peer*> asked;
  stage.asterisk.set_script([&](FakeAsterisk::Peer& peer, const std::string&) { asked.push_back(&peer); });
  Client& client = *stage.listening.client;
  const auto answer_next = [&](size_t count) {
    REQUIRE(pump(stage.loop, [&] { return asked.size() == count; }));
    asked.back()->answer(200, info_body);
  };
  Visitor first = stage.visitor();
  first.ask();
  answer_next(1);
  REQUIRE(stage.connected());
  Visitor second = stage.visitor();  // comes, is asked about, and goes
  second.ask();
  REQUIRE(pump(stage.loop, [&] { return asked.size() == 2; }));  // the first one did not answer the ping
  second.leave();
  answer_next(2);
  pump_for(stage.loop, Milliseconds(20));
  Visitor third = stage.visitor();
  third.ask();
  REQUIRE(first.hears("aribus"));
  pump_for(stage.loop, Milliseconds(20));
  first.leave();
  REQUIRE(stage.connected(2));
  pump_for(stage.loop, Milliseconds(20));
  CHECK(client.is_connected());
  third.say(Opcode::text, "{}");
  CHECK(pump(stage.loop, [&] { return stage.listening.messages.size() == 1; }));
  CHECK(stage.listening.disconnected.size() == 1);
}
