// The audit log of commands that change something.
#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("what changes something is logged with who did it and how it ended, without what was said") {
  if (needs_root()) return;
  Stage stage(std::string(rules) + "logging: {level: error}\n");
  Peer peer(stage.daemon.socket_path(), operator_by_group);
  REQUIRE(peer.code(
              "originate",
              R"({"endpoint":"Local/answer@default","channelId":"c1","variables":{"PIN":"hunter2"}})") == 0);
  CHECK(
      works_soon(peer, "channels.setChannelVar", R"({"channelId":"c1","variable":"PIN","value":"hunter2"})"));
  peer.code("channels.getChannelVar", R"j({"channelId":"c1","variable":"SHELL(echo hunter2)"})j");
  peer.code("channels.setChannelVar", R"j({"channelId":"c1","variable":"SHELL(echo hunter2)","value":"x"})j");
  const Json bridge = peer.ask("bridges.create", R"({"name":"the lobby"})");
  peer.code("endpoints.sendMessage", R"({"to":"pjsip:x\nforged line","from":"y","body":"hunter2"})");
  peer.code("channels.list");
  peer.code("endpoints.sendMessage", R"({"to":"pjsip:x","from":"y","body":"hunter2"})");
  Peer by_reader(stage.daemon.socket_path(), reader);
  by_reader.code("asterisk.unloadModule", R"({"moduleName":"res_ari.so"})");
  Peer admin(stage.daemon.socket_path(), root);
  admin.code(
      "ari.request",
      R"({"method":"POST","path":"/asterisk/variable","query":{"variable":"A","value":"hunter2"},"body":{"a":"hunter2"}})");
  stage.asterisk.fault("DELETE /ari/channels/c1*", R"("drop":"after")");
  peer.code("hangup", R"({"channelId":"c1"})");
  const std::string log = stage.daemon.log();
  INFO(log);
  CHECK_THAT(log, ContainsSubstring(" uid=4001 ") &&
                      ContainsSubstring(" rule=control method=originate server=pbx1 "
                                        "endpoint=Local/answer@default channelId=c1 outcome=done ms="));
  CHECK_THAT(log, ContainsSubstring(
                      "method=channels.setChannelVar server=pbx1 channelId=c1 variable=PIN outcome=done"));
  CHECK_THAT(log,
             ContainsSubstring(
                 "method=channels.setChannelVar channelId=c1 variable=SHELL outcome=refused code=-32003"));
  CHECK_THAT(log, ContainsSubstring("method=bridges.create server=pbx1 bridgeId=" +
                                    std::string(find_string(bridge["result"], "id")) +
                                    R"( name="the lobby" outcome=done)"));
  CHECK_THAT(log, ContainsSubstring(" program=access_tests"));
  CHECK_THAT(log, ContainsSubstring(R"(to="pjsip:x\nforged line" outcome=refused code=-32000)"));
  CHECK_THAT(
      log,
      ContainsSubstring("uid=4003 ") &&
          ContainsSubstring(
              "rule=reading method=asterisk.unloadModule moduleName=res_ari.so outcome=refused code=-32003"));
  CHECK_THAT(log, ContainsSubstring(
                      "method=ari.request server=pbx1 http=POST path=/asterisk/variable outcome=done"));
  CHECK_THAT(log, ContainsSubstring("method=hangup server=pbx1 channelId=c1 outcome=unknown code=-32002"));
  CHECK_THAT(log, !ContainsSubstring("hunter2"));
  CHECK_THAT(log, !ContainsSubstring("channels.list"));
}

TEST_CASE("the audit can be left out") {
  Stage stage("logging: {audit: false}\n");
  Program program(stage.daemon.connect());
  program.call("bridges.create");
  CHECK_THAT(stage.daemon.log(), !ContainsSubstring("audit"));
}
