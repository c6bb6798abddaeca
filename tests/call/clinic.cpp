#include "tests/call/clinic.h"

#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/soon.h"

namespace aribus::test {

Changed::Changed(const Asterisk& asterisk, const std::string& file, const std::string& text,
                 std::string reload)
    : asterisk_(asterisk),
      path_(asterisk.folder + "/etc/asterisk/" + file),
      before_(read_file(path_)),
      reload_(std::move(reload)) {
  write_file(path_, text);
  asterisk_.cli(reload_);
}

Changed::~Changed() {
  write_file(path_, before_);
  asterisk_.cli(reload_);
}

Unloaded::Unloaded(const Asterisk& asterisk, const std::string& module)
    : asterisk_(asterisk), module_(module) {
  asterisk_.cli("module unload " + module_);
}

Unloaded::~Unloaded() {
  asterisk_.cli("module load " + module_);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no '" + from + "' in:\n" + text);
  return text.replace(at, from.size(), to);
}

std::string Clinic::config(const std::map<std::string, std::string>& keys) const {
  std::map<std::string, std::string> all{{"url", asterisk.url},
                                         {"username", asterisk.username},
                                         {"password", asterisk.password},
                                         {"apps", "[" + app + "]"}};
  for (const auto& [key, value] : keys) all[key] = value;
  std::string text = "asterisk:\n  - name: pbx1\n";
  for (const auto& [key, value] : all) {
    if (!value.empty()) text += "    " + key + ": " + value + "\n";
  }
  const std::string file = directory / "aribusd.yaml";
  write_file(file, text + "sockets:\n  - path: " + socket() + "\n");
  ::chmod(file.c_str(), 0600);
  return file;
}

std::string Clinic::asterisk_user() const {
  struct stat status {};
  if (::stat((asterisk.folder + "/var/lib/asterisk").c_str(), &status) != 0) throw std::runtime_error("stat");
  return std::to_string(status.st_uid);
}

std::string Clinic::doctor(const std::string& config, const Visit& visit) const {
  std::vector<std::string> command = visit.before;
  for (const std::string& word : {std::string(ARIBUS), std::string("doctor"), std::string("--config"), config,
                                  std::string("--asterisk-etc"), asterisk.folder + "/etc/asterisk"}) {
    command.push_back(word);
  }
  const std::string output = directory / "output";
  ::unlink(output.c_str());
  Process process(command, output, visit.environment);
  const auto status = process.wait(std::chrono::seconds(30));
  const std::string said = read_file(output);
  INFO(said);
  CHECK(status == (visit.wrong ? 1 : 0));
  return said;
}

std::unique_ptr<Process> Clinic::daemon(const std::string& config, const std::string& state) const {
  auto process = std::make_unique<Process>(std::vector<std::string>{ARIBUSD, "--config", config},
                                           directory / "daemon.log");
  const auto is_there = [&] {
    auto client = client::Connection::connect(socket());
    if (!client) return false;
    const auto status = client->call("status");
    return status && text_at((*status)["servers"][0], "state") == state;
  };
  if (soon(is_there)) return process;
  throw std::runtime_error("aribusd is not " + state + ": " + read_file(directory / "daemon.log"));
}

}  // namespace aribus::test
