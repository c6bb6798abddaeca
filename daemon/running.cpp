#include "daemon/running.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <sys/stat.h>

namespace aribus::daemon {
namespace {

namespace fs = std::filesystem;

// What follows --config in the command of the process, in each way that getopt takes, else the default.
std::string configuration_of(const std::string& process) {
  constexpr std::string_view option = "--config", shortest = "--co";
  std::ifstream command(process + "/cmdline");
  fs::path file = ARIBUS_CONFIG_DIR "/aribusd.yaml";
  bool follows = false;
  for (std::string word; std::getline(command, word, '\0');) {
    const std::string name = word.substr(0, word.find('='));
    const bool is_long = name.size() >= shortest.size() && option.starts_with(name);
    if (follows) {
      file = word;
    } else if (is_long && name.size() < word.size()) {
      file = word.substr(name.size() + 1);
    } else if (word.starts_with("-c") && word.size() > 2) {
      file = word.substr(2);
    }
    follows = !follows && (word == "-c" || (is_long && name == word));
  }
  std::error_code none;
  if (file.is_relative()) file = fs::read_symlink(process + "/cwd", none) / file;
  return file.string();
}

}  // namespace

bool RunningDaemon::reads(const std::string& file) const {
  std::error_code none;
  return fs::equivalent(configuration, file, none);
}

std::vector<RunningDaemon> running_daemons() {
  std::vector<RunningDaemon> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    const std::string digits = entry.path().filename().string(), process = entry.path().string();
    RunningDaemon daemon;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), daemon.pid);
    if (error != std::errc() || end != digits.data() + digits.size()) continue;
    std::ifstream comm(process + "/comm");
    std::string name;
    struct stat info {};
    if (!std::getline(comm, name) || name != "aribusd" || ::stat(process.c_str(), &info) != 0) continue;
    daemon.user = info.st_uid;
    daemon.configuration = configuration_of(process);
    found.push_back(std::move(daemon));
  }
  return found;
}

}  // namespace aribus::daemon
