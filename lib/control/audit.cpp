#include "control/audit.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <memory>

#include "base/log.h"
#include "base/utf8.h"
#include "protocol/line_limit.h"
#include "protocol/rpc_code.h"

namespace aribus::control {
namespace {

constexpr const char* logger_name = "audit";
constexpr size_t max_value_bytes = 64;
constexpr size_t max_values = 8;  // of one parameter

// Parameters that are logged besides those of the path: they name objects or people.
constexpr std::string_view logged[] = {
    "app",      "application", "channel",       "channels",      "context",   "destinationRecordingName",
    "endpoint", "extension",   "label",         "method",        "name",      "originator",
    "path",     "playbackId",  "recordingName", "snoopId",       "channelId", "bridgeId",
    "to",       "variable",    "reason",        "otherChannelId"};

bool is_logged(const ari::Parameter& parameter) {
  return parameter.place == ari::Place::path || std::ranges::find(logged, parameter.name) != std::end(logged);
}

// `text` as one word of a line: as it is if it has only harmless characters, else as a JSON string.
std::string word(std::string_view text) {
  std::string value = to_valid_utf8(text, max_value_bytes);
  const bool plain = !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./:;@+*#~%<>").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return value;
  std::string quoted;
  append_json_string(quoted, value);
  return quoted;
}

void add(std::string& line, std::string_view name, std::string_view value) {
  line += ' ';
  line += name;
  line += '=';
  line += value;
}

// A variable's name is logged without the arguments of a function, which may contain anything.
std::string shown(const ari::Parameter& parameter, const JsonValue& value) {
  if (value.IsString()) {
    const std::string_view text = as_view(value);
    return word(parameter.name == "variable" ? text.substr(0, text.find('(')) : text);
  }
  if (!value.IsArray()) return word(to_text(value));
  std::string all;
  for (size_t i = 0; i < value.Size(); ++i) {
    if (i > 0) all += ',';
    if (i == max_values) return all + "…";
    const JsonValue& item = value[static_cast<rapidjson::SizeType>(i)];
    all += word(item.IsString() ? as_view(item) : std::string_view("?"));
  }
  return all;
}

std::string who_and_what(const Caller& caller, const Method& method, std::string_view server,
                         const JsonValue& params) {
  std::string line = "audit";
  if (!caller.principal.name.empty()) add(line, "user", word(caller.principal.name));
  add(line, "uid", std::to_string(caller.peer.uid));
  add(line, "pid", std::to_string(caller.peer.pid));
  if (!caller.program.empty()) add(line, "program", word(caller.program));
  add(line, "rule", word(caller.principal.rule->name));
  add(line, "method", method.name);
  if (!server.empty()) add(line, "server", word(server));
  for (const ari::Parameter& parameter : method.parameters) {
    const JsonValue* value = is_logged(parameter) ? find(params, parameter.name) : nullptr;
    if (value == nullptr) continue;
    add(line, parameter.name == "method" ? "http" : parameter.name, shown(parameter, *value));
  }
  return line;
}

std::string_view outcome_of(const Error& error) {
  using enum ErrorKind;
  if (error.kind == not_connected || error.kind == too_much) return "not_sent";
  return error.kind == outcome_unknown ? "unknown" : "refused";
}

// daemon.reload succeeds with `applied: false` if the configuration was refused.
bool is_rejected(const Method& method, const Result<pbx::ResultText>& answer) {
  if (method.name != "daemon.reload" || !answer) return false;
  const Result<Json> parsed = parse_own_json(answer->plain());
  const JsonValue* applied = parsed ? find(*parsed, "applied") : nullptr;
  return applied != nullptr && applied->IsBool() && !applied->GetBool();
}

struct Fields {
  std::string_view user = {};
  std::string_view program = {};
  std::string_view method = {};
  std::string_view server = {};
  std::string_view app = {};
  std::string_view channel = {};
  std::string_view outcome = {};
};

void write(spdlog::logger& log, const Fields& of, const std::string& line) {
  const LogField fields[] = {{"AUDIT", of.method},   {"SERVER", of.server},   {"APP", of.app},
                             {"USER", of.user},      {"CHANNEL", of.channel}, {"OUTCOME", of.outcome},
                             {"PROGRAM", of.program}};
  const LogFieldsInForce about(fields);
  log.info("{}", line);
}

std::string_view app_of(const JsonValue& params) {
  const std::string_view app = find_string(params, "app");
  return app.empty() ? find_string(params, "applicationName") : app;
}

LineLimit<PrincipalId>& refusals() {
  static LineLimit<PrincipalId> limit(20, std::chrono::seconds(1));
  return limit;
}

AuditOptions& options_in_force() {
  static AuditOptions options;
  return options;
}

std::shared_ptr<spdlog::logger> audit_log() {
  std::shared_ptr<spdlog::logger> log = spdlog::get(logger_name);
  return log && log->should_log(spdlog::level::info) ? log : nullptr;
}

std::shared_ptr<spdlog::logger> log_for(const Method& method) {
  const AuditOptions& options = options_in_force();
  const bool is_logged = method.access_level != AccessLevel::read &&
                         (options.methods.empty() || lists(options.methods, method)) &&
                         !lists(options.exclude, method);
  return is_logged ? audit_log() : nullptr;
}

void write_counts(spdlog::logger& log) {
  for (const auto& counted : refusals().take_counts(std::chrono::steady_clock::now())) {
    std::string line = "audit";
    add(line, "uid", std::to_string(counted.key));
    add(line, "outcome", "refused");
    add(line, "more", std::to_string(counted.lines));
    write(log, {.outcome = "refused"}, line);
  }
}

}  // namespace

void start_audit(AuditOptions options) {
  options_in_force() = std::move(options);
  spdlog::drop(logger_name);
  const std::shared_ptr<spdlog::logger> log = spdlog::default_logger()->clone(logger_name);
  log->set_level(options_in_force().on ? spdlog::level::info : spdlog::level::off);
  spdlog::register_logger(log);
}

void audit_counts() {
  if (const auto log = audit_log()) write_counts(*log);
}

void audit_refused(const Caller& caller, const Method& method, const JsonValue& params, const Error& error) {
  const auto log = log_for(method);
  if (!log || !refusals().admit(caller.principal.id, std::chrono::steady_clock::now())) return;
  std::string line = who_and_what(caller, method, "", params);
  add(line, "outcome", "refused");
  add(line, "code", std::to_string(code_of(error.kind)));
  write(*log,
        {.user = caller.principal.name,
         .program = caller.program,
         .method = method.name,
         .server = {},
         .app = app_of(params),
         .channel = find_string(params, "channelId"),
         .outcome = "refused"},
        line);
}

std::optional<AuditEntry> AuditEntry::begin(const Caller& caller, const Method& method,
                                            std::string_view server, const JsonValue& params) {
  if (!log_for(method)) return {};
  AuditEntry entry;
  entry.user_ = caller.principal.name;
  entry.principal_ = caller.principal.id;
  entry.program_ = caller.program;
  entry.method_ = &method;
  entry.server_ = server;
  entry.app_ = app_of(params);
  entry.channel_ = find_string(params, "channelId");
  entry.line_ = who_and_what(caller, method, server, params);
  entry.began_ = std::chrono::steady_clock::now();
  return entry;
}

void AuditEntry::finish(const Result<pbx::ResultText>& answer) {
  if (!answer && answer.error().kind == ErrorKind::invalid_params) return;
  const auto now = std::chrono::steady_clock::now();
  const std::string_view outcome = is_rejected(*method_, answer) ? "refused"
                                   : answer                      ? "done"
                                                                 : outcome_of(answer.error());
  const bool is_logged = outcome == "done" || outcome == "unknown" || refusals().admit(principal_, now);
  const auto log = is_logged ? log_for(*method_) : nullptr;
  if (!log) return;
  add(line_, "outcome", outcome);
  if (!answer) add(line_, "code", std::to_string(code_of(answer.error().kind)));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  add(line_, "ms", std::to_string(took.count()));
  write(*log,
        {.user = user_,
         .program = program_,
         .method = method_->name,
         .server = server_,
         .app = app_,
         .channel = channel_,
         .outcome = outcome},
        line_);
}

}  // namespace aribus::control
