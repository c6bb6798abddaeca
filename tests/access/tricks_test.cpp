// Commands that a rule allows, with parameters that reach what it does not.
#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// A method and its parameters.
using Command = std::pair<std::string, std::string>;

// Harmless but for a name that calls a function of the dialplan, in the place of @.
const Command carriers[] = {
    {"channels.getChannelVar", R"j({"channelId":"c1","variable":"@"})j"},
    {"channels.getChannelVar", R"j({"channelId":"c1","variable":["@"]})j"},
    {"channels.getChannelVar", R"j({"channelId":1,"variable":"@"})j"},
    {"channels.getChannelVars", R"j({"channelId":"c1","variables":["A","@"]})j"},
    {"channels.getChannelVars", R"j({"channelId":"c1","variables":"A,@"})j"},
    {"channels.setChannelVar", R"j({"channelId":"c1","variable":"@","value":"y"})j"},
    {"channels.setChannelVars", R"j({"channelId":"c1","variables":{"A":"b","@":"y"}})j"},
    {"bridges.setBridgeVar", R"j({"bridgeId":"b1","variable":"@","value":"y"})j"},
    {"bridges.setBridgeVars", R"j({"bridgeId":"b1","variables":{"@":{"value":"y"}}})j"},
    {"bridges.getBridgeVar", R"j({"bridgeId":"b1","variable":"@"})j"},
    {"asterisk.getGlobalVar", R"j({"variable":"@"})j"},
    {"originate", R"j({"endpoint":"Local/s","variables":{"@":"x"}})j"},
    {"originate", R"j({"endpoint":"Local/s","variables":{"variables":{"@":"x"}}})j"},
    {"channels.originate", R"j({"endpoint":"Local/s","variables":{"A":"b","A":{"@":"x"}}})j"},
    {"channels.originateWithId", R"j({"channelId":"c9","endpoint":"Local/s","variables":{"@":"x"}})j"},
    {"channels.create", R"j({"endpoint":"Local/s","app":"demo","variables":{"@":"x"}})j"},
    {"channels.externalMedia",
     R"j({"app":"demo","external_host":"127.0.0.1:1","format":"ulaw","variables":{"CALLERID(num)":"1","@":"x"}})j"},
    {"endpoints.sendMessage", R"j({"to":"pjsip:x","from":"y","variables":{"@":"y"}})j"},
};

const std::string names[] = {"SHELL(id)",
                             "shell(id)",
                             " SHELL (id)",
                             R"j(SHELL\u0028id))j",
                             "SHELL((id)",
                             "FILE(/etc/passwd)",
                             "FIELDQTY(SHELL(id),x)",
                             "CALLERID(${SHELL(id)})",
                             "EVAL(${X})",
                             "CALLERID(num)SHELL(id)",
                             "X-CALLERID(num)",
                             "_FILE(/etc/passwd)",
                             "DB(a/b)",
                             "GLOBAL(X)",
                             "CURL(http://x)",
                             "ENV(PATH)",
                             "AST_CONFIG(pjsip.conf,a,password)",
                             "PJSIP_ENDPOINT(a,auth)",
                             "STAT(e,/x)",
                             "LOCK(x)",
                             "(x)"};

// Other ways to what the rule does not allow.
const Command others[] = {
    {"ari.request", R"({"method":"DELETE","path":"/channels/c1"})"},
    {"ari.request", R"({"method":"GET","path":"/ari/../asterisk/info"})"},
    {"ari.request", R"({"method":"PUT","path":"/channels/%2e%2e/asterisk/modules/x"})"},
    {"ari.request", R"({"method":"POST","path":"//asterisk/variable//"})"},
    {"ari.request", "[]"},
    {"ari.request", "null"},
    {"asterisk.getObject", R"({"configClass":"res_pjsip","objectType":"auth","id":"x"})"},
    {"asterisk.getObject", R"({"configClass":1})"},
};

// No rule refuses these, and yet nothing is sent.
const Command invalid[] = {
    {"Channels.Hangup", R"({"channelId":"c1"})"},
    {"channels.hangup ", R"({"channelId":"c1"})"},
    {"ARI.request", R"({"method":"DELETE","path":"/channels/c1"})"},
    {R"(channels.hangup\u0000)", R"({"channelId":"c1"})"},
    {"channels.getChannelVar", R"j({"channelId":"c1","variable":"A","variable":"SHELL(id)"})j"},
    {"channels.getChannelVar", R"({"channelId":"c1","variable":"A\u0000B"})"},
    {"channels.hangup", R"({"channelId":1})"},
    {"channels.hangup", R"(["c1"])"},
};

// Somebody who may control, and a channel of his, c1; what reaches Asterisk is counted from here on.
struct Tricks : Stage {
  Tricks() : Stage(rules), peer(daemon.socket_path(), operator_by_group) {
    REQUIRE(peer.code("originate", R"({"endpoint":"Local/answer@default","channelId":"c1"})") == 0);
    asterisk.control("DELETE", "log");
  }
  void is_refused(const std::string& method, const std::string& params) {
    INFO(method << " " << params);
    const Json answer = peer.ask(method, params);
    INFO(to_text(answer));
    CHECK(code_in(answer) == not_allowed);
    CHECK(rule_in(answer) == "control");
  }

  Peer peer;
};

}  // namespace

TEST_CASE("no name of a function is let through, in whatever parameter") {
  if (needs_root()) return;
  Tricks tricks;
  for (const auto& [method, pattern] : carriers) {
    for (const std::string& name : names) {
      std::string params = pattern;
      tricks.is_refused(method, params.replace(params.find('@'), 1, name));
    }
  }
  CHECK(tricks.effects().empty());
}

TEST_CASE("no other way leads around a rule") {
  if (needs_root()) return;
  Tricks tricks;
  for (const auto& [method, params] : others) tricks.is_refused(method, params);
  for (const auto& [method, params] : invalid) {
    INFO(method << " " << params);
    CHECK(tricks.peer.code(method, params) != 0);
  }
  CHECK(tricks.effects().empty());
}

TEST_CASE("names and values that only look like functions go through") {
  if (needs_root()) return;
  Tricks tricks;
  Peer& peer = tricks.peer;
  CHECK(works_soon(peer, "channels.setChannelVar",
                   R"j({"channelId":"c1","variable":"CALLERID(name)","value":"${SHELL(id)}"})j"));
  CHECK(peer.code("channels.getChannelVar", R"j({"channelId":"c1","variable":"CHANNEL(state)"})j") !=
        not_allowed);
  CHECK(peer.code("events.userEvent",
                  R"j({"eventName":"x","application":"demo","variables":{"a(b)":"c"}})j") != not_allowed);
  CHECK(tricks.effects().size() >= 2);
}
