// `aribus doctor`: looks at the whole chain from the configuration to Asterisk, and says what is wrong.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>

#include <curl/curl.h>
#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ari/url.h"
#include "cli/asterisk_files.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "daemon/config.h"

namespace aribus::cli {
namespace {

// Prints the findings, and counts them.
class Report {
 public:
  explicit Report(bool colour) : colour_(colour) {}

  void title(const std::string& text) { std::printf("%s\n", paint(colour_, text, bold).c_str()); }
  void good(const std::string& what) { line("ok", green, what, ""); }
  void note(const std::string& what, const std::string& cure) { line("note", yellow, what, cure); }
  void wrong(const std::string& what, const std::string& cure) {
    ++wrong_;
    line("wrong", red, what, cure);
  }
  [[nodiscard]] size_t count() const { return wrong_; }

 private:
  void line(const char* verdict, std::string_view code, const std::string& what, const std::string& cure) {
    std::printf("  %s  %s\n", paint(colour_, fitted(verdict, 5), code).c_str(), what.c_str());
    if (!cure.empty()) std::printf("         %s\n", cure.c_str());
    std::fflush(stdout);  // one by one: some take seconds
  }
  bool colour_;
  size_t wrong_ = 0;
};

struct Answer {
  CURLcode code = CURLE_OK;
  std::string error;
  long status = 0;
  std::string type;    // Content-Type
  std::string server;  // the header
  std::string date;    // likewise
  std::string body;
};

// Requests to one Asterisk, as its user.
class Asker {
 public:
  explicit Asker(const ari::ClientOptions& options) : options_(options) {}

  [[nodiscard]] Answer ask(const std::string& path, const char* method = "GET") const {
    Answer answer;
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    std::string url = options_.url;
    while (url.ends_with('/')) url.pop_back();
    url += path;
    char reason[CURL_ERROR_SIZE] = "";
    const auto set = [&](auto option, auto value) { curl_easy_setopt(curl.get(), option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CUSTOMREQUEST, method);
    set(CURLOPT_USERNAME, options_.username.c_str());
    set(CURLOPT_PASSWORD, options_.password.c_str());
    set(CURLOPT_PROXY, "");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()) + 3000L);
    set(CURLOPT_SSL_VERIFYPEER, options_.tls.verify_peer ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, options_.tls.verify_host ? 2L : 0L);
    if (!options_.tls.ca_file.empty()) set(CURLOPT_CAINFO, options_.tls.ca_file.c_str());
    set(CURLOPT_ERRORBUFFER, reason);
    set(CURLOPT_WRITEDATA, &answer.body);
    set(
        CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* body) {
          static_cast<std::string*>(body)->append(data, size);
          return size;
        });
    set(CURLOPT_HEADERDATA, &answer);
    set(
        CURLOPT_HEADERFUNCTION, +[](char* data, size_t, size_t size, void* into) {
          take_header({data, size}, *static_cast<Answer*>(into));
          return size;
        });
    answer.code = curl_easy_perform(curl.get());
    answer.error = reason[0] != '\0' ? reason : curl_easy_strerror(answer.code);
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
  }

 private:
  static void take_header(std::string_view line, Answer& answer) {
    const auto take = [&](const char* name, std::string& into) {
      const size_t size = std::strlen(name);
      if (line.size() <= size + 2 || ::strncasecmp(line.data(), name, size) != 0 || line[size] != ':') return;
      into = line.substr(size + 2, line.find_first_of("\r\n") - size - 2);
    };
    take("Content-Type", answer.type);
    take("Server", answer.server);
    take("Date", answer.date);
  }

  const ari::ClientOptions& options_;
};

// Whether a process of that name runs here.
bool runs_here(const std::string& name) {
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), ::closedir);
  for (const dirent* entry = nullptr; processes && (entry = ::readdir(processes.get())) != nullptr;) {
    std::ifstream comm(std::string("/proc/") + entry->d_name + "/comm");
    std::string found;
    if (std::getline(comm, found) && found == name) return true;
  }
  return false;
}

// "22.10.1" as numbers.
std::vector<int> numbers_of(const std::string& version) {
  std::vector<int> numbers;
  for (const char* at = version.c_str(); *at >= '0' && *at <= '9';) {
    char* end = nullptr;
    numbers.push_back(static_cast<int>(std::strtol(at, &end, 10)));
    at = *end == '.' ? end + 1 : end;
  }
  return numbers;
}

// Whether the version has what came with these, one for each branch, the newest first.
bool has_what_came_with(const std::string& version, std::initializer_list<std::pair<int, int>> since) {
  const std::vector<int> given = numbers_of(version);
  if (given.empty()) return true;
  const int minor = given.size() > 1 ? given[1] : 0;
  if (given[0] > since.begin()->first) return true;
  return std::ranges::any_of(since,
                             [&](const auto& one) { return given[0] == one.first && minor >= one.second; });
}

class Doctor {
 public:
  Doctor(const Arguments& arguments, Report& report)
      : arguments_(arguments),
        report_(report),
        etc_(arguments.has("asterisk-etc") ? arguments.value("asterisk-etc") : "/etc/asterisk") {}

  void examine() {
    const std::string file =
        arguments_.has("config") ? arguments_.value("config") : "/etc/aribus/aribusd.yaml";
    report_.title("Configuration");
    const auto config = daemon::load_config(file);
    if (config) {
      report_.good(file);
      for (const std::string& warning : config->warnings) report_.note(warning, "");
    } else {
      const bool unreadable = ::access(file.c_str(), R_OK) != 0 && errno == EACCES;
      report_.wrong(config.error().message,
                    unreadable ? "run 'aribus doctor' as root" : "'aribus check' reads it again");
    }
    report_.title("aribusd");
    examine_daemon(config ? &*config : nullptr);
    if (!config) return;
    for (const daemon::AsteriskConfig& asterisk : config->asterisk) {
      report_.title("Asterisk " + asterisk.name + " at " + asterisk.client.url);
      examine_asterisk(asterisk);
    }
  }

 private:
  void examine_daemon(const daemon::Config* config) {
    std::string socket = arguments_.socket;
    if (!arguments_.socket_given && config != nullptr && !config->ipc.sockets.empty()) {
      socket = config->ipc.sockets.front().path;
    }
    Result<client::Client> client = client::Client::connect(socket);
    if (!client) return tell_of_socket(socket, client.error());
    Result<Json> status = client->call("status", "{}", std::chrono::seconds(5));
    if (!status) {
      return report_.wrong("it does not answer: " + status.error().message,
                           status.error().kind == ErrorKind::not_allowed
                               ? "an access rule keeps this user from `status`"
                               : "its log says more: journalctl -u aribusd");
    }
    report_.good("answers on " + socket + ", version " + std::string(find_string(*status, "aribus")));
    status_ = std::move(*status);
    for (const JsonValue& server : status_["servers"].GetArray()) tell_of_state(server);
  }

  void tell_of_state(const JsonValue& server) {
    const std::string name(find_string(server, "name")), state(find_string(server, "state"));
    if (state == "ready") return report_.good(name + ": ready");
    if (state == "replaced") {
      return report_.wrong(name + ": another client has taken its application: events go there",
                           "give each client an application of its own, or 'aribus call reclaim' to take it "
                           "back (on_replaced: reclaim does so always)");
    }
    const std::string reason(find_string(server, "reason"));
    report_.wrong(name + ": " + state + (reason.empty() ? "" : ": " + reason), "");
  }

  void tell_of_socket(const std::string& socket, const Error& error) {
    struct stat info {};
    const std::string systemctl = "systemctl start aribusd; journalctl -u aribusd says why it does not run";
    if (::stat(socket.c_str(), &info) != 0) {
      const std::string reason = std::strerror(errno);
      return report_.wrong(socket + ": " + reason,
                           runs_here("aribusd")
                               ? "aribusd runs: is `sockets` in its configuration another path? "
                                 "--socket names it"
                               : systemctl);
    }
    if (::access(socket.c_str(), W_OK) != 0) {
      const group* owner = ::getgrgid(info.st_gid);
      const passwd* self = ::getpwuid(::geteuid());
      const std::string group_name = owner != nullptr ? owner->gr_name : std::to_string(info.st_gid);
      const std::string user_name = self != nullptr ? self->pw_name : std::to_string(::geteuid());
      return report_.wrong(socket + ": this user may not use it",
                           (info.st_mode & S_IWGRP) != 0
                               ? "usermod -a -G " + group_name + " " + user_name + ", and log in anew"
                               : "its mode has no rights for groups: `mode` and `group` under `sockets`");
    }
    report_.wrong(error.message, systemctl);
  }

  void examine_asterisk(const daemon::AsteriskConfig& asterisk) {
    const ari::ClientOptions& options = asterisk.client;
    const Asker asker(options);
    const Answer info = asker.ask("/ari/asterisk/info");
    if (!examine_http(options, info) || !examine_ari(options, info)) return;
    const auto parsed = parse_json(info.body);
    std::string version;
    if (parsed && parsed->IsObject()) {
      if (const JsonValue* system = find(*parsed, "system")) version = find_string(*system, "version");
    }
    report_.good("ARI answers: Asterisk " + printable(version));
    examine_version(options, version);
    examine_modules(asker, options);
    const Answer write = asker.ask("/ari/events/user/aribus-doctor?application=aribus-doctor-none", "POST");
    if (write.status == 403) {
      report_.wrong("the user '" + options.username + "' may only read: commands will be refused",
                    "read_only=no in [" + options.username + "] of ari.conf, and 'module reload res_ari.so'");
    }
    for (const std::string& app : options.apps) examine_app(asker, asterisk, app);
    examine_clock(info);
    examine_files();
  }

  // Whether an HTTP server that may be Asterisk's answers.
  bool examine_http(const ari::ClientOptions& options, const Answer& info) {
    if (info.code == CURLE_OK && (info.server.empty() || info.server.starts_with("Asterisk"))) return true;
    if (info.code == CURLE_OK) {
      report_.wrong("another web server answers there: " + printable(info.server),
                    "url: is the address of Asterisk's own HTTP server (bindaddr, bindport in http.conf)");
      return false;
    }
    const auto http = AsteriskFile::read(etc_ + "/http.conf");
    switch (info.code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        report_.wrong("its name can't be resolved: " + info.error,
                      "url: check the host, or /etc/hosts and DNS");
        break;
      case CURLE_COULDNT_CONNECT:
        report_.wrong("nothing listens there: " + info.error, why_nothing_listens(options, http));
        break;
      case CURLE_OPERATION_TIMEDOUT:
        report_.wrong("no answer in time: " + info.error,
                      "a firewall, or a port of something else; if it is Asterisk's, Asterisk stands still");
        break;
      case CURLE_SSL_CONNECT_ERROR:
        report_.wrong("it does not speak TLS there: " + info.error,
                      "url: http://, or the port of tlsbindaddr in http.conf");
        break;
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        report_.wrong("its certificate is not trusted: " + info.error,
                      "tls: ca_file: the authority that signed it, and the name in url: the certificate's");
        break;
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
        report_.wrong(
            "the connection is closed without an answer: " + info.error,
            "sessionlimit in http.conf (100) is reached, the port wants TLS (url: https://), or is none of "
            "HTTP's");
        break;
      default:
        report_.wrong("no HTTP there: " + info.error, "url: is the address of Asterisk's HTTP server");
    }
    return false;
  }

  static std::string why_nothing_listens(const ari::ClientOptions& options,
                                         const std::optional<AsteriskFile>& http) {
    const auto url = ari::parse_url(options.url);
    const std::string port = url ? std::to_string(url->port) : "";
    if (http && http->value("general", "enabled") != "yes") {
      return "enabled=yes in http.conf, and 'module reload http'";
    }
    const std::string bound = http ? http->value("general", "bindport") : "";
    if (http && (bound.empty() ? "8088" : bound) != port) {
      return "http.conf says bindport=" + (bound.empty() ? "8088" : bound) + ": url is another port";
    }
    return runs_here("asterisk")
               ? "Asterisk runs: enabled=yes, bindaddr and bindport in http.conf"
               : "is Asterisk running there? enabled=yes, bindaddr and bindport in http.conf";
  }

  // Whether it is ARI, and lets the user in.
  bool examine_ari(const ari::ClientOptions& options, const Answer& info) {
    if (info.status == 200) return true;
    if (info.status == 401 || info.status == 403) {
      report_.wrong("the user '" + options.username + "' or its password is wrong", cure_of_login(options));
    } else if (info.status == 503) {
      report_.wrong("Asterisk is starting, or too busy", "try again in a minute");
    } else if (info.status == 404 && info.type.find("json") != std::string::npos) {
      report_.wrong("module res_ari_asterisk.so is not loaded",
                    "modules.conf: load it and its kin (res_ari_*); 'module load res_ari_asterisk.so'");
    } else if (info.status == 404) {
      const auto http = AsteriskFile::read(etc_ + "/http.conf");
      const std::string prefix = http ? http->value("general", "prefix") : "";
      report_.wrong("there is no ARI: HTTP status 404",
                    !prefix.empty() ? "http.conf says prefix=" + prefix + ": url must end with /" + prefix
                                    : "enabled=yes in ari.conf and res_ari.so loaded; does url end with the "
                                      "prefix of http.conf, and with nothing else?");
    } else {
      report_.wrong("HTTP status " + std::to_string(info.status), "Asterisk's log says more");
    }
    return false;
  }

  [[nodiscard]] std::string cure_of_login(const ari::ClientOptions& options) const {
    const auto ari = AsteriskFile::read(etc_ + "/ari.conf");
    const std::string section = "[" + options.username + "]";
    if (!ari) return section + " in ari.conf: type=user, and the same password; 'module reload res_ari.so'";
    if (!ari->has(options.username)) return "ari.conf has no section " + section;
    if (ari->value(options.username, "type") != "user") return section + " in ari.conf lacks type=user";
    if (ari->value(options.username, "password_format") == "crypt") {
      return section +
             " in ari.conf has a crypted password: the configuration of aribusd wants the plain one";
    }
    return ari->value(options.username, "password") == options.password
               ? "ari.conf has this password, but Asterisk has not read it: 'module reload res_ari.so'"
               : "the password in " + section + " of ari.conf is another one";
  }

  void examine_version(const ari::ClientOptions& options, const std::string& version) {
    if (options.listen && !has_what_came_with(version, {{22, 5}, {21, 10}, {20, 15}})) {
      report_.wrong("mode: outbound needs Asterisk 22.5, 21.10 or 20.15; this is " + version,
                    "mode: inbound");
    }
    if (options.rest == ari::RestMode::websocket &&
        !has_what_came_with(version, {{22, 4}, {21, 9}, {20, 14}})) {
      report_.wrong("rest: websocket needs Asterisk 22.4, 21.9 or 20.14; this is " + version, "rest: http");
    }
  }

  void examine_modules(const Asker& asker, const ari::ClientOptions& options) {
    std::vector<const char*> needed{"res_ari.so",
                                    "res_ari_applications.so",
                                    "res_ari_asterisk.so",
                                    "res_ari_bridges.so",
                                    "res_ari_channels.so",
                                    "res_ari_endpoints.so",
                                    "res_ari_events.so",
                                    "res_ari_device_states.so",
                                    "res_ari_playbacks.so",
                                    "res_ari_recordings.so",
                                    "res_ari_sounds.so",
                                    "res_stasis.so",
                                    "res_stasis_answer.so",
                                    "res_stasis_playback.so",
                                    "res_stasis_recording.so",
                                    "res_stasis_snoop.so",
                                    "res_stasis_device_state.so",
                                    "app_stasis.so",
                                    "res_http_websocket.so"};
    if (options.listen) needed.push_back("res_websocket_client.so");
    const Answer modules = asker.ask("/ari/asterisk/modules");
    const auto list = parse_json(modules.body);
    if (modules.status != 200 || !list || !list->IsArray()) {
      return report_.note("its modules can't be read: HTTP status " + std::to_string(modules.status), "");
    }
    std::string missing;
    for (const char* name : needed) {
      const bool runs = std::ranges::any_of(list->GetArray(), [&](const JsonValue& module) {
        return find_string(module, "name") == name && find_string(module, "status") == "Running";
      });
      if (!runs) missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
    if (missing.empty()) return report_.good("all modules that ARI needs run");
    report_.wrong("modules that do not run: " + missing, "modules.conf; 'module load …' in Asterisk's CLI");
  }

  void examine_app(const Asker& asker, const daemon::AsteriskConfig& asterisk, const std::string& app) {
    const Answer answer = asker.ask("/ari/applications/" + ari::percent_encode(app));
    const std::string state = state_of(asterisk.name);
    const bool held = state == "ready" || state == "syncing";
    if (answer.status == 200 && !held && state != "replaced") {
      report_.wrong("the application '" + app + "' is held by another client",
                    "give each client an application of its own: `apps`, and Stasis() in the dialplan");
    } else if (answer.status == 404 && held) {
      report_.wrong("Asterisk does not know the application '" + app + "', though aribusd is connected",
                    "systemctl restart aribusd");
    } else if (answer.status == 200 && held) {
      report_.good("aribusd holds the application '" + app + "'");
    }
  }

  [[nodiscard]] std::string state_of(const std::string& name) const {
    const JsonValue* servers = find(status_, "servers");
    if (servers == nullptr) return {};
    for (const JsonValue& server : servers->GetArray()) {
      if (find_string(server, "name") == name) return std::string(find_string(server, "state"));
    }
    return {};
  }

  void examine_clock(const Answer& info) {
    const time_t there = curl_getdate(info.date.c_str(), nullptr);
    const auto off = there == -1 ? 0 : static_cast<long long>(::time(nullptr) - there);
    if (std::llabs(off) > 2) {
      report_.wrong("its clock is " + std::to_string(std::llabs(off)) + " s " + (off > 0 ? "slow" : "fast") +
                        " of this machine's: times in records will mislead",
                    "time synchronisation (chrony, systemd-timesyncd) on both");
    }
  }

  // What ARI does not tell of, if the files can be read here.
  void examine_files() {
    if (const auto ari = AsteriskFile::read(etc_ + "/ari.conf")) {
      const std::string timeout = ari->value("general", "websocket_write_timeout");
      if (!timeout.empty() && std::atoi(timeout.c_str()) < 100) {
        report_.wrong("websocket_write_timeout=" + timeout + " in ari.conf: Asterisk may cut aribusd off",
                      "100 (the default) or more");
      }
    }
    if (const auto http = AsteriskFile::read(etc_ + "/http.conf")) {
      const std::string limit = http->value("general", "sessionlimit");
      if (!limit.empty() && std::atoi(limit.c_str()) < 20) {
        report_.wrong("sessionlimit=" + limit + " in http.conf: aribusd alone takes up to nine sessions",
                      "100 (the default) or more");
      }
    }
  }

  const Arguments& arguments_;
  Report& report_;
  std::string etc_;
  Json status_;
};

}  // namespace

int doctor(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("doctor takes no arguments");
  Report report(has_colour());
  Doctor(arguments, report).examine();
  if (report.count() == 0) {
    std::printf("Nothing is wrong.\n");
    return done;
  }
  std::printf("%zu %s wrong.\n", report.count(), report.count() == 1 ? "thing is" : "things are");
  return failed;
}

}  // namespace aribus::cli
