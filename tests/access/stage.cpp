#include "tests/access/stage.h"

namespace aribus::test {

namespace fs = std::filesystem;

Stage::Stage(const std::string& config, const std::vector<std::string>& apps)
    : daemon({server(apps)}, config) {
  fs::permissions(fs::path(daemon.socket_path()).parent_path(), fs::perms(0755));
  daemon.wait_ready();
}

Server Stage::server(const std::vector<std::string>& apps) const {
  Server server = asterisk.server();
  server.apps = apps;
  return server;
}

std::string Stage::monitor_path() const {
  return fs::path(daemon.socket_path()).parent_path() / "monitor.sock";
}

std::vector<std::string> Stage::effects() const {
  std::vector<std::string> found;
  const auto log = parse_json(asterisk.control("GET", "log"));
  for (const auto& request : log->GetArray()) {
    const std::string text = to_text(request);
    if (find_string(request, "method") != "GET" || text.find("/variable") != std::string::npos)
      found.push_back(text);
  }
  return found;
}

bool works_soon(Peer& peer, const std::string& method, const std::string& params) {
  return soon([&] { return peer.code(method, params) == 0; });
}

}  // namespace aribus::test
