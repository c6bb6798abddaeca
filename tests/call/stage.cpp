#include "tests/call/stage.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

#include "tests/support/soon.h"

namespace aribus::test {
namespace {

Server server_of(const Asterisk& asterisk, const std::string& app, bool subscribe_all) {
  Server server = asterisk.server(app);
  server.subscribe_all = subscribe_all;
  if (const char* rest = std::getenv("ARIBUS_REST")) server.more = "    rest: " + std::string(rest) + "\n";
  return server;
}

// Waits until requests go the way that ARIBUS_REST names; 16 knows one way only.
void wait_for_rest(const std::string& version, Program& program) {
  const char* rest = std::getenv("ARIBUS_REST");
  if (rest == nullptr || version == "16") return;
  if (!soon([&] { return text_at(program.call("status")["servers"][0], "rest") == rest; }))
    throw std::runtime_error(std::string("requests do not go over: ") + rest);
}

// Asterisk refuses a channel for a moment after it has told that it is recorded no more.
void add_to_bridge(Program& program, const std::string& params) {
  const auto is_added = [&] {
    const auto added = program.client().call("bridges.addChannel", params);
    if (!added && added.error().message.find("currently recording") == std::string::npos)
      throw std::runtime_error(added.error().message);
    return added.ok();
  };
  if (!soon(is_added)) throw std::runtime_error("the channel is still being recorded: " + params);
}

}  // namespace

Argument::Argument(std::string_view name, std::string_view text)
    : member(quoted(name) + ":" + quoted(text)) {}

std::string Argument::quoted(std::string_view text) {
  return render([&](JsonWriter& writer) { write_string(writer, text); });
}

Argument json_argument(std::string_view name, std::string_view json) {
  Argument argument(name, false);
  argument.member = Argument::quoted(name) + ":" + std::string(json);
  return argument;
}

std::string object(std::initializer_list<Argument> arguments) {
  std::string text;
  for (const Argument& argument : arguments) text += (text.empty() ? "" : ",") + argument.member;
  return "{" + text + "}";
}

std::string params(const std::string& channel, const std::string& more) {
  return R"({"channelId":")" + channel + "\"" + (more.empty() ? "" : "," + more) + "}";
}

std::string named(const std::string& recording) {
  return R"({"recordingName":")" + recording + "\"}";
}

std::vector<std::string> versions() {
  const char* given = std::getenv("ARIBUS_ASTERISK_VERSIONS");
  std::vector<std::string> list;
  std::istringstream words(given == nullptr ? "" : given);
  for (std::string word; words >> word;) list.push_back(word);
  if (list.empty()) {
    throw std::runtime_error(
        "no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22");
  }
  return list;
}

std::string fresh_app() {
  static int count = 0;
  return "calltest" + std::to_string(::getpid()) + "x" + std::to_string(++count);
}

Stage::Stage(const std::string& version, bool subscribe_all)
    : asterisk(Asterisk::running(version)),
      app(fresh_app()),
      devices(subscribe_all ? 1 : 0, "deviceState:"),  // all of them
      daemon({server_of(asterisk, app, subscribe_all)}),
      program((daemon.wait_ready(), daemon.connect())) {
  wait_for_rest(version, program);
}

Stage::~Stage() {
  client::Connection& client = program.client();
  for (const std::string& source : devices) {
    static_cast<void>(
        client.call("applications.unsubscribe", object({{"applicationName", app}, {"eventSource", source}})));
  }
  std::set<std::string, std::less<>> calls;
  for (const Json& record : program.records()) {
    if (text_at(record, "type") == "StasisStart" && text_at(record, "app") == app) {
      calls.insert(text_at(record, "channel.id"));
    }
  }
  const auto sweep = [&](const char* list, const char* remove, const char* parameter) {
    const auto left = client.call(list);
    if (!left || !left->IsArray()) return;
    for (const JsonValue& item : left->GetArray()) {
      const std::string id = text_at(item, "id");
      if (!id.starts_with(app) && !calls.contains(id)) continue;
      static_cast<void>(client.call(remove, object({{parameter, id}})));  // it may be gone meanwhile
    }
  };
  sweep("channels.list", "channels.hangup", "channelId");
  sweep("bridges.list", "bridges.destroy", "bridgeId");
}

void Stage::subscribe_to(const std::string& source) {
  if (source.starts_with("deviceState:")) devices.push_back(source);
  program.call("applications.subscribe", object({{"applicationName", app}, {"eventSource", source}}));
}

std::string Stage::leg(const std::string& id, const std::string& extension) {
  program.call(
      "originate",
      object({{"endpoint", "Local/" + extension + "@default"}, {"channelId", id}, {"appArgs", "leg2"}}));
  program.expect_about("StasisStart", id);
  return id;
}

std::string Stage::bridge(const std::string& id, const std::vector<std::string>& channels) {
  program.call("bridges.create", object({{"bridgeId", id}, {"type", "mixing"}}));
  subscribe_to("bridge:" + id);
  for (const std::string& channel : channels) {
    add_to_bridge(program, object({{"bridgeId", id}, {"channel", channel}}));
    program.expect("ChannelEnteredBridge", [&](const JsonValue& record) {
      return text_at(record, "channel.id") == channel && text_at(record, "bridge.id") == id;
    });
  }
  return id;
}

std::string Stage::answered_call() {
  const Json start = program.expect("StasisStart", [](const JsonValue& record) {
    return text_at(record, "channel.name").starts_with("PJSIP");
  });
  std::string call = text_at(start, "channel.id");
  subscribe_to("channel:" + call);
  program.call("channels.answer", object({{"channelId", call}}));
  program.expect_about("ChannelStateChange", call,
                       [](const JsonValue& record) { return text_at(record, "channel.state") == "Up"; });
  return call;
}

void on_each_version(const std::function<void(const std::string& version)>& act) {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      act(version);
    }
  }
}

}  // namespace aribus::test
