// The section `groups`.
#include "config/aribusd/groups.h"

#include "tests/catch.h"
#include "tests/unit/config/aribusd/texts.h"

using namespace aribus;
using namespace aribus::config;
using aribus::groups::Fallback;
using aribus::groups::Orphan;
using aribus::test::mistakes_in;
using aribus::test::with;
using namespace std::chrono_literals;

namespace {

// One server with the application `demo`, and these groups.
std::string with_groups(const std::vector<std::string>& groups) {
  std::string text = with("groups:\n");
  for (const std::string& group : groups) text += "  - {" + group + "}\n";
  return text;
}

Config loaded_groups(const std::vector<std::string>& groups) {
  auto config = parse_config(with_groups(groups), "c.yaml");
  INFO((config ? std::string() : config.error().message));
  REQUIRE(config.ok());
  return std::move(*config);
}

// The warnings, without the file's name.
std::vector<std::string> doubts_about(const std::string& group) {
  std::vector<std::string> doubts = loaded_groups({group}).warnings;
  for (std::string& doubt : doubts) doubt.erase(0, std::string_view("c.yaml").size());
  return doubts;
}

}  // namespace

TEST_CASE("every key of a group is read") {
  const Config config = loaded_groups(
      {"name: ivr, apps: [demo], accept: 3s, grace: 4s, lease: 10s, fallback_after: 6s, fallback: play, "
       "fallback_media: 'sound:tt-allbusy', exclusive: true, orphan: fallback, orphan_after: 1min",
       "name: other, apps: [demo], grace: off, lease: off, fallback: move, fallback_app: overflow"});
  REQUIRE(config.groups.size() == 2);
  const groups::Settings& ivr = config.groups[0];
  CHECK(ivr.name == "ivr");
  CHECK(ivr.apps == std::vector<std::string>{"demo"});
  CHECK(ivr.accept == 3s);
  CHECK(ivr.grace == 4s);
  CHECK(ivr.lease == 10s);
  CHECK(ivr.fallback_after == 6s);
  CHECK(ivr.fallback == Fallback::play);
  CHECK(ivr.fallback_media == "sound:tt-allbusy");
  CHECK(ivr.exclusive);
  CHECK(ivr.orphan == Orphan::fallback);
  CHECK(ivr.orphan_after == 1min);
  CHECK_FALSE(config.groups[1].grace);
  CHECK_FALSE(config.groups[1].lease);
  CHECK(config.groups[1].fallback == Fallback::move);
  CHECK(config.groups[1].fallback_app == "overflow");
}

TEST_CASE("a group that says only what it must has the defaults of one that its members create") {
  groups::Settings expected;
  expected.name = "ivr";
  expected.apps = {"demo"};
  CHECK(loaded_groups({"name: ivr, apps: [demo]"}).groups == std::vector{expected});
  CHECK(loaded_groups({"name: ivr, apps: [demo], fallback: none"}).groups == std::vector{expected});
  CHECK(parse_config(with(""), "c.yaml")->groups.empty());
}

TEST_CASE("the order of a group's applications is no change of it") {
  const std::string servers = "asterisk:\n  - {username: u, password: p, apps: [a, b]}\ngroups:\n";
  CHECK(parse_config(servers + "  - {name: x, apps: [b, a]}\n", "c.yaml")->groups ==
        parse_config(servers + "  - {name: x, apps: [a, b]}\n", "c.yaml")->groups);
}

TEST_CASE("each fallback and each way with orphans has its name") {
  const std::pair<std::string, Fallback> fallbacks[] = {{"none", Fallback::none},
                                                        {"continue", Fallback::continue_},
                                                        {"hangup", Fallback::hangup},
                                                        {"play, fallback_media: 'sound:x'", Fallback::play},
                                                        {"move, fallback_app: x", Fallback::move}};
  for (const auto& [text, fallback] : fallbacks)
    CHECK(loaded_groups({"name: ivr, apps: [demo], fallback: " + text}).groups[0].fallback == fallback);
  CHECK(loaded_groups({"name: ivr, apps: [demo], orphan: keep"}).groups[0].orphan == Orphan::keep);
}

TEST_CASE("each mistake in a group is told with its place") {
  const std::pair<std::string, std::string> mistakes[] = {
      {with("groups: []\n"), ":5:9: groups: at least one group is expected"},
      {with("groups: {name: ivr}\n"), ":5:9: groups: a list is expected, not a mapping"},
      {with_groups({"apps: [demo]"}), ":6:5: groups[0]: name: missing; members name the group by it"},
      {with_groups({"name: ivr"}),
       ":6:5: groups[0]: apps: missing; the calls of these applications go to the group's members"},
      {with_groups({"name: ivr, apps: []"}), ":6:23: groups[0].apps: at least one application is expected"},
      {with_groups({"name: ivr, apps: ['a,b']"}),
       ":6:24: groups[0].apps[0]: the name of one application, without a comma, is expected"},
      {with_groups({"name: ivr, apps: [demo], acept: 2s"}),
       ":6:31: groups[0].acept: no such key; did you mean 'accept'? (known: name, apps, accept, grace, "
       "lease, "
       "fallback_after, fallback, fallback_media, fallback_app, exclusive, orphan, orphan_after)"},
      {with_groups({"name: ivr, apps: [demo], accept: 0s"}),
       ":6:39: groups[0].accept: a duration with its unit (ms, s or min), as 10s, is expected, not '0s'"},
      {with_groups({"name: ivr, apps: [demo], accept: off"}),
       ":6:39: groups[0].accept: a duration with its unit (ms, s or min), as 10s, is expected, not 'off'"},
      {with_groups({"name: ivr, apps: [demo], fallback: hang_up"}),
       ":6:41: groups[0].fallback: one of none, continue, hangup, play, move is expected, not 'hang_up'; did "
       "you mean 'hangup'?"},
      {with_groups({"name: ivr, apps: [demo], fallback: play"}),
       ":6:5: groups[0]: group 'ivr': `fallback: play` needs `fallback_media`"},
      {with_groups({"name: ivr, apps: [demo], fallback: play, fallback_media: busy"}),
       ":6:63: groups[0].fallback_media: a media URI is expected, as sound:tt-allbusy"},
      {with_groups({"name: ivr, apps: [demo], fallback: move"}),
       ":6:5: groups[0]: group 'ivr': `fallback: move` needs `fallback_app`"},
      {with_groups({"name: ivr, apps: [demo], fallback: move, fallback_app: demo"}),
       ":6:5: groups[0]: group 'ivr': `fallback_app` is an application of the group, 'demo'"},
      {with_groups({"name: ivr, apps: [demo], exclusive: yes"}),
       ":6:42: groups[0].exclusive: true or false is expected, not 'yes'; write true, in small letters"},
      {with_groups({"name: ivr, apps: [demo], orphan: fallback"}),
       ":6:5: groups[0]: group 'ivr': `orphan: fallback` needs `fallback`"},
      {with_groups({"name: ivr, apps: [demo]", "name: ivr, apps: [demo]"}),
       ":7:5: groups[1]: name: 'ivr' is the name of another group already; each has its own"},
      {with_groups({"name: " + std::string(129, 'x') + ", apps: [demo]"}),
       ":6:5: groups[0]: the name of a group has at most 128 bytes"},
  };
  for (const auto& [config, told] : mistakes) CHECK(mistakes_in(config) == told);
}

TEST_CASE("what of a group has no effect is a warning") {
  CHECK(
      doubts_about("name: ivr, apps: [demo], fallback: hangup, fallback_media: 'sound:x', fallback_app: y, "
                   "orphan_after: 5s") ==
      std::vector<std::string>{":6:65: groups[0].fallback_media: it has no effect without fallback: play",
                               ":6:90: groups[0].fallback_app: it has no effect without fallback: move",
                               ":6:107: groups[0].orphan_after: it has no effect without orphan: fallback"});
  CHECK(doubts_about("name: ivr, apps: [demo], fallback: hangup, accept: 5s") ==
        std::vector<std::string>{
            ":6:57: groups[0].accept: a call falls back before a second member is offered it; fallback_after "
            "longer than accept is expected"});
  CHECK(doubts_about("name: ivr, apps: [demo], fallback: hangup, fallback_after: 1s").size() == 1);
  CHECK(doubts_about("name: ivr, apps: [demo], accept: 5s").empty());  // there is no fallback
}

TEST_CASE("a group whose application no Asterisk has gets no calls: a mistake for a check") {
  CHECK(doubts_about("name: ivr, apps: [demo, dmeo]") ==
        std::vector<std::string>{
            ":6:23: groups[0].apps: no entry of asterisk has the application 'dmeo', so none of "
            "its calls comes; add it to asterisk[].apps"});
  const auto checked = parse_config(with_groups({"name: ivr, apps: [dmeo]"}), "c.yaml", Purpose::check);
  REQUIRE_FALSE(checked.ok());
  CHECK_THAT(checked.error().message, ContainsSubstring("c.yaml:6:23: groups[0].apps"));
  // Another client of ARI may have the application that calls are moved to.
  CHECK(doubts_about("name: ivr, apps: [demo], fallback: move, fallback_app: overflow") ==
        std::vector<std::string>{":6:61: groups[0].fallback_app: no entry of asterisk has the application "
                                 "'overflow'; a call that can't be "
                                 "moved is hung up, unless another ARI client has it"});
}

TEST_CASE("a rule says which groups may be joined, and a list without effect is a warning") {
  const auto read = [](const std::string& rule) {
    auto config = parse_config(with("access:\n  - {name: a, " + rule + "}\n"), "c.yaml");
    REQUIRE(config.ok());
    return std::move(*config);
  };
  const Config config = read("methods: [read, control], call_groups: [ivr, 'ivr-*']");
  CHECK(config.warnings.empty());
  const control::AccessRule& rule = *config.sessions.access.rules()[0];
  CHECK(rule.may_join("ivr"));
  CHECK(rule.may_join("ivr-berlin"));
  CHECK_FALSE(rule.may_join("queue"));
  CHECK(read("methods: ['group.*'], call_groups: [ivr]").warnings.empty());
  const Config reader = read("methods: [read], call_groups: [ivr]");
  REQUIRE(reader.warnings.size() == 1);
  CHECK_THAT(reader.warnings[0], ContainsSubstring("call_groups has no effect"));
}
