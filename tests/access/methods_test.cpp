// Every method under every rule. methods.txt says what each method reaches: whoever adds one thinks about
// that, and writes it there.
#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// The set of each method (methods.txt).
const std::map<std::string, std::string>& sets_of_methods() {
  static const std::map<std::string, std::string> sets = [] {
    std::ifstream file(std::string(ARIBUS_SOURCE_DIR) + "/tests/access/methods.txt");
    std::map<std::string, std::string> read;
    for (std::string set, method; file >> set >> method;) read[method] = set;
    return read;
  }();
  return sets;
}

struct Somebody {
  const char* who;
  Identity identity;
  bool monitor;  // on the other socket
  const char* rule;
  std::function<bool(const std::string& method)> may;
};

bool everything(const std::string&) {
  return true;
}
bool nothing(const std::string&) {
  return false;
}
bool reads(const std::string& method) {
  return sets_of_methods().at(method) == "read";
}
bool controls(const std::string& method) {
  return reads(method) || sets_of_methods().at(method) == "control";
}
bool watches(const std::string& method) {
  static const std::set<std::string> own{"hello", "ping", "status", "subscribe", "unsubscribe"};
  return method.starts_with("state.") || own.contains(method);
}
// `originate` and `play` are made of what is excluded.
bool few(const std::string& method) {
  return method.starts_with("channels.") && method != "channels.originate";
}

const Somebody everybody[] = {
    {"root", root, false, "admins", everything},
    {"root, monitoring", root, true, "admins", everything},
    {"by supplementary group", operator_by_group, false, "control", controls},
    {"by primary group", operator_by_primary, false, "control", controls},
    {"control group, monitoring", operator_by_group, true, "monitor", watches},
    {"reader", reader, false, "reading", reads},
    {"reader, monitoring", reader, true, "monitor", watches},
    {"stranger, monitoring", stranger, true, "monitor", watches},
    {"banned, in both groups", banned, false, "banned", nothing},
    {"banned, monitoring", banned, true, "banned", nothing},
    {"narrow", narrow, false, "narrow", few},
    {"by name", by_name, false, "by-name", controls},
};

// Every method: alone, without an answer and with parameters that Asterisk would act on, and in a batch.
void try_all(Peer& peer, const Somebody& somebody) {
  std::string batch;
  for (const auto& [method, set] : sets_of_methods()) {
    INFO(method);
    const Json answer = peer.ask(method);
    CHECK((code_in(answer) != not_allowed) == somebody.may(method));
    if (somebody.may(method)) continue;
    CHECK(rule_in(answer) == somebody.rule);
    peer.send(R"({"jsonrpc":"2.0","method":")" + method +
              R"(","params":{"channelId":"c1","bridgeId":"b1","app":"demo","endpoint":"Local/s"}})");
    batch += (batch.empty() ? "" : ",") +
             (R"({"jsonrpc":"2.0","id":")" + method + R"(","method":")" + method + "\"}");
  }
  if (batch.empty()) return;
  peer.send("[" + batch + "]");
  Json answers = peer.next();
  while (!answers.IsArray()) answers = peer.next();
  for (const auto& answer : answers.GetArray()) {
    INFO(to_text(answer));
    CHECK(code_in(answer) == not_allowed);
    CHECK(rule_in(answer) == somebody.rule);
  }
}

}  // namespace

TEST_CASE("what each method reaches was thought about") {
  Stage stage("");
  Program program(stage.daemon.connect(), R"({"types":"none"})");
  const auto sets = sets_of_methods();
  const Json described = program.call("rpc.discover");
  CHECK(described["methods"].Size() == sets.size());
  for (const auto& method : described["methods"].GetArray()) {
    const std::string name(find_string(method, "name"));
    INFO(name);
    REQUIRE(sets.contains(name));
    CHECK(find_string(method, "x-access") == sets.at(name));
  }
}

TEST_CASE("every method is tried by everybody under every rule") {
  if (needs_root()) return;
  Stage stage(rules);
  for (const Somebody& somebody : everybody) {
    DYNAMIC_SECTION(somebody.who) {
      Peer peer(somebody.monitor ? stage.monitor_path() : stage.daemon.socket_path(), somebody.identity);
      stage.asterisk.control("DELETE", "log");
      try_all(peer, somebody);
      // Of what is not allowed nothing reached Asterisk: who may only read has no effect at all.
      const bool acts = std::ranges::any_of(
          sets_of_methods(), [&](const auto& m) { return m.second != "read" && somebody.may(m.first); });
      if (!acts) CHECK(stage.effects().empty());
    }
  }
}
