#include "config/machine.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "config/running.h"
#include "net/tcp_socket.h"

namespace aribus::config {
namespace {

namespace fs = std::filesystem;

std::optional<User> user_of(const passwd* entry) {
  if (entry == nullptr) return {};
  User user{entry->pw_name, entry->pw_uid};
  user.groups.resize(1024);
  int count = static_cast<int>(user.groups.size());
  if (::getgrouplist(entry->pw_name, entry->pw_gid, user.groups.data(), &count) < 0) count = 0;
  user.groups.resize(static_cast<size_t>(count));
  return user;
}

User checking_user() {
  User user{"this user", ::geteuid()};
  user.groups.resize(static_cast<size_t>(std::max(::getgroups(0, nullptr), 0)));
  if (::getgroups(static_cast<int>(user.groups.size()), user.groups.data()) < 0) user.groups.clear();
  user.groups.push_back(::getegid());
  return user;
}

// A path in one spelling.
fs::path normal(const std::string& path) {
  const std::string text = fs::path(path).lexically_normal().string();
  return text.starts_with("/var/run/") ? text.substr(4) : text;
}

bool is_among(const std::string& path, const std::vector<std::string>& paths) {
  return std::ranges::any_of(paths, [&](const std::string& one) { return normal(one) == normal(path); });
}

// Calls `take` with each value of `key` in a unit's file.
void each_setting(const fs::path& file, std::string_view key,
                  const std::function<void(const std::string&)>& take) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") continue;
    std::istringstream words(line.substr(key.size() + 1));
    for (std::string word; words >> word;) take(word);
  }
}

// Calls `take` with the unit's file and its drop-ins below `folder`.
void each_file_of(const std::string& folder, const std::string& unit,
                  const std::function<void(const fs::path&)>& take) {
  std::error_code none;
  take(fs::path(folder) / unit);
  for (const auto& entry : fs::directory_iterator(fs::path(folder) / (unit + ".d"), none)) take(entry.path());
}

// The sockets, as /proc/PID/fd names them, that listen at `port`.
std::vector<std::string> listeners_at(int port) {
  constexpr std::string_view listening = "0A";  // proc(5)
  std::vector<std::string> found;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string slot, local, remote, state, queues, timer, retries, user, probes, inode;
      words >> slot >> local >> remote >> state >> queues >> timer >> retries >> user >> probes >> inode;
      const size_t colon = local.find(':');
      if (colon == std::string::npos || state != listening) continue;
      if (std::strtol(local.c_str() + colon + 1, nullptr, 16) == port)
        found.push_back("socket:[" + inode + "]");
    }
  }
  return found;
}

// The sockets that listen at a path, by the name that they were bound to.
std::vector<std::string> listeners_at(const std::string& path) {
  constexpr std::string_view listening = "00010000";  // __SO_ACCEPTCON
  std::vector<std::string> found;
  std::ifstream lines("/proc/net/unix");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, bound;
    words >> number >> references >> protocol >> flags >> type >> state >> inode >> std::ws;
    std::getline(words, bound);
    if (flags == listening && normal(bound) == normal(path)) found.push_back("socket:[" + inode + "]");
  }
  return found;
}

// Whether the process has one of the sockets; assumed if its files can't be listed.
bool has_socket(pid_t process, const std::vector<std::string>& sockets) {
  std::error_code none, hidden;
  const fs::directory_iterator files("/proc/" + std::to_string(process) + "/fd", hidden);
  return hidden || std::ranges::any_of(files, [&](const fs::directory_entry& entry) {
           return std::ranges::find(sockets, fs::read_symlink(entry.path(), none).string()) != sockets.end();
         });
}

}  // namespace

bool User::is_in(gid_t group) const {
  return std::ranges::find(groups, group) != groups.end();
}

bool User::may(const std::string& path, int rights) const {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (uid == 0 || ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0) return true;
  const unsigned shift = info.st_uid == uid ? 6 : is_in(info.st_gid) ? 3 : 0;
  return (info.st_mode >> shift & static_cast<unsigned>(rights)) == static_cast<unsigned>(rights);
}

bool User::reaches(const std::string& path, int rights) const {
  std::error_code none;
  const fs::path whole = fs::canonical(path, none);
  if (none) return may(path, rights);  // the checking user may not look there
  for (fs::path folder = whole.parent_path();; folder = folder.parent_path()) {
    if (!may(folder, X_OK)) return false;
    if (folder == folder.root_path()) return may(whole, rights);
  }
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::vector<std::string> unit_folders() {
  return {"/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"};
}

void Machine::read_units(const std::vector<std::string>& systemd) {
  for (const std::string& folder : systemd) {
    each_file_of(folder, program + ".service", [&](const fs::path& file) {
      each_setting(file, "RuntimeDirectory",
                   [&](const std::string& name) { folders.push_back("/run/" + name); });
      each_setting(file, "StateDirectory",
                   [&](const std::string& name) { folders.push_back("/var/lib/" + name); });
    });
    each_file_of(folder, program + ".socket", [&](const fs::path& file) {
      each_setting(file, "ListenStream", [&](const std::string& path) { sockets.push_back(path); });
    });
  }
}

MachineCheck::MachineCheck(Reading& reading, const Machine& machine)
    : reading_(reading),
      machine_(machine),
      self_(checking_user()),
      service_(user_of(::getpwnam(machine.user.c_str()))) {
  if (service_) service_->name = "the user " + machine.user;
  struct stat info {};
  if (!service_ && ::stat(reading.file.c_str(), &info) == 0) is_for_these_ = info.st_uid == self_.uid;
}

void MachineCheck::require(const YamlValue& place, const std::function<bool(const User&)>& may,
                           const std::function<std::string(const User&)>& told) {
  const User& daemon = service_ ? *service_ : self_;
  if (may(daemon)) return;
  if (!may(self_) && is_for_these_) {
    Reading::note(place, told(daemon));
  } else if (!may(self_) || self_.uid == 0) {
    reading_.warn(place, told(daemon));
  }  // else this user runs a daemon of their own
}

// Whether the folder of a file that the program makes exists and can be checked. If it can't, that is noted,
// unless systemd makes the folder or only other users may look there.
bool MachineCheck::has_folder(const YamlValue& place, const std::string& path) {
  const std::string folder = folder_of(path);
  if (is_among(folder, machine_.folders)) return false;
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    const int error = errno;
    if (error == EACCES && self_.uid != 0) return false;  // only other users may look there
    Reading::note(place,
                  (error == ENOENT ? "there is no folder " + folder
                                   : "the folder " + folder + " can't be used: " + std::strerror(error)) +
                      "; make it, writable for the daemon's user, or name another one");
    return false;
  }
  if (!S_ISDIR(info.st_mode)) {
    Reading::note(place, folder + " is no folder; name another path");
    return false;
  }
  return true;
}

void MachineCheck::check_folder(const YamlValue& place, const std::string& path) {
  if (!has_folder(place, path)) return;
  const std::string folder = folder_of(path);
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0)
    return Reading::note(place, "the folder " + folder + " is on a file system that is read-only");
  require(
      place, [&](const User& user) { return user.reaches(folder, W_OK | X_OK); },
      [&](const User& user) {
        return user.name + " may not write to the folder " + folder +
               "; give it to the daemon's user, or name a folder that is its own";
      });
}

void MachineCheck::check_readable(const YamlValue& place) {
  const std::string path = place.text();
  if (path.empty() || ::access(path.c_str(), R_OK) != 0) return;
  require(
      place, [&](const User& user) { return user.reaches(path, R_OK); },
      [&](const User& user) { return user.name + " may not read that file; chown or chmod it"; });
}

void MachineCheck::check_socket(const YamlValue& section, const SocketOptions& socket) {
  const YamlValue place = section.member("path");
  struct stat info {};
  if (socket.path.empty()) return;
  if (::lstat(socket.path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode))
      return Reading::note(place, "it is a folder; the name of a socket in it is expected");
    if (!S_ISSOCK(info.st_mode)) {
      return Reading::note(place,
                           "there is a file of that name that is no socket; remove it, or name another path");
    }
    constexpr pid_t systemd = 1;  // it passes the socket to the daemon
    const std::vector<std::string> listeners = listeners_at(socket.path);
    if (!listeners.empty() && !has_socket(systemd, listeners)) {
      if (warn_of_holder(place, listeners)) return;
      return Reading::note(
          place, "another program listens there ('ss -lxp' names it); end it, or name another path");
    }
  }
  if (is_among(socket.path, machine_.sockets)) return;
  check_folder(place, socket.path);
  check_owner(section, socket);
}

// Whether the program itself holds one of the sockets. If it runs with another configuration, which this one
// may replace, there is a warning.
bool MachineCheck::warn_of_holder(const YamlValue& place, const std::vector<std::string>& listeners) {
  for (const RunningProgram& one : running_programs(machine_.program, machine_.default_config)) {
    if (!has_socket(one.pid, listeners)) continue;
    if (!one.reads(reading_.file)) {
      reading_.warn(place, machine_.program + " (process " + std::to_string(one.pid) +
                               ") listens there, with " + one.configuration + ": both can't run at a time");
    }
    return true;
  }
  return false;
}

void MachineCheck::check_owner(const YamlValue& section, const SocketOptions& socket) {
  if (socket.group) {
    require(
        section.member("group"), [&](const User& user) { return user.uid == 0 || user.is_in(*socket.group); },
        [&](const User& user) {
          return user.name +
                 " is not in that group, and can't give it the socket; 'usermod --append --groups "
                 "GROUP USER', or SupplementaryGroups= in the unit";
        });
  }
  if (socket.owner) {
    require(
        section.member("owner"), [&](const User& user) { return user.uid == 0 || user.uid == *socket.owner; },
        [&](const User& user) {
          return user.name +
                 " can't give the socket to another user: only root can; leave it out, or let "
                 "systemd make the socket";
        });
  }
}

void MachineCheck::check_port(const YamlValue& place, const std::string& address, int port,
                              const Tell& tell) {
  int wanted = port;
  if (const auto free = listen_on_tcp(address, wanted)) return;
  const int error = errno;
  const std::string at = address + " port " + std::to_string(port);
  if (error == EADDRINUSE) {
    if (warn_of_holder(place, listeners_at(port))) return;
    return tell(place,
                "another program listens at " + at + " already ('ss -ltnp' names it); name another port");
  }
  if (error == EACCES) {
    return reading_.warn(place,
                         self_.name + " may not listen at " + at +
                             ": ports below 1024 need CAP_NET_BIND_SERVICE, which the unit does not give");
  }
  tell(place,
       "nobody can listen at " + at + ": " + std::strerror(error) + "; is it an address of this machine?");
}

void MachineCheck::check_metrics(const YamlValue& section, const service::HttpOptions& metrics) {
  if (metrics.address.empty()) return check_socket(section, metrics.socket);
  check_port(section.member("listen"), metrics.address, metrics.port, Reading::note);
}

}  // namespace aribus::config
