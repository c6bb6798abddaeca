// The rules that the documentation and the sample show have the effect that they are shown for.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "config/aribusd/config.h"
#include "session/all_methods.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::config;

namespace {

using control::AccessRule;
using Names = std::set<std::string>;

// What makes a channel to wherever its caller says, or leads one there.
const Names reaches_anywhere{"channels.create",
                             "channels.dial",
                             "channels.externalMedia",
                             "channels.originate",
                             "channels.originateWithId",
                             "channels.continueInDialplan",
                             "channels.move",
                             "channels.redirect",
                             "originate",
                             "transfer",
                             "ari.request"};

std::string text_of(const std::string& file) {
  std::ifstream stream(std::string(ARIBUS_SOURCE_DIR) + "/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The example of YAML in `document` that has `mark` in it.
std::string example(const std::string& document, const std::string& mark) {
  const std::string text = text_of(document);
  const size_t at = text.find(mark);
  const size_t begin = text.rfind("```yaml\n", at), end = text.find("```", at);
  if (at == std::string::npos || begin == std::string::npos) throw std::runtime_error("no " + mark);
  return text.substr(begin + 8, end - begin - 8);
}

// With users and groups that there are without the package.
Config config_of(std::string text) {
  for (const auto& [ours, there] :
       {std::pair("root, aribus]", "root, daemon]"), std::pair("[aribus-control]", "[operator]"),
        std::pair("[aribus-read]", "[daemon]"), std::pair("group: aribus-read", "group: daemon"),
        std::pair("[alice]", "[nobody]")}) {
    if (const size_t at = text.find(ours); at != std::string::npos)
      text.replace(at, std::string_view(ours).size(), there);
  }
  if (text.find("asterisk:") == std::string::npos)
    text += "asterisk:\n  - {username: a, password: b, apps: [c]}\n";
  const test::TempDir directory;
  ::setenv("CREDENTIALS_DIRECTORY", directory.path("").c_str(), 1);
  const std::string secret = directory.write("ari.secret", "s3cret\n");
  auto config = parse_config(text, "example.yaml");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  INFO(text << (config ? "" : config.error().message));
  REQUIRE(config.ok());
  return std::move(*config);
}

const AccessRule& rule_of(const Config& config, const std::string& name) {
  for (const auto& rule : config.sessions.access.rules()) {
    if (rule->name == name) return *rule;
  }
  throw std::runtime_error("no rule " + name);
}

Names allowed(const AccessRule& rule) {
  Names names;
  for (const auto& [name, method] : session::declared_methods().all()) {
    if (rule.allows(method)) names.insert(name);
  }
  return names;
}

Names of_level(control::AccessLevel access_level) {
  Names names;
  for (const auto& [name, method] : session::declared_methods().all()) {
    if (method.access_level == access_level) names.insert(name);
  }
  return names;
}

Names both(const Names& a, const Names& b) {
  Names found;
  std::ranges::set_intersection(a, b, std::inserter(found, found.end()));
  return found;
}

}  // namespace

TEST_CASE("the rules of docs/configuration.md have the effect that they are shown for") {
  const Config config = config_of(example("docs/configuration.md", "- name: ivr\n"));
  for (const std::string& name : reaches_anywhere) {
    INFO(name);
    REQUIRE(session::declared_methods().find(name) != nullptr);
  }

  const Names ivr = allowed(rule_of(config, "ivr"));
  CHECK(both(ivr, reaches_anywhere).empty());
  CHECK(both(ivr, of_level(control::AccessLevel::admin)).empty());
  for (const char* name : {"subscribe", "state.channels", "channels.answer", "play", "hangup"}) {
    INFO(name);
    CHECK(ivr.contains(name));
  }
  CHECK_FALSE(rule_of(config, "ivr").allows_function("SHELL"));

  const Names monitoring = allowed(rule_of(config, "monitoring"));
  CHECK(both(monitoring, of_level(control::AccessLevel::control)).empty());
  CHECK(both(monitoring, of_level(control::AccessLevel::admin)).empty());
  // Variables, which it is not to see, are in state.channels and in the answers of ARI.
  CHECK(both(monitoring,
             {"state.channels", "channels.getChannelVar", "channels.getChannelVars", "channels.get"})
            .empty());
  // Of what these rules leave open on purpose only that is warned of.
  for (const std::string& warning : config.warnings)
    CHECK_THAT(warning, ContainsSubstring("bound_commands does not bound dialplan functions"));

  // Nothing else that reads gives a recording.
  const Names reading = allowed(rule_of(config, "reading"));
  Names all = of_level(control::AccessLevel::read);
  CHECK(all.erase("recordings.getStoredFile") == 1);
  CHECK(reading == all);
}

TEST_CASE("the rules of the sample have the effect that they are shown for") {
  const Config config = config_of(text_of("config/aribusd.yaml"));
  const Names admin = of_level(control::AccessLevel::admin),
              control = of_level(control::AccessLevel::control), read = of_level(control::AccessLevel::read);
  CHECK(allowed(rule_of(config, "readers")) == read);
  Names calls = read;
  calls.insert(control.begin(), control.end());
  CHECK(allowed(rule_of(config, "control")) == calls);
  calls.insert(admin.begin(), admin.end());
  CHECK(allowed(rule_of(config, "owner")) == calls);
}

TEST_CASE("excluding one of several ways to the same place is warned of") {
  const auto warnings = [](const std::string& methods, const std::string& excluded) {
    return config_of("access:\n  - {name: x, methods: [" + methods + "], exclude_methods: [" + excluded +
                     "]}\n")
        .warnings;
  };
  for (const char* methods : {"control", "\"channels.*\"", "channels.create, channels.externalMedia",
                              "originate, channels.externalMedia"}) {
    INFO(methods);
    const auto found = warnings(methods, "channels.externalMedia");
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], ContainsSubstring("access rule 'x'") && ContainsSubstring("UnicastRTP"));
  }
  CHECK(warnings("channels.answer", "channels.externalMedia").empty());
  CHECK(warnings("control", "channels.hangup").empty());
  CHECK(warnings("channels.create", "\"*.externalMedia\"").size() == 1);
  CHECK(warnings("control", "\"channels.*\"").empty());
}

TEST_CASE("variables that are shown although their event is not are warned of") {
  const auto warnings = [](const std::string& methods, const std::string& bound) {
    return config_of("access:\n  - {name: x, methods: [" + methods + "], " + bound + "}\n").warnings;
  };
  for (const char* bound :
       {"exclude_types: [ChannelVarset]", "exclude_types: [\"*Varset\"]", "types: [StasisStart]"}) {
    INFO(bound);
    const auto found = warnings("read", bound);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], ContainsSubstring("state.channels"));
    CHECK(warnings("subscribe", bound).empty());
  }
  CHECK(warnings("read", "types: [\"Channel*\"]").empty());
}

TEST_CASE("a rule is warned of what bound_commands leaves open, and of contexts without it") {
  const auto warnings = [](const std::string& keys) {
    return config_of("access:\n  - {name: x, methods: [read, control, admin], apps: [a], " + keys + "}\n")
        .warnings;
  };
  CHECK(warnings("bound_commands: true").empty());
  CHECK(warnings("bound_commands: true, contexts: [from-a]").empty());
  CHECK(warnings("bound_commands: true, functions: []").empty());
  const auto functions = warnings("bound_commands: true, functions: [call, DB]");
  REQUIRE(functions.size() == 1);
  CHECK_THAT(functions[0], ContainsSubstring("bound_commands does not bound dialplan functions"));
  const auto contexts = warnings("contexts: [from-a]");
  REQUIRE(contexts.size() == 2);
  CHECK_THAT(contexts[1], ContainsSubstring("contexts has no effect without bound_commands"));
  const Config config = config_of(
      "access:\n  - {name: x, methods: [read], apps: [a], bound_commands: true, contexts: [from-a, b]}\n");
  CHECK(rule_of(config, "x").bound_commands);
  CHECK(rule_of(config, "x").contexts == std::vector<std::string>{"from-a", "b"});
}
