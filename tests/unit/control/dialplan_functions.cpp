// Which functions and variables a rule lets a command use.
#include "control/dialplan_functions.h"

#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::admin_rule;
using aribus::test::allows;
using aribus::test::control_rule;
using aribus::test::json;

namespace {

bool sets(const AccessRule& rule, const std::string& variable) {
  return allows(rule, "channels.setChannelVar", R"({"channelId":"c","variable":")" + variable + R"("})");
}

// Both may set variables; one of them may send calls into the dialplan as well.
const AccessRule variables_only{.name = "ivr",
                                .methods = {"read", "channels.setChannelVar", "channels.create"}};

}  // namespace

TEST_CASE("with 'call', of CHANNEL() what is harmless can be set, and everything read") {
  for (const char* item : {"language", "accountcode", "musicclass", "LANGUAGE", " tonezone "}) {
    CHECK(sets(variables_only, "CHANNEL(" + std::string(item) + ")"));
    CHECK(sets(control_rule, "channel(" + std::string(item) + ")"));
  }
  for (const char* item : {"hangup_handler_push", "HANGUP_HANDLER_WIPE", "hangup_handler_pop",
                           "after_bridge_goto", "dtmf_features", "callgroup", " hangup_handler_push ",
                           "hangup_handler_push,x", "${X}", "", "something_new"}) {
    INFO(item);
    const std::string name = "CHANNEL(" + std::string(item) + ")";
    CHECK_FALSE(sets(variables_only, name));
    CHECK_FALSE(sets(control_rule, name));
    CHECK_FALSE(sets(control_rule, "_" + name));
    CHECK_FALSE(allows(variables_only, "channels.create",
                       R"({"endpoint":"PJSIP/1","app":"a","variables":{")" + name + R"(":"x,y,1"}})"));
    CHECK(sets(admin_rule, name));
    CHECK(allows(variables_only, "channels.getChannelVar",
                 R"j({"channelId":"c","variable":"CHANNEL(hangup_handler_push)"})j"));
  }
  // Who names the function has all of it.
  CHECK(sets({.name = "r", .methods = {"control"}, .functions = {"call", "CHANNEL"}},
             "CHANNEL(hangup_handler_push)"));
}

TEST_CASE("variables that Asterisk takes for a place of the dialplan need the right to send calls there") {
  for (const std::string name :
       {"CONNECTED_LINE_SEND_SUB", "__CONNECTED_LINE_CALLEE_SEND_SUB", "REDIRECTING_CALLER_SEND_MACRO",
        "_TRANSFER_CONTEXT", "GOTO_ON_BLINDXFR", "forward_context", "DYNAMIC_FEATURES"}) {
    INFO(name);
    CHECK_FALSE(sets(variables_only, name));
    CHECK(sets(control_rule, name));
    CHECK(allows(variables_only, "channels.getChannelVar",
                 R"({"channelId":"c","variable":")" + name + R"("})"));
  }
  const AccessRule kept{.name = "kept", .methods = {"control"}, .exclude_methods = {"channels.continue*"}};
  CHECK_FALSE(sets(kept, "TRANSFER_CONTEXT"));
  for (const std::string name : {"MIXMONITOR_EXEC", "__MONITOR_EXEC_ARGS"}) {
    CHECK_FALSE(sets(control_rule, name));
    CHECK(sets(admin_rule, name));
  }
  CHECK(sets(variables_only, "ORDER_NUMBER"));
  CHECK(sets(variables_only, "CONTEXT_OF_MINE"));
}

TEST_CASE("one request names a bounded number of functions") {
  std::string nested;
  for (int i = 0; i < 256; ++i) nested += "VOLUME(";
  CHECK(
      allows(control_rule, "channels.getChannelVar", R"({"channelId":"c","variable":")" + nested + R"("})"));
  nested += "VOLUME(";
  CHECK_FALSE(
      allows(control_rule, "channels.getChannelVar", R"({"channelId":"c","variable":")" + nested + R"("})"));
  std::string many = "{";
  for (int i = 0; i < 300; ++i)
    many += (i == 0 ? "" : ",") + ("\"TIMEOUT(" + std::to_string(i)) + ")\":\"1\"";
  const std::string params = R"({"endpoint":"PJSIP/1","variables":)" + many + "}}";
  CHECK_FALSE(allows(control_rule, "channels.originate", params));
  CHECK_FALSE(allows(admin_rule, "channels.originate", params));
}
