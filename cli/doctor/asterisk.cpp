#include "cli/doctor/asterisk.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <vector>

#include "ari/connect_error.h"
#include "base/suggest.h"
#include "base/time.h"
#include "cli/doctor/dialplan.h"
#include "cli/doctor/machine.h"
#include "json/json.h"
#include "net/url.h"

namespace aribus::cli {
namespace {

// What aribusd itself asks and receives needs these; some commands need the others.
constexpr std::array needed_modules{
    "res_ari.so",           "res_ari_applications.so", "res_ari_asterisk.so",
    "res_ari_bridges.so",   "res_ari_channels.so",     "res_ari_device_states.so",
    "res_ari_endpoints.so", "res_ari_events.so",       "res_stasis.so",
    "app_stasis.so",        "res_http_websocket.so"};
constexpr std::array useful_modules{
    "res_ari_playbacks.so",   "res_ari_recordings.so",   "res_ari_sounds.so",   "res_stasis_answer.so",
    "res_stasis_playback.so", "res_stasis_recording.so", "res_stasis_snoop.so", "res_stasis_device_state.so"};

std::string section_of(const ari::ClientOptions& options) {
  return "[" + options.username + "]";
}

std::string either(const std::string& text, const std::string& otherwise) {
  return text.empty() ? otherwise : text;
}

// Nobody listens at the url: the reason in http.conf.
std::string cure_of_silence(const ari::ClientOptions& options, const AsteriskFiles& files) {
  const auto url = parse_url(options.url);
  const std::string port = url ? std::to_string(url->port) : "";
  if (!files.http || !url) {
    return runs_here("asterisk")
               ? "Asterisk runs: enabled=yes, bindaddr and bindport in http.conf"
               : "is Asterisk running there? enabled=yes, bindaddr and bindport in http.conf";
  }
  const auto says = [&](const char* name) { return files.http->value("general", name); };
  if (!files.http->is_true("general", "enabled")) return "enabled=yes in http.conf, and 'module reload http'";
  if (url->tls) {
    if (!files.http->is_true("general", "tlsenable")) {
      return "tlsenable=yes and tlscertfile in http.conf, and 'module reload http'; or url: http://";
    }
    return "http.conf says tlsbindaddr=" + either(says("tlsbindaddr"), "0.0.0.0:8089");
  }
  const std::string bound = either(says("bindport"), "8088");
  if (bound != port) return "http.conf says bindport=" + bound + ": url is another port";
  if (!runs_here("asterisk")) return "is Asterisk running? systemctl start asterisk";
  return "http.conf says bindaddr=" + either(says("bindaddr"), "0.0.0.0") +
         ": is that url's host, and has Asterisk read it? 'http show status', 'module reload http'";
}

Finding closed_without_answer(const Answer& info, const ari::ClientOptions& options,
                              const AsteriskFiles& files) {
  if (speaks_tls(options)) return {"the port speaks TLS", "url: https://"};
  const std::string limit = files.http ? files.http->value("general", "sessionlimit") : "";
  return {"the connection is closed without an answer: " + info.error,
          "is it Asterisk's, its sessionlimit (" + either(limit, "100") +
              ") of http.conf is reached: raise it, and look for clients that leave connections open "
              "('ss -tnp' tells them)"};
}

Finding fault_of_connection(const Answer& info, const ari::ClientOptions& options,
                            const AsteriskFiles& files) {
  switch (info.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {"its name can't be resolved: " + info.error, "url: check the host, or /etc/hosts and DNS"};
    case CURLE_COULDNT_CONNECT:
      return {"nothing listens there: " + info.error, cure_of_silence(options, files)};
    case CURLE_ABORTED_BY_CALLBACK:
      return {info.listener,
              "start Asterisk, or look who took its port ('ss -ltnp'); user: the one that it runs as"};
    case CURLE_OPERATION_TIMEDOUT:
      return {"no answer in time: " + info.error,
              "a firewall, or a port of something else; if it is Asterisk's, Asterisk stands still"};
    case CURLE_SSL_CONNECT_ERROR:
      return {"it does not speak TLS there, or none that both accept: " + info.error,
              "url: http://, or the port of tlsbindaddr in http.conf"};
    case CURLE_PEER_FAILED_VERIFICATION:
      if (info.error.find("expired") != std::string::npos) {
        return {"its certificate has expired: " + info.error, "tlscertfile in http.conf: a new one"};
      }
      if (info.error.find("subject name") != std::string::npos ||
          info.error.find("hostname") != std::string::npos ||
          info.error.find("IP address") != std::string::npos) {
        return {"its certificate is for another name: " + info.error,
                "url: a host that the certificate names, or a certificate for this one"};
      }
      [[fallthrough]];
    case CURLE_SSL_CACERT_BADFILE:
      return {"its certificate is not trusted: " + info.error, "tls: ca_file: the authority that signed it"};
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return closed_without_answer(info, options, files);
    default:
      return {"no HTTP there: " + info.error, "url: is the address of Asterisk's HTTP server"};
  }
}

Finding fault_of_login(const ari::ClientOptions& options, const AsteriskFiles& files) {
  const std::string what = "the user '" + options.username + "' or its password is wrong";
  const std::string section = section_of(options);
  if (!files.ari)
    return {what, section + " in ari.conf: type=user, and the same password; 'module reload res_ari.so'"};
  const auto says = [&](const char* name) { return files.ari->value(options.username, name); };
  if (!files.ari->has(options.username)) {
    return {"the user '" + options.username + "' is unknown", "ari.conf has no section " + section};
  }
  if (says("type") != "user") {
    return {"the user '" + options.username + "' is unknown", section + " in ari.conf lacks type=user"};
  }
  if (says("password_format") == "crypt") {
    return {"the password of the user '" + options.username + "' is wrong",
            section +
                " in ari.conf has a crypted one: aribusd's configuration wants the plain one that it was "
                "made of ('ari mkpasswd')"};
  }
  const auto [first, last] =
      std::pair(options.password.find_first_not_of(" \t"), options.password.find_last_not_of(" \t"));
  const std::string bare = first == std::string::npos ? "" : options.password.substr(first, last - first + 1);
  if (bare != options.password && says("password") == bare) {
    return {
        "the password of the user '" + options.username + "' is wrong",
        "aribusd's has blanks at its beginning or end, which " + section +
            " of ari.conf has not: remove them, then 'aribus reload' (restart it with password_credential)"};
  }
  if (says("password") != options.password) {
    return {"the password of the user '" + options.username + "' is wrong",
            "the password in " + section + " of ari.conf is another one"};
  }
  return {what, "ari.conf has this password, but Asterisk has not read it: 'module reload res_ari.so'"};
}

Finding fault_of_missing(const Answer& info, const ari::ClientOptions& options, const AsteriskFiles& files) {
  const auto url = parse_url(options.url);
  if (url && url->prefix.ends_with("/ari/events")) {
    return {"url ends with /ari/events, which is not where ARI's requests go",
            "end it before /ari, as http://host:8088: aribusd adds the rest"};
  }
  if (info.is_json()) {
    return {"module res_ari_asterisk.so is not loaded",
            "modules.conf: load it and its kin (res_ari_*); 'module load res_ari_asterisk.so'"};
  }
  const std::string what = "there is no ARI: HTTP status 404";
  const std::string prefix = files.http ? files.http->value("general", "prefix") : "";
  if (!prefix.empty()) return {what, "http.conf says prefix=" + prefix + ": url must end with /" + prefix};
  return {what,
          "enabled=yes in ari.conf and res_ari.so loaded; does url end with the prefix of http.conf, and "
          "with nothing else?"};
}

class AsteriskExamination {
 public:
  AsteriskExamination(Report& report, const config::AsteriskConfig& asterisk,
                      const std::vector<std::string>& apps, const AsteriskFiles& files,
                      const DaemonStatus& daemon)
      : report_(report),
        name_(asterisk.name),
        options_(asterisk.client),
        apps_(apps),
        files_(files),
        daemon_(daemon) {}

  void run() {
    report_.doing("asking Asterisk");
    const Answer info = ask(options_, "/ari/asterisk/info");
    const bool is_ari = info.is_json() || info.server.starts_with("Asterisk");
    const bool knows_password = !options_.username.empty() && !options_.password.empty();
    if (!knows_password && info.status == 401 && is_ari) {
      report_.good("ARI is there; more is not asked without user and password");
    } else if (const auto fault = fault_of(info, options_, files_)) {
      report_.wrong(*fault);
      if (info.code == CURLE_GOT_NOTHING || info.code == CURLE_RECV_ERROR) report_others();
    } else {
      const std::string version = version_of(info);
      report_.good("ARI answers: Asterisk " + version);
      if (!info.listener.empty()) report_.note({info.listener, ""});
      check_version(version);
      check_modules();
      check_rights();
      for (const std::string& app : options_.apps) check_app(app);
      for (const Finding& fault : faults_of_loading(info, options_, files_)) report_.wrong(fault);
      logged_in_ = true;
      if (daemon_.state(name_) == "replaced") report_others();
      check_clock(info);
    }
    if (options_.listen && !daemon_.holds(name_)) {
      if (const auto fault = fault_of_outbound(options_, files_)) report_.wrong(*fault);
    }
    check_dialplan();
    check_timeout();
    check_session_limit();
  }

 private:
  static std::string version_of(const Answer& info) {
    const auto parsed = parse_json(info.body);
    const JsonValue* system = parsed ? find(*parsed, "system") : nullptr;
    return system == nullptr ? "" : std::string(find_string(*system, "version"));
  }

  void check_version(const std::string& version) {
    if (options_.listen && !has_what_came_with(version, {{22, 5}, {21, 10}, {20, 15}})) {
      report_.wrong(
          {"mode: outbound needs Asterisk 22.5, 21.10 or 20.15; this is " + version, "mode: inbound"});
    }
    if (options_.rest == ari::RestMode::websocket &&
        !has_what_came_with(version, {{22, 4}, {21, 9}, {20, 14}})) {
      report_.wrong({"rest: websocket needs Asterisk 22.4, 21.9 or 20.14; this is " + version, "rest: http"});
    }
  }

  void check_modules() {
    const Answer answer = ask(options_, "/ari/asterisk/modules");
    const auto list = parse_json(answer.body);
    if (answer.status != 200 || !list || !list->IsArray()) {
      return report_.note({"its modules can't be read: HTTP status " + std::to_string(answer.status), ""});
    }
    const auto missing_of = [&](std::span<const char* const> names) {
      std::string missing;
      for (const std::string_view name : names) {
        const bool runs = std::ranges::any_of(list->GetArray(), [&](const JsonValue& module) {
          return find_string(module, "name") == name && find_string(module, "status") == "Running";
        });
        if (!runs) missing += (missing.empty() ? "" : ", ") + std::string(name);
      }
      return missing;
    };
    std::vector<const char*> needed(needed_modules.begin(), needed_modules.end());
    if (options_.listen) needed.push_back("res_websocket_client.so");
    const std::string missing = missing_of(needed), less = missing_of(useful_modules);
    const std::string cure = "modules.conf; 'module load …' in Asterisk's CLI";
    if (!missing.empty()) report_.wrong({"modules that do not run: " + missing, cure});
    if (!less.empty()) report_.note({"modules that do not run, and whose commands fail: " + less, cure});
    if (missing.empty() && less.empty()) report_.good("all modules that ARI needs run");
  }

  // Deletes a path that does not exist: a user who may write gets 404, others 403.
  void check_rights() {
    const Answer answer = ask(options_, "/ari/aribus-doctor", "DELETE");
    if (answer.status == 404) return report_.good("the user '" + options_.username + "' may write");
    if (answer.status != 403) return;  // nothing is known
    report_.wrong(
        {"the user '" + options_.username + "' may only read: commands will be refused",
         "read_only=no in " + section_of(options_) + " of ari.conf, and 'module reload res_ari.so'"});
  }

  // Asterisk lists an application as long as calls are in it, also when its client has gone.
  void check_app(const std::string& app) {
    if (daemon_.presence() == DaemonStatus::Presence::hidden || daemon_.state(name_) == "replaced") return;
    if (daemon_.holds(name_) && !daemon_.wants(name_, app)) return;  // said before: it is to be reloaded
    const Answer answer = ask(options_, "/ari/applications/" + percent_encode(app));
    if (answer.status == 200 && daemon_.holds(name_)) {
      report_.good("aribusd holds the application '" + app + "'");
    } else if (answer.status == 404 && daemon_.holds(name_)) {
      report_.wrong({"Asterisk does not know the application '" + app + "', though aribusd is connected",
                     "systemctl restart aribusd"});
    } else if (answer.status == 200 && !options_.listen) {
      report_.note(known_to_others(app));
      report_others();
    }
  }

  // Whoever else on this machine is connected may have the application, or the sessions.
  void report_others() {
    if (reported_others_) return;
    reported_others_ = true;
    const auto url = parse_url(options_.url);
    std::string others;
    for (const auto& [pid, one] : connected_to(url ? url->port : 0)) {
      if (pid == daemon_.pid()) continue;
      others += (others.empty() ? "" : ", ") + one.name + " (process " + std::to_string(pid) + ", " +
                std::to_string(one.connections) + (one.connections == 1 ? " connection)" : " connections)");
    }
    if (!others.empty()) report_.note({"also connected to that port from this machine: " + others, ""});
  }

  static Finding known_to_others(const std::string& app) {
    return {"Asterisk knows the application '" + app +
                "', which aribusd does not hold: another client does, or "
                "calls were left in it",
            "'ari show app " + app +
                "' in Asterisk's CLI tells whether somebody listens; each client needs an "
                "application of its own"};
  }

  // Calls that are sent to an application without a client come back at once.
  void check_dialplan() {
    if (!files_.extensions) return;
    const Dialplan dialplan = Dialplan::of(*files_.extensions);
    const std::vector<std::string_view> known(apps_.begin(), apps_.end());
    for (const Dialplan::Stasis& call : dialplan.calls) {
      if (std::ranges::find(apps_, call.app) != apps_.end()) continue;
      const std::string what = "the dialplan has Stasis(" + call.app + ") in [" + call.context +
                               "], and aribusd's configuration no such application" +
                               did_you_mean(call.app, known);
      const std::string cure = "the same name there and in apps; then 'dialplan reload', or 'aribus reload'";
      const long status =
          logged_in_ ? ask(options_, "/ari/applications/" + percent_encode(call.app)).status : 0;
      if (status == 404) {
        report_.wrong({what + "; nobody else holds it either: such calls fail", cure});
      } else if (status != 200) {  // else it is another client's
        report_.note({what, cure + "; or does another client hold it?"});
      }
    }
    for (const std::string& app : options_.apps) {
      const auto is_app = [&](const Dialplan::Stasis& call) { return call.app == app; };
      if (dialplan.has_variables || std::ranges::any_of(dialplan.calls, is_app)) continue;
      report_.note({"extensions.conf has no Stasis(" + app + ")",
                    "calls come to it only if AEL, Lua, a database or `originate` sends them there"});
    }
  }

  void check_clock(const Answer& info) {
    const long long ahead = info.clock_ahead();
    if (ahead == 0) return;
    report_.wrong({"its clock is " + std::to_string(std::llabs(ahead)) + " s " +
                       (ahead < 0 ? "slow" : "fast") + " of this machine's: times in records will mislead",
                   "time synchronisation (chrony, systemd-timesyncd) on both"});
  }

  // ARI shows neither of these.
  void check_timeout() {
    const std::string given = files_.ari ? files_.ari->value("general", "websocket_write_timeout") : "";
    if (given.empty() || std::atoi(given.c_str()) >= 100) return;
    report_.wrong({"websocket_write_timeout=" + given + " in ari.conf: Asterisk may cut aribusd off",
                   "100 (the default, in ms) or more"});
  }

  void check_session_limit() {
    const std::string given = files_.http ? files_.http->value("general", "sessionlimit") : "";
    const int own = options_.max_connections + 1;  // and the event stream
    if (given.empty() || std::atoi(given.c_str()) > own) return;
    report_.wrong({"sessionlimit=" + given + " in http.conf: aribusd alone takes up to " +
                       std::to_string(own) + " sessions",
                   "100 (the default) or more"});
  }

  Report& report_;
  const std::string& name_;
  const ari::ClientOptions& options_;
  const std::vector<std::string>& apps_;  // of all Asterisks
  const AsteriskFiles& files_;
  const DaemonStatus& daemon_;
  bool logged_in_ = false;
  bool reported_others_ = false;
};

// The section of ari.conf that has Asterisk connect for these applications, or "".
std::string outbound_section(const AsteriskFile& ari, const std::vector<std::string>& apps) {
  for (const std::string& section : ari.sections()) {
    if (ari.value(section, "type") != "outbound_websocket") continue;
    std::string listed = "," + ari.value(section, "apps") + ",";
    std::erase(listed, ' ');
    const auto is_listed = [&](const std::string& app) {
      return listed.find("," + app + ",") != std::string::npos;
    };
    if (std::ranges::all_of(apps, is_listed)) return section;
  }
  return {};
}

}  // namespace

AsteriskFiles AsteriskFiles::read(const std::string& folder) {
  return {AsteriskFile::read(folder + "/http.conf"), AsteriskFile::read(folder + "/ari.conf"),
          AsteriskFile::read(folder + "/websocket_client.conf"),
          AsteriskFile::read(folder + "/extensions.conf")};
}

std::optional<Finding> fault_of(const Answer& info, const ari::ClientOptions& options,
                                const AsteriskFiles& files) {
  if (info.code != CURLE_OK) return fault_of_connection(info, options, files);
  // What is not ARI's JSON may be Asterisk's own page, or anybody's.
  if (!info.is_json() && !info.server.starts_with("Asterisk")) {
    return Finding{
        "another web server answers there" + (info.server.empty() ? "" : ": " + info.server) +
            ", with HTTP status " + std::to_string(info.status) +
            (info.location.empty() ? "" : " and " + info.location),
        "url: is the address of Asterisk's own HTTP server (bindaddr, bindport in http.conf), or of a "
        "proxy that hands /ari on to it"};
  }
  switch (info.status) {
    case 200:
      return {};
    case 401:
      return fault_of_login(options, files);
    case 404:
      return fault_of_missing(info, options, files);
    default:
      return Finding{
          ari::connect_error_of_answer(
              {.step = ari::Attempt::Step::info, .at = options.url, .username = options.username, .apps = ""},
              static_cast<int>(info.status), info.body)
              .reason,
          ""};
  }
}

std::optional<Finding> fault_of_outbound(const ari::ClientOptions& options, const AsteriskFiles& files) {
  if (!options.listen || !files.ari) return {};
  const std::string section = outbound_section(*files.ari, options.apps);
  if (section.empty()) {
    return Finding{
        "Asterisk is not told to connect: ari.conf has no section with type=outbound_websocket and "
        "these apps",
        "aribusd.yaml(5), 'Asterisk connects'; then 'module reload res_ari.so'"};
  }
  if (!files.websocket_client) return {};
  const std::string client = files.ari->value(section, "websocket_client_id");
  const std::string what = "Asterisk is told to connect otherwise: ";
  const std::string at = "[" + client + "] in websocket_client.conf";
  const std::string reload = "; then 'module reload res_websocket_client.so'";
  const auto says = [&](const char* name) { return files.websocket_client->value(client, name); };
  if (!files.websocket_client->has(client)) {
    return Finding{what + "[" + section + "] of ari.conf wants " + at, "write it" + reload};
  }
  const auto uri = parse_url(says("uri"));
  const ListenOptions& listen = *options.listen;
  if (!uri || uri->port != listen.port || !says("uri").ends_with(listen.path)) {
    return Finding{what + at + " says uri=" + says("uri") + ", and aribusd listens at port " +
                       std::to_string(listen.port) + ", path " + listen.path,
                   "make uri, or `listen`, the other's" + reload};
  }
  if (uri->tls == listen.tls.certificate_file.empty()) {
    return Finding{what + at + " says uri=" + says("uri") + ", and aribusd " +
                       (uri->tls ? "speaks no TLS" : "speaks TLS") + " there",
                   "ws:// is without TLS, wss:// with `listen.tls`" + reload};
  }
  if (says("username") != options.username || says("password") != options.password) {
    return Finding{what + at + " has another username or password than aribusd",
                   "make them the same" + reload};
  }
  if (says("protocols").find("ari") == std::string::npos)
    return Finding{what + at + " lacks protocols=ari", "write it" + reload};
  return {};
}

bool has_what_came_with(const std::string& version, std::initializer_list<std::pair<int, int>> releases) {
  char* end = nullptr;
  const auto major = static_cast<int>(std::strtol(version.c_str(), &end, 10));
  const auto minor = static_cast<int>(*end == '.' ? std::strtol(end + 1, nullptr, 10) : 0);
  if (major == 0 || major > releases.begin()->first) return true;  // "GIT-master-…" is new
  return std::ranges::any_of(releases,
                             [&](const auto& one) { return major == one.first && minor >= one.second; });
}

std::vector<Finding> faults_of_loading(const Answer& info, const ari::ClientOptions& options,
                                       const AsteriskFiles& files) {
  std::vector<Finding> faults;
  const auto parsed = parse_json(info.body);
  const JsonValue* status = parsed ? find(*parsed, "status") : nullptr;
  const auto reloaded =
      status == nullptr ? std::nullopt : parse_time(find_string(*status, "last_reload_time"));
  const auto compare = [&](const char* name, const std::optional<AsteriskFile>& file, const char* module) {
    if (!reloaded || !file || !file->changed() || *file->changed() <= *reloaded) return;
    faults.push_back({std::string(name) + " was changed at " + to_rfc3339(*file->changed()) +
                          ", and Asterisk has reloaded nothing since " + to_rfc3339(*reloaded),
                      std::string("'module reload ") + module + "' in Asterisk's CLI, or undo the change"});
  };
  compare("http.conf", files.http, "http");
  compare("ari.conf", files.ari, "res_ari.so");
  if (options.listen) compare("websocket_client.conf", files.websocket_client, "res_websocket_client.so");
  if (!faults.empty()) return faults;
  // It has reloaded something since, and perhaps something else.
  if (files.http && info.server.starts_with("Asterisk") && !files.http->is_true("general", "enabled")) {
    faults.push_back(
        {"http.conf does not say enabled=yes, and Asterisk's HTTP server answers: after the next reload or "
         "restart it will not",
         "enabled=yes under [general]"});
  }
  const auto says = [&](const char* name) { return files.ari->value(options.username, name); };
  if (files.ari && files.ari->has(options.username) && says("password_format") != "crypt" &&
      says("password") != options.password) {
    faults.push_back({"ari.conf has another password of the user '" + options.username +
                          "' than the one that works: after the next reload or restart that one will not",
                      "the same in [" + options.username + "] of ari.conf and in aribusd's configuration"});
  }
  return faults;
}

void examine_asterisk(Report& report, const config::AsteriskConfig& asterisk,
                      const std::vector<std::string>& apps, const AsteriskFiles& files,
                      const DaemonStatus& daemon) {
  AsteriskExamination(report, asterisk, apps, files, daemon).run();
}

}  // namespace aribus::cli
