#include "tests/support/daemon.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

namespace aribus::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

Daemon::Daemon(const std::vector<Server>& servers, const std::string& more_config,
               const std::vector<std::string>& environment)
    : environment_(environment) {
  configure(servers, more_config);
  start();
}

void Daemon::configure(const std::vector<Server>& servers, const std::string& more_config) const {
  std::string config = "asterisk:\n";
  for (const Server& server : servers) {
    std::string apps;
    for (const std::string& app : server.apps) apps += (apps.empty() ? "" : ", ") + app;
    config += "  - name: " + server.name + "\n    url: " + server.url + "\n    username: " + server.username +
              "\n    password: " + server.password + "\n    apps: [" + apps + "]\n" +
              (server.subscribe_all ? "    subscribe_all: true\n" : "") + server.more;
  }
  config += "sockets:\n  - path: " + socket_path() + "\n" + more_config;
  if (config.find("logging:") == std::string::npos) config += "logging:\n  level: debug\n";
  static constexpr std::string_view own_directory = "@DIRECTORY@/";
  for (size_t at = 0; (at = config.find(own_directory)) != std::string::npos;)
    config.replace(at, own_directory.size(), directory_ / "");
  const std::string file = directory_ / "aribusd.yaml";
  write_file(file, config);
  ::chmod(file.c_str(), 0600);
}

Json Daemon::reload() const {
  auto result = connect().call("daemon.reload");
  if (!result) throw std::runtime_error("daemon.reload: " + result.error().message);
  if (!(*result)["applied"].GetBool()) throw std::runtime_error(to_text(*result));
  return std::move(*result);
}

void Daemon::start() {
  process_ =
      std::make_unique<Process>(std::vector<std::string>{ARIBUSD, "--config", directory_ / "aribusd.yaml"},
                                directory_ / "log", environment_);
  for (int i = 0; i < 400; ++i) {
    if (client::Connection::connect(socket_path())) return;
    if (process_->wait(milliseconds(25))) break;
  }
  throw std::runtime_error("aribusd does not listen:\n" + log());
}

Daemon::~Daemon() {
  for (const auto& tap : taps_) tap->wait(seconds(2));  // it ends behind its connection
}

client::Connection Daemon::connect() const {
  if (const char* folder = std::getenv("ARIBUS_TRAFFIC")) return connect_recorded(folder);
  auto client = client::Connection::connect(socket_path());
  if (!client) throw std::runtime_error(client.error().message);
  return std::move(*client);
}

client::Connection Daemon::connect_recorded(const std::string& folder) const {
  static int count = 0;
  const std::string name = folder + "/" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  const std::string path = directory_ / ("tap" + std::to_string(count));
  const std::vector<std::string> argv{"socat",
                                      "-t2",
                                      "-r",
                                      name + ".requests.jsonl",
                                      "-R",
                                      name + ".jsonl",
                                      "UNIX-LISTEN:" + path,
                                      "UNIX-CONNECT:" + socket_path()};
  Process& tap = *taps_.emplace_back(std::make_unique<Process>(argv, path + ".log"));
  for (int i = 0; i < 400 && !tap.wait(milliseconds(5)); ++i) {
    if (auto client = client::Connection::connect(path)) return std::move(*client);
  }
  throw std::runtime_error("the connection can't be recorded: " + read_file(path + ".log"));
}

void Daemon::wait_ready() const {
  client::Connection client = connect();
  for (int i = 0; i < 400; ++i) {
    const auto status = client.call("status");
    if (!status) throw std::runtime_error("status: " + status.error().message);
    bool all = true;
    for (const auto& server : (*status)["servers"].GetArray()) all &= as_view(server["state"]) == "ready";
    if (all) return;
    std::this_thread::sleep_for(milliseconds(25));
  }
  throw std::runtime_error("aribusd does not get ready:\n" + log());
}

void Daemon::kill_and_start() {
  process_->signal(SIGKILL);
  process_->wait(seconds(10));
  start();
}

void Daemon::restart() {
  if (const int status = stop(); status != 0) {
    throw std::runtime_error("aribusd ends with status " + std::to_string(status) + ":\n" + log());
  }
  start();
}

int Daemon::stop() {
  process_->signal(SIGTERM);
  return process_->wait(seconds(10)).value_or(-1);
}

}  // namespace aribus::test
