#include "config/running.h"

#include <filesystem>
#include <fstream>
#include <string_view>

#include <sys/stat.h>

#include "base/numbers.h"

namespace aribus::config {
namespace {

namespace fs = std::filesystem;

// The argument of --config in the process's command line, in each form that getopt accepts, else the default.
std::string configuration_of(const std::string& process, const std::string& default_config) {
  constexpr std::string_view option = "--config", shortest = "--co";
  std::ifstream command(process + "/cmdline");
  fs::path file = default_config;
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

bool RunningProgram::reads(const std::string& file) const {
  std::error_code none;
  return fs::equivalent(configuration, file, none);
}

std::vector<RunningProgram> running_programs(const std::string& program, const std::string& default_config) {
  std::vector<RunningProgram> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    const std::string digits = entry.path().filename().string(), process = entry.path().string();
    RunningProgram running;
    const auto pid = whole_number<pid_t>(digits);
    if (!pid) continue;
    running.pid = *pid;
    std::ifstream comm(process + "/comm");
    std::string name;
    struct stat info {};
    if (!std::getline(comm, name) || name != program || ::stat(process.c_str(), &info) != 0) continue;
    running.user = info.st_uid;
    running.configuration = configuration_of(process, default_config);
    found.push_back(std::move(running));
  }
  return found;
}

}  // namespace aribus::config
