// Who somebody is decides what he may do: users, groups, and who has no rule.
#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("who has no rule is refused and closed") {
  if (needs_root()) return;
  Stage stage(rules);
  Peer peer(stage.daemon.socket_path(), stranger);
  const Json refusal = peer.next();
  CHECK(code_in(refusal) == not_allowed);
  CHECK(rule_in(refusal).empty());
  CHECK_THROWS(peer.ask("ping"));
  const TemporaryDirectory own;
  Process tool({"setpriv", "--reuid", "4004", "--regid", "4004", "--clear-groups", ARIBUS, "--socket",
                stage.daemon.socket_path(), "status"},
               own / "output");
  CHECK(tool.wait(std::chrono::seconds(30)) == 5);
  CHECK_THAT(read_file(own / "output"), ContainsSubstring("no access rule"));
}

TEST_CASE("the file of the records is open to nobody who may use the socket") {
  if (needs_root()) return;
  const Stage stage(std::string(rules) + "bus: {ring_bytes: 64KiB, path: @DIRECTORY@/bus.log}\n");
  const std::string file = std::filesystem::path(stage.daemon.socket_path()).parent_path() / "bus.log";
  const TemporaryDirectory own;
  const auto status = [&](const Identity& who) {
    const std::string groups = std::to_string(who.groups.empty() ? who.gid : who.groups.front());
    Process tool({"setpriv", "--reuid", std::to_string(who.uid), "--regid", std::to_string(who.gid),
                  "--groups", groups, "head", "-c1", file},
                 own / "output");
    return tool.wait(std::chrono::seconds(30));
  };
  CHECK(status(root) == 0);
  for (const Identity& who : {operator_by_group, operator_by_primary, reader, stranger, by_name}) {
    INFO(who.uid);
    if (who.uid != stranger.uid) CHECK(Peer(stage.daemon.socket_path(), who).code("hello") == 0);
    CHECK(status(who) == 1);
    CHECK_THAT(read_file(own / "output"), ContainsSubstring("Permission denied"));
  }
}

TEST_CASE("hello says who one is, and what holds") {
  if (needs_root()) return;
  Stage stage(rules);
  Peer peer(stage.daemon.socket_path(), operator_by_group);
  const Json hello = peer.ask("hello");
  const auto& result = hello["result"];
  CHECK(find_string(result, "rule") == "control");
  CHECK(result["peer"]["uid"].GetUint() == 4001);
  CHECK(result["peer"]["gid"].GetUint() == 4001);
  CHECK(to_text(result["peer"]["groups"]) == "[4100,4444]");  // the kernel sorts them
  CHECK(find_string(result["peer"], "socket") == stage.daemon.socket_path());
  Peer named(stage.daemon.socket_path(), by_name);
  const auto has_name = [&] {  // it is looked up meanwhile
    const Json answer = named.ask("hello");
    return find_string(answer["result"]["peer"], "user") == "daemon";
  };
  CHECK(soon(has_name));
}

TEST_CASE("without rules of one's own nobody but root and the daemon's user harms the PBX") {
  if (needs_root()) return;
  Stage stage("    mode: \"0666\"\n");
  Peer peer(stage.daemon.socket_path(), stranger);
  CHECK(rule_in(peer.ask("asterisk.unloadModule", R"({"moduleName":"x"})")) == "default");
  CHECK(rule_in(peer.ask("ari.request", R"({"method":"GET","path":"/channels"})")) == "default");
  CHECK(rule_in(peer.ask("channels.getChannelVar", R"j({"channelId":"c1","variable":"SHELL(id)"})j")) ==
        "default");
  CHECK(peer.code("channels.list") == 0);
  CHECK(peer.code("bridges.create") == 0);
  Peer owner(stage.daemon.socket_path(), root);
  CHECK(owner.code("ari.request", R"({"method":"GET","path":"/channels"})") == 0);
}
