// Set-ups that were broken on purpose, and `aribus doctor` in front of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/call/stage.h"

namespace aribus::test {

// A file of an Asterisk's configuration that is another one for a while. All Asterisks that the tests run
// share nothing but this machine; tests that use this run alone.
class Changed {
 public:
  // `reload`: the command that has Asterisk read it.
  Changed(const Asterisk& asterisk, const std::string& file, const std::string& text, std::string reload);
  ~Changed();
  Changed(const Changed&) = delete;
  Changed& operator=(const Changed&) = delete;

 private:
  const Asterisk& asterisk_;
  std::string path_, before_, reload_;
};

// A module that does not run for a while.
class Unloaded {
 public:
  Unloaded(const Asterisk& asterisk, const std::string& module);
  ~Unloaded();
  Unloaded(const Unloaded&) = delete;
  Unloaded& operator=(const Unloaded&) = delete;

 private:
  const Asterisk& asterisk_;
  std::string module_;
};

// `text` with the first `from` replaced; throws when there is none.
std::string with(std::string text, const std::string& from, const std::string& to);

struct Clinic {
  explicit Clinic(const std::string& version) : asterisk(Asterisk::running(version)), app(fresh_app()) {}

  // Writes a configuration of one Asterisk whose keys are as it runs, unless `keys` says otherwise, and
  // returns its path.
  std::string config(const std::map<std::string, std::string>& keys = {}) const;
  // The number of the user that Asterisk runs as, which has another name in its folder.
  [[nodiscard]] std::string asterisk_user() const;
  std::string socket() const { return directory / "aribus.sock"; }
  // A file of Asterisk's configuration.
  std::string text_of(const std::string& file) const {
    return read_file(asterisk.folder + "/etc/asterisk/" + file);
  }

  struct Visit {
    bool wrong = true;                  // whether it is to find something
    std::vector<std::string> before{};  // of the command
    std::vector<std::string> environment{};
  };
  // What it says of a configuration.
  std::string doctor(const std::string& config) const { return doctor(config, Visit()); }
  std::string doctor(const std::string& config, const Visit& visit) const;

  // An aribusd whose Asterisk has come to `state`.
  std::unique_ptr<Process> daemon(const std::string& config, const std::string& state = "ready") const;

  TemporaryDirectory directory;
  Asterisk asterisk;
  std::string app;
};

}  // namespace aribus::test
