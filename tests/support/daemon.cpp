#include "tests/support/daemon.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/soon.h"

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
  bool listens = false;
  const auto listens_or_ended = [&] {
    listens = client::Connection::connect(socket_path()).ok();
    return listens || process_->wait(milliseconds(0));
  };
  static_cast<void>(soon(listens_or_ended));
  if (!listens) throw std::runtime_error("aribusd does not listen:\n" + log());
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
  std::optional<client::Connection> made;
  const auto connects_or_ended = [&] {
    if (auto client = client::Connection::connect(path)) made.emplace(std::move(*client));
    return made || tap.wait(milliseconds(0));
  };
  static_cast<void>(soon(connects_or_ended));
  if (made) return std::move(*made);
  throw std::runtime_error("the connection can't be recorded: " + read_file(path + ".log"));
}

void Daemon::wait_ready() const {
  client::Connection client = connect();
  const auto all_are_ready = [&] {
    const auto status = client.call("status");
    if (!status) throw std::runtime_error("status: " + status.error().message);
    return std::ranges::all_of((*status)["servers"].GetArray(),
                               [](const JsonValue& server) { return as_view(server["state"]) == "ready"; });
  };
  if (!soon(all_are_ready)) throw std::runtime_error("aribusd does not get ready:\n" + log());
}

void Daemon::kill_and_start() {
  process_->signal(SIGKILL);
  process_->wait(seconds(30));
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
  return process_->wait(seconds(30)).value_or(-1);
}

}  // namespace aribus::test
