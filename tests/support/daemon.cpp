#include "tests/support/daemon.h"

#include <csignal>
#include <stdexcept>
#include <thread>

#include <sys/stat.h>

namespace aribus::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

Daemon::Daemon(const std::vector<Server>& servers, const std::string& more_config,
               const std::vector<std::string>& environment) {
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
  const std::string file = directory_ / "aribusd.yaml";
  write_file(file, config);
  ::chmod(file.c_str(), 0600);
  process_ = std::make_unique<Process>(std::vector<std::string>{ARIBUSD, "--config", file},
                                       directory_ / "log", environment);
  for (int i = 0; i < 400; ++i) {
    if (client::Client::connect(socket_path())) return;
    if (process_->wait(milliseconds(25))) break;
  }
  throw std::runtime_error("aribusd does not listen:\n" + log());
}

client::Client Daemon::connect() const {
  auto client = client::Client::connect(socket_path());
  if (!client) throw std::runtime_error(client.error().message);
  return std::move(*client);
}

void Daemon::wait_connected() const {
  client::Client client = connect();
  for (int i = 0; i < 400; ++i) {
    const auto status = client.call("status");
    if (!status) throw std::runtime_error("status: " + status.error().message);
    bool all = true;
    for (const auto& server : (*status)["servers"].GetArray()) all &= server["connected"].GetBool();
    if (all) return;
    std::this_thread::sleep_for(milliseconds(25));
  }
  throw std::runtime_error("aribusd does not get connected:\n" + log());
}

int Daemon::stop() {
  process_->signal(SIGTERM);
  return process_->wait(seconds(10)).value_or(-1);
}

}  // namespace aribus::test
