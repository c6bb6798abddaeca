#include "ari/hangup_causes.h"

#include <algorithm>
#include <set>

#include "ari/schema.h"
#include "tests/catch.h"

using namespace aribus::ari;

TEST_CASE("causes are sorted by code, and every name, text and reason is there once") {
  std::set<std::string_view> names, texts, reasons;
  int last = -1;
  for (const Cause& cause : causes()) {
    INFO(cause.code);
    CHECK(cause.code > last);
    last = cause.code;
    CHECK(cause.code <= 127);
    CHECK(names.insert(cause.name).second);
    CHECK(texts.insert(cause.text).second);
    if (!cause.reason.empty()) CHECK(reasons.insert(cause.reason).second);
    CHECK_FALSE(cause.text.empty());
    CHECK(std::ranges::all_of(cause.name, [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); }));
  }
}

TEST_CASE("a name never means another cause's reason") {
  for (const Cause& cause : causes()) {
    INFO(cause.name);
    CHECK(find_cause(cause.name) == &cause);
    if (!cause.reason.empty()) CHECK(find_cause(cause.reason) == &cause);
  }
}

TEST_CASE("a cause is found by code, name and ARI's reason") {
  REQUIRE(find_cause(16) != nullptr);
  CHECK(find_cause(16)->name == "normal_clearing");
  CHECK(find_cause("normal_clearing")->code == 16);
  CHECK(find_cause("normal")->code == 16);
  CHECK(find_cause("busy")->code == 17);
  CHECK(find_cause("user_busy")->code == 17);
  CHECK(find_cause(127)->name == "interworking");
}

TEST_CASE("what is no cause is not found") {
  CHECK(find_cause(4) == nullptr);
  CHECK(find_cause(-1) == nullptr);
  CHECK(find_cause(128) == nullptr);
  CHECK(find_cause("") == nullptr);
  CHECK(find_cause("16") == nullptr);
  CHECK(find_cause("Normal Clearing") == nullptr);
}

TEST_CASE("a cause's text is Asterisk's") {
  CHECK(cause_text(16) == "Normal Clearing");
  CHECK(cause_text(17) == "User busy");
  CHECK(cause_text(4) == "Unknown");
}

TEST_CASE("every reason that ARI allows for hanging up is a cause") {
  const Operation* hangup = find_operation("channels.hangup");
  REQUIRE(hangup != nullptr);
  const Parameter* reason = hangup->find("reason");
  REQUIRE(reason != nullptr);
  REQUIRE_FALSE(reason->values.empty());
  for (const std::string_view word : reason->values) {
    INFO(word);
    CHECK(find_cause(word) != nullptr);
  }
}

TEST_CASE("every reason of a cause is one that ARI allows for hanging up") {
  const Parameter* reason = find_operation("channels.hangup")->find("reason");
  for (const Cause& cause : causes()) {
    if (cause.reason.empty()) continue;
    INFO(cause.reason);
    CHECK(std::ranges::find(reason->values, cause.reason) != reason->values.end());
  }
}
