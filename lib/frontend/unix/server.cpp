#include "frontend/unix/server.h"

#include <utility>

#include "base/log.h"
#include "frontend/unix/unix_transport.h"

namespace aribus::frontend {

UnixServer::UnixServer(Loop& loop, session::Sessions& sessions, std::vector<SocketOptions> sockets)
    : listeners_(loop, std::move(sockets), [&loop, &sessions](Fd socket, control::Peer peer) {
        sessions.add(std::make_unique<UnixTransport>(loop, std::move(socket)), std::move(peer));
      }) {}

Result<void> UnixServer::listen(std::map<std::string, Fd> inherited) {
  if (auto listening = listeners_.listen(inherited); !listening) return listening;
  for (const auto& [path, socket] : inherited) {
    spdlog::warn(
        "nobody listens on {}, which systemd opened: name it in sockets or web.path, or take it out of aribusd.socket",
        path);
  }
  return {};
}

}  // namespace aribus::frontend
