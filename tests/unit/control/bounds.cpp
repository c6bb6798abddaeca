// What commands of a rule with `bound_commands` reach: every method, with what is the rule's own, what is
// another's, what does not exist, and what is of no application.
#include "control/bounds.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "control/dispatcher.h"
#include "session/all_methods.h"
#include "state/difference.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using aribus::pbx::ResultText;
using aribus::record::IdKind;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;

namespace {

constexpr const char* created = "2026-11-22T21:46:17.690+0000";

std::string bound_channel(const std::string& id) {
  return R"({"id":")" + id + R"(","name":"PJSIP/)" + id + R"(","state":"Up","creationtime":")" + created +
         "\"}";
}
std::string bound_bridge(const std::string& id, const std::string& channels,
                         const std::string& made = created) {
  return R"({"id":")" + id + R"(","technology":"simple_bridge","channels":[)" + channels +
         R"(],"creationtime":")" + made + "\"}";
}

AccessRule bounded(const std::string& name, const std::string& app) {
  return {.name = name,
          .methods = {"read", "control", "admin"},
          .apps = {app},
          .bound_commands = true,
          .contexts = {"open-" + app}};
}

// An Asterisk on which two applications, `own` and `other`, have what ARI knows, and something belongs to
// none. The ids begin with the name of the application; `free` with none.
struct Tenants {
  Loop loop;
  FakeAsterisk asterisk{loop, test::behave_well};
  Dispatcher dispatcher{test::asterisk_methods()};
  test::TestServer server{loop, test::client_options(asterisk.url(), {"other", "own"})};
  std::map<std::string, AccessRule> rules{{"own", bounded("own", "own")},
                                          {"other", bounded("other", "other")}};
  std::string answer_body = "{}";  // of every request
  int status = 200;
  std::function<void()> before_answer = [] {};

  Tenants() {
    dispatcher.add_server(server);
    server.connect_to(loop, asterisk);
    asterisk.set_script([this](auto& peer, auto&) {
      before_answer();
      peer.answer(status, answer_body);
    });
    for (const std::string app : {"own", "other"}) {
      enters(app, app + "-channel");
      changed(IdKind::bridge, app + "-bridge", bound_bridge(app + "-bridge", "\"" + app + "-channel\""), app);
    }
    changed(IdKind::channel, "free-channel", bound_channel("free-channel"));
    changed(IdKind::bridge, "free-bridge", bound_bridge("free-bridge", "\"free-channel\""));
    for (const std::string whose : {"own", "other", "free"}) {
      const std::string on = R"("target_uri":"channel:)" + whose + R"(-channel")";
      changed(IdKind::playback, whose + "-playback",
              R"({"id":")" + whose + R"(-playback","state":"playing",)" + on + "}");
      changed(IdKind::recording, whose + "-recording",
              R"({"name":")" + whose + R"(-recording","state":"recording",)" + on + "}");
    }
  }
  void enters(const std::string& app, const std::string& id) {
    server.event(R"({"type":"StasisStart","application":")" + app +
                 R"(","timestamp":"2026-11-22T21:46:18.000+0000",)" + R"("args":[],"channel":)" +
                 bound_channel(id) + "}");
  }
  void moves(const std::string& app, const std::string& id) {
    server.event(R"({"type":"StasisStart","application":")" + app +
                 R"(","timestamp":"2026-11-22T21:47:18.000+0000",)" + R"("args":[],"channel":)" +
                 bound_channel(id) + "}");
  }
  void changed(IdKind kind, const std::string& id, const std::string& text, const std::string& app = "") {
    server.publish(state::changed(server.name(), kind, id, text, app, wall_now()));
    REQUIRE(server.model().find(kind, id) != nullptr);
  }
  Result<std::string> call_as(const std::string& rule, const std::string& method, const std::string& params) {
    control::Caller caller;
    caller.principal = {
        .id = 1000, .name = "tester", .rule = std::make_shared<const AccessRule>(rules.at(rule))};
    std::optional<Result<std::string>> answer;
    dispatcher.call(caller, method, json(params),
                    [&](const Result<ResultText>& got) { answer = test::text_of(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    return *answer;
  }
  Result<std::string> call(const std::string& method, const std::string& params) {
    asterisk.requests.clear();
    return call_as("own", method, params);
  }
  // The error, as one text; nothing was sent.
  std::string refused(const std::string& method, const std::string& params) {
    INFO(method << " " << params);
    const auto answer = call(method, params);
    CHECK(asterisk.requests.empty());
    REQUIRE_FALSE(answer.ok());
    return std::to_string(static_cast<int>(answer.error().kind)) + " " + answer.error().message + " " +
           answer.error().data;
  }
  bool is_sent(const std::string& method, const std::string& params) {
    const auto answer = call(method, params);
    INFO(method << " " << params << " " << (answer ? *answer : answer.error().message));
    CHECK(answer.ok());
    return !asterisk.requests.empty();
  }
  bool is_not_allowed(const std::string& method, const std::string& params) {
    return refused(method, params)
        .starts_with(std::to_string(static_cast<int>(ErrorKind::not_allowed)) + " ");
  }
  std::string call_of(const std::string& id) { return std::string(server.model().calls().call_of(id)); }
};

// A value of a parameter that belongs to `whose`: an application, "free" or "unknown".
std::string value_of(Tenants& tenants, ParameterBound bound, const std::string& whose) {
  switch (bound) {
    case ParameterBound::channel:
      return whose + "-channel";
    case ParameterBound::bridge:
      return whose + "-bridge";
    case ParameterBound::playback:
      return whose + "-playback";
    case ParameterBound::recording:
      return whose + "-recording";
    case ParameterBound::sources:
      return "channel:" + whose + "-channel";
    case ParameterBound::call:
      return whose == "unknown" ? "no-call" : tenants.call_of(whose + "-channel");
    default:
      return "";
  }
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// A value with which the parameter is allowed.
std::string own_value(Tenants& tenants, const Method& method, const ari::Parameter& parameter) {
  const ParameterBound bound = bound_of(method, parameter.name);
  if (const std::string id = value_of(tenants, bound, "own"); !id.empty()) return quoted(id);
  switch (bound) {
    case ParameterBound::new_id:
      return quoted("own-new");
    case ParameterBound::application:
      return quoted("own");
    case ParameterBound::endpoint:
      return quoted("PJSIP/100");
    case ParameterBound::place:
      return quoted("open-own");
    case ParameterBound::media:
      return quoted("sound:beep");
    default:
      break;
  }
  if (parameter.type == ari::Type::object) return R"({"X":"1"})";
  if (parameter.type == ari::Type::integer) return "1";
  if (parameter.type == ari::Type::boolean) return "true";
  return quoted(parameter.values.empty() ? "en" : std::string(parameter.values.front()));
}

// Parameters by name, as JSON.
using Params = std::map<std::string, std::string, std::less<>>;

std::string text_of(const Params& params) {
  std::string text;
  for (const auto& [name, value] : params) text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
  return "{" + text + "}";
}

// What a method takes at least, to be accepted.
Params least_params(Tenants& tenants, const Method& method) {
  Params params;
  for (const ari::Parameter& parameter : method.parameters) {
    if (parameter.required) params[std::string(parameter.name)] = own_value(tenants, method, parameter);
  }
  if (method.name == "play" || method.name == "record") params["channelId"] = quoted("own-channel");
  if (method.name == "transfer" || method.name == "channels.continueInDialplan")
    params["context"] = quoted("open-own");
  return params;
}

bool names_object(ParameterBound bound) {
  using enum ParameterBound;
  constexpr ParameterBound objects[] = {channel, bridge, playback, recording, call, sources};
  return std::ranges::find(objects, bound) != std::end(objects);
}

}  // namespace

TEST_CASE("every method and every parameter was thought about") {
  for (const auto& [name, method] : session::declared_methods().all()) {
    INFO(name);
    CHECK(has_bound(name));
    if (bound_of(name) != Bound::parameters) continue;
    for (const ari::Parameter& parameter : method.parameters) {
      INFO(parameter.name);
      CHECK(bound_of(method, parameter.name) != ParameterBound::refused);
    }
  }
}

TEST_CASE("a method or parameter that is in no table is refused") {
  CHECK(bound_of("channels.newOperation") == Bound::refused);
  CHECK_FALSE(has_bound("channels.newOperation"));
  const Method& hangup = *test::asterisk_methods().find("channels.hangup");
  CHECK(bound_of(hangup, "newParameter") == ParameterBound::refused);
  CHECK_FALSE(
      bounded("a", "a").allows({.name = "channels.newOperation", .access_level = AccessLevel::control}));
}

TEST_CASE("docs/security.md has the tables of what bounds commands") {
  std::ifstream file(std::string(ARIBUS_SOURCE_DIR) + "/docs/security.md");
  std::stringstream text;
  text << file.rdbuf();
  CHECK_THAT(text.str(), ContainsSubstring(bounds_document(session::declared_methods())));
}

TEST_CASE("every method acts on what is its own, and gives one answer for all that is not") {
  size_t tried = 0;
  for (const auto& [name, method] : test::asterisk_methods().all()) {
    Tenants tenants;
    const Params least = least_params(tenants, method);
    if (bound_of(name) == Bound::refused) {
      CHECK(tenants.is_not_allowed(name, text_of(least)));
      continue;
    }
    if (bound_of(name) != Bound::parameters) continue;
    CHECK(tenants.is_sent(name, text_of(least)));
    for (const ari::Parameter& parameter : method.parameters) {
      const ParameterBound bound = bound_of(method, parameter.name);
      if (!names_object(bound)) continue;
      INFO(name << " " << parameter.name);
      Params params = least;
      if ((name == "play" || name == "record") && parameter.name == "bridgeId") params.erase("channelId");
      const auto with = [&](const std::string& whose) {
        params[std::string(parameter.name)] = quoted(value_of(tenants, bound, whose));
        return text_of(params);
      };
      CHECK(tenants.is_sent(name, with("own")));
      // The error of a call that is none repeats what was given, as for any wrong parameter.
      const auto answer = [&](const std::string& whose) {
        std::string text = tenants.refused(name, with(whose));
        const std::string id = value_of(tenants, bound, whose);
        if (const size_t at = text.find(id); bound == ParameterBound::call && at != std::string::npos)
          text.replace(at, id.size(), "@");
        return text;
      };
      const std::string unknown = answer("unknown");
      CHECK(answer("other") == unknown);
      if (bound != ParameterBound::call) CHECK(answer("free") == unknown);
      CHECK_THAT(unknown, !ContainsSubstring("other") && !ContainsSubstring("free"));
      ++tried;
    }
  }
  CHECK(tried > 80);
}

TEST_CASE("commands go to the rule's own applications") {
  Tenants tenants;
  for (const auto& [name, method] : test::asterisk_methods().all()) {
    if (bound_of(name) != Bound::parameters) continue;
    for (const ari::Parameter& parameter : method.parameters) {
      if (bound_of(method, parameter.name) != ParameterBound::application) continue;
      Params params = least_params(tenants, method);
      for (const std::string app : {"other", "nobody", "", "own,x", "OWN"}) {
        params[std::string(parameter.name)] = quoted(app);
        if (app.empty() && parameter.place == ari::Place::path) continue;  // no value at all
        CHECK(tenants.is_not_allowed(name, text_of(params)));
      }
    }
  }
  // Without one, an originate goes to the first of its own, not to the first of the server.
  CHECK(tenants.is_sent("originate", R"({"endpoint":"PJSIP/100"})"));
  CHECK_THAT(tenants.asterisk.requests.front(), ContainsSubstring(R"("app":"own")"));
  CHECK(tenants.is_sent("channels.originate", R"({"endpoint":"PJSIP/100"})"));
  CHECK_THAT(tenants.asterisk.requests.front(), ContainsSubstring(R"("app":"own")"));
}

TEST_CASE("no command leads to a place in the dialplan that the rule does not list") {
  Tenants tenants;
  for (const char* method : {"originate", "channels.originate"}) {
    for (const char* place :
         {R"("context":"closed")", R"("extension":"100")", R"("priority":1)", R"("label":"x")",
          R"("app":null)", R"("context":"")", R"("context":"open-own,x")", R"("context":"OPEN-OWN")",
          R"("context":"default")"}) {
      CHECK(tenants.is_not_allowed(method, std::string(R"({"endpoint":"PJSIP/100",)") + place + "}"));
    }
    CHECK(tenants.is_sent(method, R"({"endpoint":"PJSIP/100","context":"open-own","extension":"1"})"));
    CHECK(tenants.is_sent(method, R"({"endpoint":"PJSIP/100","app":null,"context":"open-own"})"));
  }
  CHECK(tenants.is_not_allowed("channels.originateWithId",
                               R"({"endpoint":"PJSIP/100","channelId":"own-1","extension":"s"})"));
  for (const char* method : {"transfer", "channels.continueInDialplan"}) {
    for (const char* place :
         {"", R"(,"context":"closed")", R"(,"extension":"s")", R"(,"context":"")", R"(,"label":"x")"})
      CHECK(tenants.is_not_allowed(method, std::string(R"({"channelId":"own-channel")") + place + "}"));
  }
  for (const char* endpoint : {"Local/100", "Local/100@closed", "local/100@default/n", " LOCAL/1@closed",
                               "Local/", "Local", "Local/100@open-own@closed", "Local/100@closed/@open-own",
                               "Local/@", "Local/1@", "Local/100@open-own,closed", "CBAnn/x", "recorder/x"}) {
    const std::string one = R"("endpoint":")" + std::string(endpoint) + "\"";
    for (const std::string method : {"originate", "channels.originate"})
      CHECK(tenants.is_not_allowed(method, "{" + one + "}"));
    CHECK(tenants.is_not_allowed("channels.create", "{" + one + R"(,"app":"own"})"));
    CHECK(tenants.is_not_allowed("channels.originateWithId",
                                 "{" + one + R"(,"app":"own","channelId":"own-1"})"));
    for (const std::string method : {"transfer", "channels.redirect"})
      CHECK(tenants.is_not_allowed(method, "{" + one + R"(,"channelId":"own-channel"})"));
  }
  CHECK(tenants.is_sent("originate", R"({"endpoint":"Local/100@open-own/n"})"));
  CHECK(tenants.is_not_allowed(
      "channels.setChannelVar",
      R"({"channelId":"own-channel","variable":"TRANSFER_CONTEXT","value":"closed"})"));
}

TEST_CASE("new ids and names begin with an application of the rule") {
  Tenants tenants;
  const auto originate = [](const std::string& id) {
    return R"({"endpoint":"PJSIP/100","channelId":")" + id + "\"}";
  };
  for (const char* id : {"x", "own", "other-1", "OWN-1", "aribus-0123456789abcdef", "own-a,b", "own-\\\"",
                         "own-(", "own-/", "own-%2f", "own 1"})
    CHECK(tenants.is_not_allowed("originate", originate(id)));
  CHECK(tenants.is_sent("originate", originate("own-1")));
  CHECK(tenants.is_sent("originate", originate("own-a.b_c:1")));
  const auto record = [](const std::string& name) {
    return R"({"channelId":"own-channel","format":"wav","name":")" + name + "\"}";
  };
  for (const char* name : {"x", "/tmp/own-x", "other-x", "own-/../other-x", "own-..", "../own-x"}) {
    CHECK(tenants.is_not_allowed("record", record(name)));
    CHECK(tenants.is_not_allowed("channels.record", record(name)));
  }
  CHECK(tenants.is_sent("record", record("own-folder/x")));
  CHECK(tenants.is_sent("bridges.create", R"({"name":"any name"})"));  // names of bridges need not be unique
  // What somebody else has put into the rule's part of the ids is not touched.
  tenants.changed(IdKind::bridge, "own-foreign", bound_bridge("own-foreign", ""));
  CHECK_THAT(tenants.refused("bridges.createWithId", R"({"bridgeId":"own-foreign","name":"x"})"),
             ContainsSubstring("409"));
}

TEST_CASE("an application whose name begins as another's keeps its own ids") {
  Loop loop;
  Dispatcher dispatcher(test::asterisk_methods());
  test::TestServer server(loop, test::client_options(test::nowhere, {"ivr", "ivr-test", "IVR-loud"}));
  const Bounds bounds;
  const auto may_create = [&](const std::string& app, const std::string& id) {
    Json params = json(R"({"bridgeId":")" + id + "\"}");
    return bounds
        .check(bounded("rule", app), server, *test::asterisk_methods().find("bridges.create"), params, "")
        .ok();
  };
  CHECK(may_create("ivr", "ivr-1"));
  CHECK(may_create("ivr-test", "ivr-test-1"));
  CHECK_FALSE(may_create("ivr", "ivr-test-1"));
  CHECK_FALSE(may_create("ivr", "ivr-test"));  // Asterisk would take it for the beginning of ivr-test-1
  CHECK_FALSE(may_create("ivr", "ivr-"));
  CHECK_FALSE(may_create("ivr", "ivr-LOUD-1"));
  CHECK_FALSE(may_create("ivr-test", "ivr-1"));
}

TEST_CASE("media and languages do not lead to the files of others") {
  Tenants tenants;
  const auto play = [](const std::string& media, const std::string& more = "") {
    return R"({"channelId":"own-channel","media":)" + media + more + "}";
  };
  for (const char* media :
       {R"("recording:other-x")", R"("recording:x")", R"("recording:own-/../other-x")",
        R"("sound:/var/spool/x")", R"("sound:../x")", R"("sound:a/../../x")",
        R"(["sound:beep","recording:other-x"])", R"("sound:beep,recording:other-x")",
        R"(["sound:beep,recording:other-x"])", R"("sound:\"/etc/x\"")", R"("sound:\\/etc/x")", R"("file:/x")",
        R"("")", R"("x")", R"("SOUND:/x")", R"("sound:a,sound:/x")"}) {
    for (const char* method : {"play", "channels.play"}) CHECK(tenants.is_not_allowed(method, play(media)));
  }
  for (const char* media :
       {R"("sound:beep")", R"("recording:own-x")", R"(["digits:1","tone:ring","number:5"])",
        R"("http://example.com/x.wav")", R"("characters:abc")"})
    CHECK(tenants.is_sent("play", play(media)));
  for (const char* language : {"../../../spool", "/tmp", "en/..", "."})
    CHECK(tenants.is_not_allowed("play",
                                 play(R"("sound:beep")", R"(,"lang":")" + std::string(language) + "\"")));
  CHECK(tenants.is_sent("play", play(R"("sound:beep")", R"(,"lang":"en_GB")")));
  CHECK(tenants.is_not_allowed(
      "channels.setChannelVar",
      R"j({"channelId":"own-channel","variable":"CHANNEL(language)","value":"../x"})j"));
  CHECK(tenants.is_not_allowed("originate",
                               R"j({"endpoint":"PJSIP/1","variables":{"CHANNEL( language )":"../x"}})j"));
}

TEST_CASE("each of several ids is checked") {
  Tenants tenants;
  const std::string unknown =
      tenants.refused("bridges.addChannel", R"({"bridgeId":"own-bridge","channel":"unknown"})");
  for (const char* channels :
       {R"(["own-channel","other-channel"])", R"("own-channel,other-channel")",
        R"(["own-channel,other-channel"])", R"("other-channel,own-channel")", R"([[]])"}) {
    const std::string params = R"({"bridgeId":"own-bridge","channel":)" + std::string(channels) + "}";
    if (std::string_view(channels) == "[[]]") continue;
    CHECK(tenants.refused("bridges.addChannel", params) == unknown);
    CHECK(tenants.refused("bridges.removeChannel", params)
              .ends_with(R"("path":"/bridges/{bridgeId}/removeChannel"})"));
  }
  CHECK(tenants.is_sent("bridge", R"({"channels":["own-channel"]})"));
  CHECK_THAT(tenants.refused("bridge", R"({"channels":["own-channel","other-channel"]})"),
             ContainsSubstring("400"));
  for (const char* sources :
       {R"("channel:")", R"("bridge:")", R"("endpoint:PJSIP/100")", R"("deviceState:x")", R"("x")",
        R"("channel:own-channel,endpoint:PJSIP")", R"(["channel:own-channel","channel:"])"}) {
    CHECK(tenants.is_not_allowed("applications.subscribe",
                                 R"({"applicationName":"own","eventSource":)" + std::string(sources) + "}"));
    CHECK(tenants.is_not_allowed("events.userEvent", R"({"application":"own","eventName":"x","source":)" +
                                                         std::string(sources) + "}"));
  }
}

TEST_CASE("an empty bridge belongs to the rule whose command created it") {
  Tenants tenants;
  const auto get = [&](const std::string& rule) {
    tenants.answer_body = bound_bridge("own-new", "");
    return tenants.call_as(rule, "bridges.get", R"({"bridgeId":"own-new"})").ok();
  };
  tenants.answer_body = bound_bridge("own-new", "");
  REQUIRE(tenants.is_sent("bridges.create", R"({"bridgeId":"own-new"})"));
  CHECK(get("own"));
  tenants.rules.emplace("twin", bounded("twin", "own"));
  CHECK_FALSE(get("twin"));
  CHECK_FALSE(get("other"));
  // Another one with its id is somebody else's.
  tenants.server.event(R"({"type":"BridgeDestroyed","application":"own","bridge":)" +
                       bound_bridge("own-new", "") + "}");
  CHECK_FALSE(get("own"));
  tenants.changed(IdKind::bridge, "own-new", bound_bridge("own-new", "", "2026-11-22T22:00:00.000+0000"),
                  "own");
  CHECK_FALSE(get("own"));
  // One that was not created is not the rule's when it comes.
  tenants.status = 500;
  REQUIRE_FALSE(tenants.call("bridges.create", R"({"bridgeId":"own-late"})").ok());
  tenants.status = 200;
  tenants.changed(IdKind::bridge, "own-late", bound_bridge("own-late", ""), "own");
  CHECK_FALSE(tenants.call("bridges.get", R"({"bridgeId":"own-late"})").ok());
}

TEST_CASE("who created a bridge is remembered for as long as it lives, however many come and go") {
  Tenants tenants;
  const auto create = [&](const std::string& id) {
    tenants.answer_body = bound_bridge(id, "");
    REQUIRE(tenants.is_sent("bridges.create", R"({"bridgeId":")" + id + "\"}"));
  };
  create("own-kept");
  for (int i = 0; i < 1200; ++i) {
    const std::string id = "own-" + std::to_string(i);
    create(id);
    tenants.server.event(R"({"type":"BridgeDestroyed","application":"own","bridge":)" + bound_bridge(id, "") +
                         "}");
  }
  CHECK(tenants.is_sent("bridges.destroy", R"({"bridgeId":"own-kept"})"));
}

TEST_CASE("lists have what the rule reaches") {
  Tenants tenants;
  tenants.answer_body = "[" + bound_channel("other-channel") + "," + bound_channel("own-channel") + "," +
                        bound_channel("free-channel") + "," + bound_channel("unknown") + "]";
  const Json listed = json(*tenants.call("channels.list", "{}"));
  REQUIRE(listed.Size() == 1);
  CHECK(find_string(listed[0], "id") == "own-channel");
  tenants.answer_body =
      "[" + bound_bridge("other-bridge", "\"other-channel\"") + "," + bound_bridge("free-bridge", "") + "]";
  CHECK(*tenants.call("bridges.list", "{}") == "[]");
  const auto app = [](const std::string& name) {
    return R"({"name":")" + name +
           R"(","channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[]})";
  };
  tenants.answer_body = "[" + app("other") + "," + app("own") + "]";
  CHECK_THAT(*tenants.call("applications.list", "{}"),
             ContainsSubstring("own") && !ContainsSubstring("other"));
}

TEST_CASE("an object that has left the application while Asterisk answered is not shown") {
  Tenants tenants;
  const std::string unknown = tenants.refused("channels.get", R"({"channelId":"unknown"})");
  tenants.before_answer = [&] { tenants.moves("other", "own-channel"); };
  tenants.answer_body = bound_channel("own-channel");
  const auto answer = tenants.call("channels.get", R"({"channelId":"own-channel"})");
  REQUIRE(tenants.asterisk.requests.size() == 1);
  REQUIRE_FALSE(answer.ok());
  CHECK(std::to_string(static_cast<int>(answer.error().kind)) + " " + answer.error().message + " " +
            answer.error().data ==
        unknown);
}

TEST_CASE("a key of another rule of the same user says nothing") {
  Tenants tenants;
  const std::string hangup = R"({"channelId":"other-channel","key":"k"})";
  REQUIRE(tenants.call_as("other", "hangup", hangup).ok());
  CHECK(tenants.refused("hangup", hangup) ==
        tenants.refused("hangup", R"({"channelId":"unknown","key":"l"})"));
  CHECK(tenants.is_sent("hangup", R"({"channelId":"own-channel","key":"k2"})"));
  // A repeat gets the answer of the first one, although the channel has ended meanwhile.
  tenants.server.event(
      R"({"type":"ChannelDestroyed","application":"own","cause":16,"cause_txt":"x","channel":)" +
      bound_channel("own-channel") + "}");
  CHECK(tenants.call("hangup", R"({"channelId":"own-channel","key":"k2"})").ok());
  CHECK(tenants.asterisk.requests.empty());
}

TEST_CASE("with several Asterisks, ids of others do not tell where they are") {
  Loop loop;
  Dispatcher dispatcher(test::asterisk_methods());
  test::TestServer first(loop, test::client_options(test::nowhere, {"own", "other"}), "pbx1");
  test::TestServer second(loop, test::client_options(test::nowhere, {"own", "other"}), "pbx2");
  dispatcher.add_server(first);
  dispatcher.add_server(second);
  const auto enters = [&](const std::string& app, const std::string& id) {
    second.event(R"({"type":"StasisStart","application":")" + app + R"(","args":[],"channel":)" +
                 bound_channel(id) + "}");
  };
  enters("own", "own-channel");
  enters("other", "other-channel");
  control::Caller caller;
  caller.principal = {.id = 1, .rule = std::make_shared<const AccessRule>(bounded("own", "own"))};
  const auto error = [&](const std::string& id) {
    std::string text;
    dispatcher.call(caller, "channels.hangup", json(R"({"channelId":")" + id + "\"}"),
                    [&](const Result<ResultText>& got) { text = got ? "done" : got.error().message; });
    return text;
  };
  CHECK_THAT(error("own-channel"), ContainsSubstring("not connected"));
  CHECK(error("other-channel") == error("unknown"));
}

TEST_CASE("before the live objects are known, no object is said not to exist") {
  Loop loop;
  Dispatcher dispatcher(test::asterisk_methods());
  test::TestServer server(loop, test::client_options(test::nowhere, {"own"}));
  dispatcher.add_server(server);
  control::Caller caller;
  caller.principal = {.id = 1, .rule = std::make_shared<const AccessRule>(bounded("own", "own"))};
  std::optional<Result<ResultText>> answer;
  dispatcher.call(caller, "channels.hangup", json(R"({"channelId":"own-channel"})"),
                  [&](const Result<ResultText>& got) { answer = got; });
  REQUIRE((answer && !answer->ok()));
  CHECK(answer->error().kind == ErrorKind::not_connected);
}
