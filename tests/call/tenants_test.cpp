// Two applications whose programs must not reach each other's calls, on real Asterisks.
#include <algorithm>
#include <map>
#include <set>

#include "client/line_socket.h"
#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

using std::chrono::seconds;

// What ARI's objects are named by, and which of it belongs to whom.
const std::map<std::string, std::string, std::less<>> object_names{
    {"bridgeId", "bridge"},     {"caller", "leg"},
    {"channel", "leg"},         {"channelId", "leg"},
    {"channels", "leg"},        {"originator", "leg"},
    {"playbackId", "playback"}, {"recordingName", "recording"},
    {"source", "channel:leg"},  {"eventSource", "channel:leg"}};

std::string of(const std::string& app, std::string_view kind) {
  const bool is_source = kind.starts_with("channel:");
  if (is_source) kind.remove_prefix(kind.find(':') + 1);
  return (is_source ? "channel:" : "") + app + "-" + std::string(kind);
}

Server server_with(const Asterisk& asterisk, const std::vector<std::string>& apps) {
  Server server = asterisk.server(apps.front());
  server.apps = apps;
  return server;
}

// A daemon with two applications, a socket for the programs of each, and one for an administrator.
struct Tenants {
  explicit Tenants(const std::string& version)
      : asterisk(Asterisk::running(version)),
        other(fresh_app()),
        own(fresh_app()),
        daemon({server_with(asterisk, {other, own})}, config()),
        admin((daemon.wait_ready(), daemon.connect())),
        stranger(connect("other")),
        tenant(connect("own")) {
    for (const std::string& app : {other, own}) {
      Program& program = app == own ? tenant : stranger;
      for (const char* leg : {"-leg", "-played", "-recorded"}) make_leg(program, app, app + leg);
      program.call("bridges.create", object({{"bridgeId", app + "-bridge"}, {"type", "mixing"}}));
      program.call("bridges.addChannel", object({{"bridgeId", app + "-bridge"}, {"channel", app + "-leg"}}));
      program.call("play", object({{"channelId", app + "-played"},
                                   {"media", "tone:ring"},
                                   {"playbackId", app + "-playback"}}));
      program.call("record", object({{"channelId", app + "-recorded"},
                                     {"name", app + "-recording"},
                                     {"format", "wav"},
                                     {"ifExists", "overwrite"}}));
    }
    // An empty one, which no channel of its application is in.
    stranger.call("bridges.create", object({{"bridgeId", other + "-empty"}}));
  }
  ~Tenants() {
    for (const std::string& app : {other, own}) {
      for (const char* leg : {"-leg", "-played", "-recorded"})
        static_cast<void>(admin.client().call("hangup", params(app + leg)));
      for (const char* bridge : {"-bridge", "-empty", "-new"})
        static_cast<void>(admin.client().call("bridges.destroy", object({{"bridgeId", app + bridge}})));
      static_cast<void>(
          soon([&] { return !admin.client().call("recordings.getLive", named(app + "-recording")).ok(); }));
      static_cast<void>(admin.client().call("recordings.deleteStored", named(app + "-recording")));
    }
  }
  Tenants(const Tenants&) = delete;
  Tenants& operator=(const Tenants&) = delete;

  [[nodiscard]] std::string config() const {
    const auto rule = [](const std::string& name, const std::string& app) {
      return "  - {name: " + name + ", sockets: [@DIRECTORY@/" + name +
             ".sock], methods: [read, control, admin], apps: [" + app +
             ", \"\"], bound_commands: true, contexts: [default]}\n";
    };
    return "  - path: @DIRECTORY@/own.sock\n  - path: @DIRECTORY@/other.sock\naccess:\n" + rule("own", own) +
           rule("other", other) + "  - {name: admin, methods: [read, control, admin], functions: [\"*\"]}\n";
  }
  [[nodiscard]] std::string path(const std::string& rule) const {
    return daemon.socket_path().substr(0, daemon.socket_path().rfind('/') + 1) + rule + ".sock";
  }
  [[nodiscard]] Program connect(const std::string& rule) const {
    auto client = client::Connection::connect(path(rule));
    if (!client) throw std::runtime_error(client.error().message);
    return Program(std::move(*client));
  }
  static void make_leg(Program& program, const std::string& app, const std::string& id) {
    program.call("originate", object({{"endpoint", "Local/echo@default"}, {"channelId", id}, {"app", app}}));
    program.expect_about("StasisStart", id);
  }
  // What Asterisk says of all that is the other's.
  std::vector<std::string> others_state() {
    std::vector<std::string> texts;
    for (const char* leg : {"-leg", "-played", "-recorded"})
      texts.push_back(to_text(admin.call("channels.get", params(other + leg))));
    for (const char* bridge : {"-bridge", "-empty"})
      texts.push_back(to_text(admin.call("bridges.get", object({{"bridgeId", other + bridge}}))));
    texts.push_back(
        text_at(admin.call("playbacks.get", object({{"playbackId", other + "-playback"}})), "state"));
    texts.push_back(text_at(admin.call("recordings.getLive", named(other + "-recording")), "state"));
    Json app = admin.call("applications.get", object({{"applicationName", other}}));
    texts.push_back(to_text(app));
    return texts;
  }

  Asterisk asterisk;
  std::string other, own;
  Daemon daemon;
  Program admin, stranger, tenant;
};

// The least that a method of rpc.discover takes, with what is the tenant's own.
std::map<std::string, std::string> least_params(const JsonValue& method, const std::string& own) {
  std::map<std::string, std::string> values;
  for (const JsonValue& parameter : find(method, "params")->GetArray()) {
    const std::string name(find_string(parameter, "name"));
    const JsonValue* required = find(parameter, "required");
    if (required == nullptr || !required->GetBool()) continue;
    const std::string schema = to_text(*find(parameter, "schema"));
    const auto object = object_names.find(name);
    std::string value = "\"x\"";
    if (object != object_names.end())
      value = Argument::quoted(of(own, object->second));
    else if (name == "app" || name == "application" || name == "applicationName")
      value = Argument::quoted(own);
    else if (name == "endpoint")
      value = "\"Local/echo@default\"";
    else if (name == "media")
      value = "\"sound:beep\"";
    else if (name == "format")
      value = "\"wav\"";
    else if (name == "operation")
      value = "\"pause\"";
    else if (name == "dtmf")
      value = "\"5\"";
    else if (name == "snoopId" || (name == "name" && find_string(method, "name").ends_with("record")))
      value = Argument::quoted(own + "-new");
    else if (schema.find(R"("type":"integer")") != std::string::npos)
      value = "1";
    else if (schema.find(R"("type":"object")") != std::string::npos)
      value = R"({"X":"1"})";
    values[name] = value;
  }
  const std::string method_name(find_string(method, "name"));
  if (method_name.starts_with("channels.snoop")) values["spy"] = "\"both\"";
  if (method_name == "play" || method_name == "record") values["channelId"] = Argument::quoted(own + "-leg");
  if (method_name == "transfer" || method_name == "channels.continueInDialplan")
    values["context"] = "\"default\"";
  if (method_name.ends_with("WithId")) {
    if (method_name.starts_with("channels.originate")) values["channelId"] = Argument::quoted(own + "-new");
    if (method_name.starts_with("bridges.create")) values["bridgeId"] = Argument::quoted(own + "-new");
    if (method_name.find("play") != std::string::npos) values["playbackId"] = Argument::quoted(own + "-new");
  }
  return values;
}

std::string text_of(const std::map<std::string, std::string>& values) {
  std::string text;
  for (const auto& [name, value] : values)
    text += (text.empty() ? "" : ",") + Argument::quoted(name) + ":" + value;
  return "{" + text + "}";
}

// The parameter names what the method creates.
bool is_new(std::string_view method, std::string_view parameter) {
  if (parameter == "channelId") {
    return method == "originate" || method == "channels.originate" || method == "channels.originateWithId" ||
           method == "channels.create" || method == "channels.externalMedia";
  }
  if (parameter == "bridgeId") return method == "bridge" || method.starts_with("bridges.create");
  return parameter == "playbackId" && !method.starts_with("playbacks.");
}

std::string text_of(const Error& error) {
  return std::to_string(static_cast<int>(error.kind)) + " " + error.message + " " + error.data;
}

}  // namespace

TEST_CASE("no method reaches what belongs to another application, or tells that it exists", "[call]") {
  on_each_version([](const std::string& version) {
    Tenants tenants(version);
    const auto before = tenants.others_state();
    const Json described = tenants.tenant.call("rpc.discover");
    size_t tried = 0;
    std::set<std::string> refused;
    for (const JsonValue& method : described["methods"].GetArray()) {
      const std::string name(find_string(method, "name"));
      for (const JsonValue& parameter : find(method, "params")->GetArray()) {
        const std::string given(find_string(parameter, "name"));
        const auto object = object_names.find(given);
        if (object == object_names.end() || is_new(name, given) || name.starts_with("state.") ||
            name == "subscribe")
          continue;
        INFO(name << " " << given);
        auto values = least_params(method, tenants.own);
        if (given == "bridgeId" && (name == "play" || name == "record")) values.erase("channelId");
        const auto with = [&](const std::string& whose) {
          values[given] = Argument::quoted(of(whose, object->second));
          return text_of(values);
        };
        const Error foreign = tenants.tenant.refused(name, with(tenants.other));
        const Error unknown = tenants.tenant.refused(name, with(tenants.own + "-unknown"));
        CHECK(text_of(foreign) == text_of(unknown));
        CHECK_THAT(text_of(foreign), !ContainsSubstring(tenants.other));
        ++tried;
        // What the daemon says in Asterisk's place is what Asterisk says.
        if (foreign.kind == ErrorKind::not_allowed) {
          refused.insert(name);
          continue;
        }
        if (given == "originator" || given == "caller" || given == "channels" || given == "source")
          continue;  // Asterisk acts
        const Error asterisks = tenants.admin.refused(name, with(tenants.own + "-unknown"));
        if (asterisks.kind != ErrorKind::too_old) CHECK(text_of(asterisks) == text_of(unknown));
      }
    }
    CHECK(tried > 70);
    CHECK(refused == std::set<std::string>{"recordings.copyStored", "recordings.deleteStored",
                                           "recordings.getStored", "recordings.getStoredFile"});
    CHECK(tenants.others_state() == before);
  });
}

TEST_CASE("lists and the live state show a program what is its own", "[call]") {
  on_each_version([](const std::string& version) {
    Tenants tenants(version);
    for (const char* method : {"channels.list", "bridges.list", "applications.list", "state.channels",
                               "state.bridges", "state.playbacks", "state.recordings", "state.calls"}) {
      INFO(method);
      const std::string answer = to_text(tenants.tenant.call(method));
      CHECK_THAT(answer, ContainsSubstring(tenants.own) && !ContainsSubstring(tenants.other));
      const std::string all = to_text(tenants.admin.call(method));
      CHECK_THAT(all, ContainsSubstring(tenants.own) && ContainsSubstring(tenants.other));
    }
  });
}

TEST_CASE("no way around leads to what belongs to another application", "[call]") {
  on_each_version([](const std::string& version) {
    Tenants tenants(version);
    const std::string other = tenants.other, own = tenants.own, unknown = own + "-unknown";
    const auto before = tenants.others_state();
    const auto not_allowed = [&](const std::string& method, const std::string& params) {
      INFO(method << " " << params);
      const Error error = tenants.tenant.refused(method, params);
      CHECK(error.kind == ErrorKind::not_allowed);
      CHECK_THAT(error.message, !ContainsSubstring(other));
    };
    // Requests that are no operation.
    not_allowed("ari.request", R"({"method":"DELETE","path":"/channels/)" + other + "-leg\"}");
    not_allowed("ari.request", R"({"method":"GET","path":"/channels"})");

    // A batch: each of its requests is checked.
    auto socket = client::LineSocket::connect(tenants.path("own"), seconds(15), 1 << 20);
    REQUIRE(socket.ok());
    std::string batch;
    for (const std::string& id : {other + "-leg", unknown, own + "-leg"}) {
      batch += (batch.empty() ? "[" : ",") + (R"({"jsonrpc":"2.0","id":)" + std::to_string(batch.size()) +
                                              R"(,"method":"channels.get","params":)" + params(id) + "}");
    }
    REQUIRE(socket->write(batch + "]\n", client::LineSocket::Clock::now() + seconds(15)).ok());
    client::LineSocket::Deadline until{client::LineSocket::Clock::now() + seconds(15)};
    const auto line = socket->read_line(until);
    REQUIRE((line.ok() && line->has_value()));
    const Result<Json> parsed = parse_json(std::string(**line));
    REQUIRE(parsed.ok());
    const Json& answers = *parsed;
    REQUIRE(answers.Size() == 3);
    std::vector<std::string> errors;
    for (const JsonValue& answer : answers.GetArray()) {
      if (const JsonValue* error = find(answer, "error")) errors.push_back(to_text(*error));
    }
    REQUIRE(errors.size() == 2);
    CHECK(errors[0] == errors[1]);

    // A key that a program of another rule has used, as the same user.
    const std::string set = params(other + "-leg", R"("variable":"X","value":"1","key":"k")");
    tenants.stranger.call("channels.setChannelVar", set);
    CHECK(text_of(tenants.tenant.refused("channels.setChannelVar", set)) ==
          text_of(tenants.tenant.refused("channels.setChannelVar",
                                         params(unknown, R"("variable":"X","value":"1","key":"k1")"))));
    tenants.tenant.call("channels.setChannelVar",
                        params(own + "-leg", R"("variable":"X","value":"1","key":"k2")"));

    // Ids that are in use: the answer is that of any id that is not the rule's.
    const auto creating = [&](const std::string& method, const std::string& parameter, const std::string& id,
                              const std::string& more) {
      return text_of(tenants.tenant.refused(method, "{" + Argument(parameter, id).member + more + "}"));
    };
    const std::string leg = other + "-leg", app = R"(,"app":")" + own + "\"",
                      on = R"(,"channelId":")" + own + "-leg\"";
    const struct {
      const char* method;
      const char* parameter;
      std::string id, more;
    } new_ids[] = {
        {"originate", "channelId", leg, R"(,"endpoint":"Local/echo@default")"},
        {"originate", "otherChannelId", leg, R"(,"endpoint":"Local/echo@default")"},
        {"channels.create", "channelId", leg, R"(,"endpoint":"Local/echo@default")" + app},
        {"channels.externalMedia", "channelId", leg,
         R"(,"external_host":"127.0.0.1:9","format":"ulaw")" + app},
        {"channels.snoopChannel", "snoopId", leg, R"(,"spy":"both")" + app + on},
        {"bridges.create", "bridgeId", other + "-bridge", ""},
        {"bridges.createWithId", "bridgeId", other + "-bridge", R"(,"name":"changed")"},
        {"bridge", "bridgeId", other + "-bridge", R"(,"channels":")" + own + "-leg\""},
        {"play", "playbackId", other + "-playback", R"(,"media":"sound:beep")" + on},
        {"record", "name", other + "-recording", R"(,"format":"wav","ifExists":"overwrite")" + on},
    };
    for (const auto& [method, parameter, id, more] : new_ids) {
      INFO(method);
      const std::string answer = creating(method, parameter, id, more);
      CHECK(answer == creating(method, parameter, "x" + id, more));
      CHECK_THAT(answer, !ContainsSubstring(other));
    }

    // Its application, its recordings, and places in the dialplan.
    not_allowed("originate", R"({"endpoint":"Local/echo@default","app":")" + other + "\"}");
    not_allowed("channels.move", params(own + "-leg", R"("app":")" + other + "\""));
    not_allowed("originate", R"({"endpoint":"Local/)" + own + R"(@from-sip"})");
    not_allowed("originate", R"({"endpoint":"PJSIP/100","context":"from-sip","extension":"x"})");
    not_allowed("transfer", params(own + "-leg", R"("context":"from-sip")"));
    not_allowed("play", params(own + "-leg", R"("media":"recording:)" + other + "-recording\""));
    not_allowed("play", params(own + "-leg", R"("media":"sound:/var/spool/asterisk/recording/x")"));
    not_allowed("recordings.listStored", "{}");
    not_allowed("endpoints.list", "{}");

    // A call of others is no call.
    const Json calls = tenants.admin.call("state.calls");
    std::string others_call;
    for (const JsonValue& item : calls["calls"].GetArray()) {
      if (to_text(item).find(other + "-leg\"") != std::string::npos) others_call = text_at(item, "call.id");
    }
    REQUIRE_FALSE(others_call.empty());
    const auto into = [&](const std::string& call) {
      std::string text = text_of(
          tenants.tenant.refused("originate", R"({"endpoint":"Local/echo@default","call":")" + call + "\"}"));
      return text.replace(text.find(call), call.size(), "@");
    };
    CHECK(into(others_call) == into("no-call"));
    CHECK(tenants.others_state() == before);
  });
}

TEST_CASE("a program does with its own calls what it likes, and a moved channel is no more its own",
          "[call]") {
  on_each_version([](const std::string& version) {
    Tenants tenants(version);
    const std::string own = tenants.own, leg = own + "-leg";
    Program& tenant = tenants.tenant;
    // An empty bridge is that of the rule whose command created it, from the answer on.
    const auto created = tenant.client().send("bridges.create", object({{"bridgeId", own + "-new"}}));
    const auto got = tenant.client().send("bridges.get", object({{"bridgeId", own + "-new"}}));
    CHECK(tenant.client().wait(*created).ok());
    CHECK(tenant.client().wait(*got).ok());
    tenant.call("bridges.destroy", object({{"bridgeId", own + "-new"}}));
    // An originate goes to its own application, though another one is the server's first.
    const std::string leg2 = text_at(
        tenant.call("originate", R"({"endpoint":"Local/echo@default","wait":"answer"})"), "channel.id");
    const Json bridge = tenant.call("bridge", R"({"channels":[")" + leg2 + "\"]}");
    tenant.call("bridges.destroy", object({{"bridgeId", text_at(bridge, "id")}}));
    tenant.call("channels.snoopChannel",
                params(leg2, R"("spy":"both","app":")" + own + R"(","snoopId":")" + own + "-snoop\""));
    tenant.call("hangup", params(own + "-snoop"));
    tenant.call("recordings.stop", named(own + "-recording"));
    tenant.call("playbacks.stop", object({{"playbackId", own + "-playback"}}));
    tenant.call("events.userEvent",
                object({{"eventName", "x"}, {"application", own}, {"source", "channel:" + leg2}}));
    tenant.call("hangup", params(leg2));
    // It is moved away by somebody who may.
    tenants.admin.call("channels.move", params(leg, R"("app":")" + tenants.other + "\""));
    tenants.stranger.expect_about("StasisStart", leg);
    const Error moved = tenant.refused("channels.get", params(leg));
    CHECK(text_of(moved) == text_of(tenant.refused("channels.get", params("unknown"))));
    CHECK(tenants.stranger.call("channels.get", params(leg)).IsObject());
  });
}

}  // namespace aribus::test
