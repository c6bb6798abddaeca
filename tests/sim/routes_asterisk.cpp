// /ari/asterisk
#include <algorithm>

#include "router.h"
#include "text.h"

namespace aribus::sim {
namespace {

struct Module {
  const char* name;
  const char* description;
  bool reloads;
};

constexpr Module modules[] = {
    {"acl", "Named ACL system", true},
    {"app_stasis.so", "Stasis dialplan application", false},
    {"chan_pjsip.so", "PJSIP Channel Driver", false},
    {"pbx_config.so", "Text Extension Configuration", true},
    {"res_ari.so", "Asterisk RESTful Interface", true},
    {"res_musiconhold.so", "Music On Hold Resource", true},
    {"res_stasis.so", "Stasis application support", false},
};

const Module* find_module(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(modules), std::end(modules), [&](auto& m) { return name == m.name; });
  return found == std::end(modules) ? nullptr : found;
}

std::string module_json(const Module& module) {
  Object out;
  out.text("name", module.name).text("description", module.description).number("use_count", 0);
  return out.text("status", "Running").text("support_level", "core").str();
}

HttpReply get_info(Asterisk& asterisk, const Call& call) {
  const auto only = call.params.list("only");
  const auto wanted = [&](const char* part) {
    return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
  };
  Object out;
  if (wanted("build")) {
    Object build;
    build.text("os", "Linux").text("kernel", "unknown").text("machine", "unknown");
    build.text("options", "OPTIONAL_API, TEST_FRAMEWORK");
    build.text("date", asterisk.is_old() ? "2024-01-04 17:58:50 UTC" : "2026-07-20 21:35:32 UTC");
    out.raw("build", build.text("user", "nobody").str());
  }
  if (wanted("system")) {
    out.raw("system",
            Object().text("version", asterisk.version()).text("entity_id", "02:00:00:00:00:01").str());
  }
  if (wanted("config")) {
    Object config;
    config.text("name", "").text("default_language", "en");
    out.raw("config", config.raw("setid", R"({"user":"","group":""})").str());
  }
  if (wanted("status")) {
    Object status;
    out.raw("status",
            status.text("startup_time", asterisk.started).text("last_reload_time", asterisk.started).str());
  }
  return json_reply(out.str());
}

HttpReply ping(Asterisk&, const Call&) {
  Object out;
  out.text("ping", "pong").text("timestamp", timestamp_now());
  return json_reply(out.text("asterisk_id", "02:00:00:00:00:01").str());
}

HttpReply list_modules(Asterisk&, const Call&) {
  std::vector<std::string> out;
  for (const auto& module : modules) out.push_back(module_json(module));
  return json_reply(array_of(out));
}

HttpReply get_module(Asterisk&, const Call& call) {
  const auto* module = find_module(call.id());
  return module != nullptr ? json_reply(module_json(*module))
                           : refusal(404, "Module could not be found in running modules");
}

HttpReply reload_module(Asterisk&, const Call& call) {
  const auto* module = find_module(call.id());
  if (module == nullptr) return refusal(404, "Module not found in running modules");
  return module->reloads ? no_content() : refusal(409, "Module does not support reloading");
}

HttpReply load_module(Asterisk&, const Call& call) {
  return find_module(call.id()) != nullptr ? refusal(409, "Module is already loaded")
                                           : refusal(409, "Module load declined");
}

HttpReply get_global_variable(Asterisk& asterisk, const Call& call) {
  const auto name = call.params.text("variable");
  if (name.empty()) return refusal(400, "Variable name is required");
  return json_reply(Object().text("value", asterisk.globals[name]).str());
}

HttpReply set_global_variable(Asterisk& asterisk, const Call& call) {
  const auto name = call.params.text("variable");
  if (name.empty()) return refusal(400, "Variable name is required");
  const auto value = call.params.text("value");
  asterisk.globals[name] = value;
  Object event;
  event.text("variable", name).text("value", value).text("type", "ChannelVarset");
  asterisk.publish({}, event.text("timestamp", timestamp_now()));
  return no_content();
}

}  // namespace

std::span<const Route> asterisk_routes() {
  static constexpr Route routes[] = {
      {"GET", "/asterisk/info", get_info},
      {"GET", "/asterisk/ping", ping},
      {"GET", "/asterisk/modules", list_modules},
      {"GET", "/asterisk/modules/{}", get_module},
      {"POST", "/asterisk/modules/{}", load_module},
      {"PUT", "/asterisk/modules/{}", reload_module},
      {"GET", "/asterisk/variable", get_global_variable},
      {"POST", "/asterisk/variable", set_global_variable},
  };
  return routes;
}

}  // namespace aribus::sim
