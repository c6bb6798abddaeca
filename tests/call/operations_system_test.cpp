// ARI's operations on Asterisk itself, its sounds, device states and mailboxes, as methods of the socket.
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Operations system_operations({"asterisk.addLog", "asterisk.deleteLog", "asterisk.deleteObject",
                                    "asterisk.getGlobalVar", "asterisk.getInfo", "asterisk.getModule",
                                    "asterisk.getObject", "asterisk.listLogChannels", "asterisk.listModules",
                                    "asterisk.loadModule", "asterisk.ping", "asterisk.reloadModule",
                                    "asterisk.rotateLog", "asterisk.setGlobalVar", "asterisk.unloadModule",
                                    "asterisk.updateObject", "sounds.get", "sounds.list"});

const Operations state_operations({"deviceStates.delete", "deviceStates.get", "deviceStates.list",
                                   "deviceStates.update"});

// Debian's packages have no res_ari_mailboxes: what it needs (res_mwi_external) is off by default in
// Asterisk's build, because it excludes app_voicemail.
constexpr std::string_view no_mailboxes = "Resource not found";
const Operations mailbox_operations({}, {{"mailboxes.delete", "22", 404, no_mailboxes},
                                         {"mailboxes.delete", "16", 404, no_mailboxes},
                                         {"mailboxes.get", "22", 404, no_mailboxes},
                                         {"mailboxes.get", "16", 404, no_mailboxes},
                                         {"mailboxes.list", "22", 404, no_mailboxes},
                                         {"mailboxes.list", "16", 404, no_mailboxes},
                                         {"mailboxes.update", "22", 404, no_mailboxes},
                                         {"mailboxes.update", "16", 404, no_mailboxes}});

// One of the objects in `list` has `value` as its `member`.
bool lists(const JsonValue& list, const std::string& member, const std::string& value) {
  for (const JsonValue& item : list.GetArray()) {
    if (text_at(item, member) == value) return true;
  }
  return false;
}

// The value of `attribute` in a list of attributes.
std::string attribute_of(const JsonValue& list, const std::string& attribute) {
  for (const JsonValue& item : list.GetArray()) {
    if (text_at(item, "attribute") == attribute) return text_at(item, "value");
  }
  return {};
}

}  // namespace

TEST_CASE("Asterisk tells of itself, and its global variables are written and read", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Calls call(stage, system_operations);
    CHECK(text_at(call("asterisk.getInfo"), "system.version").starts_with(version));
    CHECK(text_at(call("asterisk.ping"), "ping") == "pong");
    const std::string variable = "ARIBUS_" + stage.app;
    call("asterisk.setGlobalVar", {{"variable", variable}, {"value", "1 + 1 = ü"}});
    CHECK(text_at(call("asterisk.getGlobalVar", {{"variable", variable}}), "value") == "1 + 1 = ü");

    CHECK(call("sounds.list").Size() > 100);
    CHECK(lists(call("sounds.list", {{"lang", "en"}, {"format", "gsm"}}), "id", "hello"));
    CHECK(text_at(call("sounds.get", {{"soundId", "hello"}}), "id") == "hello");

    // Modules. This one serves nobody in these tests.
    const char* module = "app_morsecode.so";
    CHECK(lists(call("asterisk.listModules"), "name", module));
    call("asterisk.unloadModule", {{"moduleName", module}});
    CHECK_FALSE(lists(call("asterisk.listModules"), "name", module));
    call("asterisk.loadModule", {{"moduleName", module}});
    CHECK(text_at(call("asterisk.getModule", {{"moduleName", module}}), "status") == "Running");
    call("asterisk.reloadModule", {{"moduleName", "res_musiconhold.so"}});

    // Log channels.
    const std::string log = stage.id("log");
    call("asterisk.addLog", {{"logChannelName", log}, {"configuration", "notice,warning"}});
    const std::string listed = to_text(call("asterisk.listLogChannels"));
    CHECK_THAT(listed, ContainsSubstring(log));
    call("asterisk.deleteLog", {{"logChannelName", log}});
    CHECK_THAT(to_text(call("asterisk.listLogChannels")), !ContainsSubstring(log));
    // Rotating reloads logger.conf, which drops a channel that was added at run time.
    call("asterisk.addLog", {{"logChannelName", log}, {"configuration", "notice"}});
    call("asterisk.rotateLog", {{"logChannelName", log}});
    CHECK_THAT(to_text(call("asterisk.listLogChannels")), !ContainsSubstring(log));

    // Objects of the configuration.
    const std::string id = stage.id("auth");
    const auto updated = call("asterisk.updateObject",
                              {{"configClass", "res_pjsip"},
                               {"objectType", "auth"},
                               {"id", id},
                               json_argument("fields", R"([{"attribute":"auth_type","value":"userpass"},)"
                                                       R"({"attribute":"username","value":"bob"},)"
                                                       R"({"attribute":"password","value":"secret"}])")});
    CHECK(attribute_of(updated, "username") == "bob");
    const auto object_named = [&](std::string_view operation) {
      return call(operation, {{"configClass", "res_pjsip"}, {"objectType", "auth"}, {"id", id}});
    };
    CHECK(attribute_of(object_named("asterisk.getObject"), "username") == "bob");
    object_named("asterisk.deleteObject");
    CHECK(stage.program
              .refused("asterisk.getObject",
                       object({{"configClass", "res_pjsip"}, {"objectType", "auth"}, {"id", id}}))
              .kind == ErrorKind::refused);
    call.check_complete();
  });
}

TEST_CASE("device states of Stasis are set, listed and deleted", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Calls call(stage, state_operations);
    const std::string device = "Stasis:" + stage.app;
    call("deviceStates.update", {{"deviceName", device}, {"deviceState", "BUSY"}});
    CHECK(text_at(call("deviceStates.get", {{"deviceName", device}}), "state") == "BUSY");
    CHECK(lists(call("deviceStates.list"), "name", device));
    call("deviceStates.delete", {{"deviceName", device}});
    CHECK_FALSE(lists(call("deviceStates.list"), "name", device));
    call.check_complete();
  });
}

TEST_CASE("mailboxes are refused by an Asterisk without the module for them", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Calls call(stage, mailbox_operations);
    call.refused("mailboxes.list");
    call.refused("mailboxes.get", {{"mailboxName", "alice"}});
    call.refused("mailboxes.update", {{"mailboxName", "alice"}, {"oldMessages", 1}, {"newMessages", 2}});
    call.refused("mailboxes.delete", {{"mailboxName", "alice"}});
    call.check_complete();
  });
}

TEST_CASE("aribus call --help reads what Asterisk declares of an operation that is no method",
          "[call][operations]") {
  on_each_version([](const std::string& version) {
    const Stage stage(version);
    // The event stream is declared as an operation, too.
    const std::string help =
        run({ARIBUS, "--socket", stage.daemon.socket_path(), "call", "events.eventWebsocket", "--help"});
    CHECK(help.starts_with("events.eventWebsocket: "));
    CHECK_THAT(help, ContainsSubstring("\n  GET /events\n") &&
                         ContainsSubstring("\n  subscribeAll= true or false") &&
                         ContainsSubstring("aribus call ari.request method=GET path=/events"));
  });
}

}  // namespace aribus::test
