#include "tests/support/asterisk.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

namespace aribus::test {

Asterisk Asterisk::running(const std::string& version) {
  std::map<std::string, std::string> variables;
  std::istringstream lines(run({ARIBUS_SOURCE_DIR "/scripts/asterisk", "info", version}));
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return {version, variables["ASTERISK_URL"], variables["ASTERISK_SIP"], variables["ASTERISK_USER"],
          variables["ASTERISK_PASSWORD"]};
}

Server Asterisk::server(const std::string& app) const {
  Server server;
  server.name = "pbx" + version;
  server.url = url;
  server.username = username;
  server.password = password;
  server.apps = {app};
  return server;
}

Caller::Caller(const Asterisk& asterisk, const std::string& scenario, const std::string& app) {
  const std::vector<std::string> argv{"sipp",
                                      asterisk.sip,
                                      "-sf",
                                      ARIBUS_SOURCE_DIR "/tests/call/" + scenario + ".xml",
                                      "-s",
                                      app,
                                      "-m",
                                      "1",
                                      "-i",
                                      "127.0.0.1",
                                      "-mi",
                                      "127.0.0.1",
                                      "-rtp_echo",
                                      "-nostdin",
                                      "-timeout",
                                      "90s",
                                      "-timeout_error",
                                      "-trace_err",
                                      "-error_file",
                                      directory_ / "errors"};
  sipp_ = std::make_unique<Process>(argv, directory_ / "output", std::vector<std::string>{"TERM=dumb"});
}

void Caller::expect_success() {
  const auto status = sipp_->wait(std::chrono::seconds(20));
  if (status == 0) return;
  throw std::runtime_error(
      "sipp " + (status ? "failed with status " + std::to_string(*status) : "does not end") + ": " +
      read_file(directory_ / "errors") + read_file(directory_ / "output").substr(0, 4000));
}

}  // namespace aribus::test
