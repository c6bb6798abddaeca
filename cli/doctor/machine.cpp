#include "cli/doctor/machine.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/numbers.h"

namespace aribus::cli {

namespace {

// The numbers that are names in a folder of /proc: processes, or a process's files.
std::vector<int> numbers_in(const std::string& folder) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  for (const dirent* entry = nullptr; entries && (entry = ::readdir(entries.get())) != nullptr;) {
    if (const auto number = whole_number<int>(entry->d_name)) numbers.push_back(*number);
  }
  return numbers;
}

std::string name_of(pid_t process) {
  std::ifstream comm("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

// The sockets (as /proc/PID/fd names them) of connections that stand to `port`, from proc(5)'s table.
void add_sockets(const char* table, int port, std::set<std::string>& sockets) {
  constexpr std::string_view established = "01";
  std::ifstream lines(table);
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retries, user, probes, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retries >> user >> probes >> inode;
    const size_t colon = remote.find(':');
    if (colon == std::string::npos || state != established) continue;
    if (std::strtol(remote.c_str() + colon + 1, nullptr, 16) == port)
      sockets.insert("socket:[" + inode + "]");
  }
}

}  // namespace

bool runs_here(const std::string& name) {
  return std::ranges::any_of(numbers_in("/proc"), [&](int process) { return name_of(process) == name; });
}

std::map<pid_t, Connected> connected_to(int port) {
  std::map<pid_t, Connected> found;
  std::set<std::string> sockets;
  add_sockets("/proc/net/tcp", port, sockets);
  add_sockets("/proc/net/tcp6", port, sockets);
  if (sockets.empty()) return found;
  for (const pid_t process : numbers_in("/proc")) {
    const std::string files = "/proc/" + std::to_string(process) + "/fd";
    for (const int file : numbers_in(files)) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(files + "/" + std::to_string(file), gone);
      if (gone || !sockets.contains(target)) continue;
      Connected& one = found[process];
      one.name = name_of(process);
      ++one.connections;
    }
  }
  return found;
}

bool is_this_machine(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const Fd socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Only its own addresses can be bound; the port is any.
    if (socket.get() >= 0 && ::bind(socket.get(), one->ai_addr, one->ai_addrlen) == 0) return true;
  }
  return false;
}

}  // namespace aribus::cli
