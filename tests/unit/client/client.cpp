// The client, with a daemon that answers what it should not.
#include "client/client.h"

#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/mutations.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::client::Client;
using aribus::test::FakeDaemon;
using aribus::test::Mutations;
using aribus::test::TempDir;
using std::chrono::milliseconds;

namespace {

const std::string event =
    R"({"seq":2,"time":"2026-11-22T21:46:16.000Z","server":"pbx1","app":"demo","type":"StasisStart","args":["x"],)"
    R"("channel":{"id":"c1","name":"n","state":"Up","caller":{"name":"a","number":"1"},"connected":{"name":"",)"
    R"("number":""},"accountcode":"","dialplan":{"context":"d","exten":"s","priority":1,"app_name":"Stasis",)"
    R"("app_data":"demo"},"creationtime":"2026-11-22T21:46:16.000Z","language":"en"},"peer":{"port":1}})";

std::string right_answer(const std::string& request) {
  if (request.find("\"hello\"") != std::string::npos) return R"({"started":"2026-11-22T20:00:00.000Z"})";
  if (request.find("\"subscribe\"") != std::string::npos)
    return R"({"cursor":"a:1","snapshot":{"channels":[]}})";
  if (request.find("getStoredFile") != std::string::npos)
    return R"({"content_type":"audio/wav","data":"AAEC"})";
  return R"({"id":"c1","name":"n"})";
}

// Answers what `changed` makes of the right answer; after a subscription, with a few records.
FakeDaemon::Serve serving(std::function<std::string(const std::string&)> changed) {
  return [changed = std::move(changed)](FakeDaemon::Peer& peer) {
    while (const auto line = peer.line()) {
      const size_t at = line->find("\"id\":");
      std::string out = "{" + line->substr(at, line->find(',', at) - at) +
                        ",\"result\":" + changed(right_answer(*line)) + "}\n";
      if (line->find("\"subscribe\"") != std::string::npos) {
        for (int i = 0; i < 3; ++i) out += R"({"method":"event","params":)" + changed(event) + "}\n";
        out += R"({"method":"lost","params":)" + changed(R"({"from":1,"to":2,"records":2})") + "}\n";
      }
      if (!peer.send(out)) return;
    }
  };
}

}  // namespace

TEST_CASE("answers and records of another shape don't bring a client down") {
  const TempDir folder;
  Mutations mutations(20261122);
  const FakeDaemon daemon(folder.path("socket"),
                          serving([&](const std::string& text) { return mutations.of(text); }));
  size_t items = 0, refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto client = Client::connect({.path = daemon.path()});
    REQUIRE(client);
    client::Subscription subscription;
    subscription.snapshot = true;
    if (!client->subscribe(subscription)) ++refused;
    static_cast<void>(client->call(ari::ChannelsGet{.channelId = "c1"}));
    static_cast<void>(client->call(ari::RecordingsGetStoredFile{.recordingName = "r"}));
    for (auto item = client->next(milliseconds(0)); item && *item; item = client->next(milliseconds(0))) {
      ++items;
      static_cast<void>((*item)->event());
      static_cast<void>((*item)->as<ari::StasisStart>());
      if ((*item)->type == "disconnected") break;
    }
  }
  CHECK(items > 1000);
  CHECK(refused > 100);
}

TEST_CASE("a daemon that lets in, and does not say who it is, is given up") {
  const TempDir folder;
  size_t connections = 0;
  const FakeDaemon daemon(folder.path("socket"), [&](FakeDaemon::Peer& peer) {
    if (++connections == 1) {  // who comes first is served, once
      static_cast<void>(peer.line());
      peer.send(R"({"id":1,"result":{}})"
                "\n");
    } else {
      peer.wait_for_end();
    }
  });
  auto client = Client::connect({.path = daemon.path()});
  REQUIRE(client);
  client::CallOptions options;
  options.timeout = milliseconds(100);
  Result<Json> answer = client->call("ping", "{}", options);
  for (; answer.error().kind == ErrorKind::outcome_unknown; answer = client->call("ping", "{}", options))
    continue;
  CHECK(answer.error().kind == ErrorKind::not_connected);
  CHECK_THAT(answer.error().message, ContainsSubstring("does not say who it is"));
}

TEST_CASE("a line without end costs a client its connection, and no more than its bound") {
  const TempDir folder;
  const FakeDaemon daemon(folder.path("socket"), [](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    while (peer.send(std::string(1 << 16, 'x'))) continue;
  });
  const auto client = Client::connect({.path = daemon.path(), .max_line_bytes = 1 << 20});
  REQUIRE_FALSE(client);
  CHECK_THAT(client.error().message, ContainsSubstring("longer than 1048576 bytes"));
}
