#include "tests/support/asterisk.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus::test {
namespace {

// sipp with a scenario, talking to `asterisk`; what it prints goes into `directory`.
std::unique_ptr<Process> sipp(const Asterisk& asterisk, const std::string& scenario_file,
                              const TemporaryDirectory& directory, const std::vector<std::string>& more) {
  std::vector<std::string> argv{
      "sipp",        asterisk.sip,        "-sf", scenario_file, "-i",  "127.0.0.1",  "-mi",
      "127.0.0.1",   "-nostdin",          "-aa", "-timeout",    "90s", "-trace_err", "-timeout_error",
      "-error_file", directory / "errors"};
  argv.insert(argv.end(), more.begin(), more.end());
  return std::make_unique<Process>(argv, directory / "output", std::vector<std::string>{"TERM=dumb"});
}

// A port that nobody uses now.
uint16_t free_udp_port() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

}  // namespace

Asterisk Asterisk::running(const std::string& version) {
  std::map<std::string, std::string> variables;
  std::istringstream lines(run({ARIBUS_SOURCE_DIR "/scripts/asterisk", "info", version}));
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return {version,
          variables["ASTERISK_URL"],
          variables["ASTERISK_SIP"],
          variables["ASTERISK_USER"],
          variables["ASTERISK_PASSWORD"],
          variables["ASTERISK_DIR"]};
}

void Asterisk::cli(const std::string& command) const {
  run({ARIBUS_SOURCE_DIR "/scripts/asterisk", "cli", version, command});
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
  start(asterisk, ARIBUS_SOURCE_DIR "/tests/call/" + scenario + ".xml", app);
}

Caller::Caller(const Asterisk& asterisk, const SipScript& script, const std::string& app) {
  write_file(directory_ / "script.xml", script.xml());
  start(asterisk, directory_ / "script.xml", app);
}

void Caller::start(const Asterisk& asterisk, const std::string& scenario_file, const std::string& app) {
  sipp_ = sipp(asterisk, scenario_file, directory_, {"-s", app, "-m", "1", "-rtp_echo"});
}

void Caller::expect_success() {
  const auto status = sipp_->wait(std::chrono::seconds(20));
  if (status == 0) return;
  throw std::runtime_error(
      "sipp " + (status ? "failed with status " + std::to_string(*status) : "does not end") + ": " +
      read_file(directory_ / "errors") + read_file(directory_ / "output").substr(0, 4000));
}

Callee::Callee(const Asterisk& asterisk, int status) : port_(std::to_string(free_udp_port())) {
  std::string scenario = read_file(ARIBUS_SOURCE_DIR "/tests/call/callee.xml");
  constexpr std::string_view place = "[status]";
  scenario.replace(scenario.find(place), place.size(), std::to_string(status));
  write_file(directory_ / "callee.xml", scenario);
  sipp_ = sipp(asterisk, directory_ / "callee.xml", directory_, {"-p", port_});
}

Phone::Phone(const Asterisk& asterisk, std::string user)
    : asterisk_(asterisk), user_(std::move(user)), port_(std::to_string(free_udp_port())) {
  write_file(directory_ / "script.xml", SipScript().serve().xml());
  sipp_ = sipp(asterisk, directory_ / "script.xml", directory_, {"-p", port_});
  enroll(600);
}

void Phone::enroll(int expires) const {
  const std::string headers =
      "Contact: <sip:" + user_ + "@127.0.0.1:" + port_ + ">\nExpires: " + std::to_string(expires) + "\n";
  Caller(asterisk_, SipScript().send_alone("REGISTER", user_, headers), user_).expect_success();
}

void Phone::say(const std::string& text) const {
  const std::string body =
      "Content-Type: text/plain\nContent-Length: " + std::to_string(text.size()) + "\n\n" + text;
  Caller(asterisk_, SipScript().send_alone("MESSAGE", user_, "", body), user_).expect_success();
}

}  // namespace aribus::test
