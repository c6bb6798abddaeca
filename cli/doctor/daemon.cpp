#include "cli/doctor/daemon.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <set>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/answers.h"
#include "cli/arguments.h"
#include "client/connection.h"
#include "config/aribusd/running.h"

namespace aribus::cli {
namespace {

constexpr auto patience = std::chrono::seconds(5);  // with the daemon
constexpr Milliseconds start_time{10'000};          // that a first connection may take

// Why the user can't use a socket that is there, and has no rights.
Finding no_right(const std::string& socket, const struct stat& info) {
  const passwd* self = ::getpwuid(::geteuid());
  const std::string user = self != nullptr ? self->pw_name : std::to_string(::geteuid());
  const std::string what = socket + ": this user may not use it";
  if ((info.st_mode & S_IWGRP) == 0) {
    return {what, "its mode has no rights for groups: `mode` and `group` under `sockets`"};
  }
  if (info.st_gid == 0) {
    return {what, "its group is root's: give it another with `group` under `sockets`, and put the user " +
                      user + " into that group"};
  }
  const group* owner = ::getgrgid(info.st_gid);
  const std::string name = owner != nullptr ? owner->gr_name : std::to_string(info.st_gid);
  std::vector<gid_t> groups(1024);
  int count = static_cast<int>(groups.size());
  if (self != nullptr && ::getgrouplist(user.c_str(), self->pw_gid, groups.data(), &count) > 0 &&
      std::ranges::count(groups.begin(), groups.begin() + count, info.st_gid) > 0) {
    return {what, user + " is in its group " + name + ", and was not at login: log in again"};
  }
  return {what, "usermod -a -G " + name + " " + user + ", and log in again"};
}

std::string user_name(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : std::to_string(uid);
}

// The daemons that are seen to run, as far as they matter to who asks for the one of a configuration.
struct Running {
  pid_t own = 0;       // the one that reads `config`; 0: there is none
  std::string others;  // for people

  explicit Running(const std::string& config) {
    for (const config::RunningDaemon& one : config::running_daemons()) {
      if (one.reads(config)) {
        own = one.pid;
      } else {
        others += (others.empty() ? "" : ", ") + std::string("process ") + std::to_string(one.pid) + " of " +
                  user_name(one.user) + " with " + one.configuration;
      }
    }
  }
};

Finding no_connection(const std::string& socket, const Error& error, const Running& running) {
  const std::string start = "systemctl start aribusd; 'journalctl -u aribusd' says why it does not run";
  struct stat info {};
  if (::stat(socket.c_str(), &info) != 0) {
    const int reason = errno;
    const std::string what = socket + ": " + std::strerror(reason);
    if (reason == EACCES) return {what, "this user may not enter its folder: that needs mode 0755"};
    if (running.own == 0) return {what, start};
    return {
        what,
        "aribusd runs (process " + std::to_string(running.own) +
            "): was `sockets` changed after it had read it? 'aribus reload'; --socket names the one that it "
            "listens on"};
  }
  if (::access(socket.c_str(), W_OK) != 0) return no_right(socket, info);
  return {error.message, start};
}

Finding no_answer(const Error& error, const Running& running) {
  const std::string what = "it does not answer: " + error.message;
  if (error.kind == ErrorKind::not_allowed) return {what, "an access rule keeps this user from `status`"};
  return {what, (running.own != 0 ? "" : "systemd holds the socket, and aribusd does not run; ") +
                    std::string("its log says more: journalctl -u aribusd")};
}

std::set<std::string> apps_of(const JsonValue& server) {
  std::set<std::string> apps;
  if (const JsonValue* list = find(server, "apps"); list != nullptr && list->IsArray()) {
    for (const JsonValue& app : list->GetArray()) {
      if (app.IsString()) apps.emplace(as_view(app));
    }
  }
  return apps;
}

void report_state(Report& report, const JsonValue& server) {
  const std::string name(find_string(server, "name")), state(find_string(server, "state"));
  const std::string reason(find_string(server, "reason"));
  if (state == "ready") return report.good(name + ": ready");
  if (state == "replaced") {
    return report.wrong({name + ": another client has taken its application: events go there",
                         "give each client an application of its own, or 'aribus call reclaim' to take it "
                         "back (on_replaced: reclaim does so always)"});
  }
  const auto since = parse_time(find_string(server, "since"));
  const std::string what = name + ": " + state + (reason.empty() ? "" : ": " + reason);
  if (state != "down" && since && wall_now() - *since < start_time) {
    return report.note({what, "it has just begun: ask again in a moment"});
  }
  report.wrong({what, ""});
}

WallTime to_wall_time(const timespec& time) {
  return WallTime(std::chrono::floor<Milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                   std::chrono::nanoseconds(time.tv_nsec)));
}

// Whether a file that aribusd has read at `read` was changed since. Its content is not compared: aribusd
// tells nobody what a password was.
void compare_times(Report& report, const std::string& file, WallTime read) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return;
  const WallTime written = to_wall_time(info.st_mtim), touched = to_wall_time(info.st_ctim);
  if (written > read) {
    report.wrong({file + " was changed at " + to_rfc3339(written) + ", after aribusd had read it (at " +
                      to_rfc3339(read) + ")",
                  "aribus reload"});
  } else if (touched > read) {
    // As of `mv` and of `cp -p`.
    report.note({file + " was put in place, or given another mode or owner, after aribusd had read it",
                 "aribus reload, if its content is another one"});
  }
}

// Whether it has read `config` and no other file.
bool has_read(Report& report, const DaemonStatus& status, const std::string& config) {
  const std::string file(status.file());
  std::error_code none;
  if (file.empty() || std::filesystem::equivalent(file, config, none)) return true;
  report.wrong({"it has read another configuration: " + file,
                "'aribus doctor --config " + file +
                    "' looks at that one; 'systemctl cat aribusd' tells which one the service reads"});
  return false;
}

// Whether it runs with the present content of the file.
void compare(Report& report, const DaemonStatus& status, const config::Config& config) {
  if (const auto read = status.read()) {
    compare_times(report, config.file, *read);
    for (const std::string& one : config.files) compare_times(report, one, *read);
  }
  for (const config::AsteriskConfig& asterisk : config.asterisk) {
    const JsonValue* server = status.server(asterisk.name);
    const std::set<std::string> wanted(asterisk.client.apps.begin(), asterisk.client.apps.end());
    if (server != nullptr && apps_of(*server) == wanted) continue;
    report.wrong({asterisk.name + ": aribusd " +
                      (server == nullptr ? "knows no such Asterisk" : "holds other applications") +
                      ": it has read this configuration before that was changed",
                  "aribus reload"});
  }
}

}  // namespace

pid_t DaemonStatus::pid() const {
  const JsonValue* pid = find(status_, "pid");
  return pid != nullptr && pid->IsInt() ? pid->GetInt() : 0;
}

std::string_view DaemonStatus::file() const {
  const JsonValue* configuration = find(status_, "configuration");
  return configuration == nullptr ? std::string_view() : find_string(*configuration, "file");
}

std::optional<WallTime> DaemonStatus::read() const {
  const JsonValue* configuration = find(status_, "configuration");
  if (configuration == nullptr) return {};
  return parse_time(find_string(*configuration, "read"));
}

std::vector<const JsonValue*> DaemonStatus::servers() const {
  std::vector<const JsonValue*> out;
  const JsonValue* servers = find(status_, "servers");
  if (servers == nullptr || !servers->IsArray()) return out;
  for (const JsonValue& server : servers->GetArray()) out.push_back(&server);
  return out;
}

const JsonValue* DaemonStatus::server(std::string_view name) const {
  for (const JsonValue* server : servers()) {
    if (find_string(*server, "name") == name) return server;
  }
  return nullptr;
}

std::string_view DaemonStatus::state(std::string_view name) const {
  const JsonValue* found = server(name);
  return found == nullptr ? "" : find_string(*found, "state");
}

bool DaemonStatus::wants(std::string_view name, const std::string& app) const {
  const JsonValue* found = server(name);
  return found != nullptr && apps_of(*found).contains(app);
}

bool DaemonStatus::holds(std::string_view name) const {
  return state(name) == "ready" || state(name) == "syncing";
}

DaemonStatus examine_daemon(Report& report, const std::vector<std::string>& sockets, const std::string& file,
                            const config::Config* config) {
  report.doing("asking aribusd");
  const Running running(file);
  std::vector<Finding> failures;
  auto presence = DaemonStatus::Presence::absent;
  for (const std::string& socket : sockets) {
    Result<client::Connection> client =
        client::Connection::connect(socket, {.max_line_bytes = max_own_answer_bytes});
    if (!client) {
      if (::access(socket.c_str(), W_OK) != 0 && errno == EACCES) presence = DaemonStatus::Presence::hidden;
      failures.push_back(no_connection(socket, client.error(), running));
      continue;
    }
    Result<Json> answer = client->call("status", "{}", patience);
    if (!answer) {
      report.wrong(no_answer(answer.error(), running));
      return DaemonStatus(DaemonStatus::Presence::hidden);
    }
    if (const auto good = check_status(*answer); !good) {
      report.wrong(
          {socket + ": " + good.error().message, "is it aribusd that listens there, of this version?"});
      return DaemonStatus(DaemonStatus::Presence::hidden);
    }
    report.good("answers on " + socket + ", version " + std::string(find_string(*answer, "aribus")));
    DaemonStatus status(std::move(*answer));
    if (has_read(report, status, file) && config != nullptr) compare(report, status, *config);
    for (const JsonValue* server : status.servers()) report_state(report, *server);
    return status;
  }
  for (const Finding& failure : failures) report.wrong(failure);
  if (running.own == 0 && !running.others.empty())
    report.note({"an aribusd with another configuration runs here: " + running.others, ""});
  return DaemonStatus(presence);
}

}  // namespace aribus::cli
