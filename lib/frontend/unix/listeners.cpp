#include "frontend/unix/listeners.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "frontend/unix/peer.h"

namespace aribus::frontend {

UnixListeners::UnixListeners(Loop& loop, std::vector<SocketOptions> sockets,
                             std::function<void(Fd, control::Peer)> connected)
    : loop_(loop), sockets_(std::move(sockets)), connected_(std::move(connected)) {}

Result<void> UnixListeners::listen(std::map<std::string, Fd>& inherited) {
  for (const SocketOptions& socket : sockets_) {
    if (auto at = inherited.find(socket.path); at != inherited.end()) {
      accept_on(socket.path, {}, std::move(at->second));
      inherited.erase(at);
      spdlog::info("listening on {}, which systemd opened: mode and owner are as its socket unit says",
                   socket.path);
    } else {
      if (auto listening = add(socket); !listening) return listening;
    }
  }
  return {};
}

void UnixListeners::accept_on(const std::string& path, SocketFile file, Fd socket) {
  auto listener = std::make_unique<Listener>();
  listener->path = path;
  listener->file = std::move(file);
  listener->acceptor.emplace(loop_, std::move(socket),
                             [this, path](Fd accepted) { on_accept(std::move(accepted), path); });
  listeners_.push_back(std::move(listener));
}

Result<void> UnixListeners::add(const SocketOptions& options) {
  Result<ListeningSocket> made = listen_on(options);
  if (!made) return made.error();
  accept_on(options.path, std::move(made->file), std::move(made->socket));
  spdlog::info("listening on {}", options.path);
  return {};
}

Result<void> UnixListeners::change(std::vector<SocketOptions> sockets) {
  const size_t before = listeners_.size();
  std::vector<const SocketOptions*> changed;  // as they were
  const auto undo = [&](const Error& error) {
    listeners_.resize(before);
    for (const SocketOptions* socket : changed) static_cast<void>(set_rights(*socket));
    return error;
  };
  const auto is_ours = [&](const std::string& path) {
    const auto at = std::ranges::find(listeners_, path, [](const auto& listener) { return listener->path; });
    return at != listeners_.end() && !(*at)->file.path().empty();
  };
  const auto find = [](const std::vector<SocketOptions>& list, const std::string& path) {
    const auto at = std::ranges::find(list, path, &SocketOptions::path);
    return at == list.end() ? nullptr : &*at;
  };
  for (const SocketOptions& socket : sockets) {
    const SocketOptions* known = find(sockets_, socket.path);
    if (known == nullptr) {
      if (auto added = add(socket); !added) return undo(added.error());
    } else if (*known != socket && is_ours(socket.path)) {
      changed.push_back(known);
      if (auto set = set_rights(socket); !set) return undo(set.error());
    }
  }
  sockets_ = std::move(sockets);
  std::erase_if(listeners_, [&](const auto& listener) { return find(sockets_, listener->path) == nullptr; });
  return {};
}

void UnixListeners::on_accept(Fd socket, const std::string& path) {
  Result<control::Peer> peer = peer_of(socket.get(), path);
  if (!peer) return spdlog::warn("{}", peer.error().message);
  connected_(std::move(socket), std::move(*peer));
}

}  // namespace aribus::frontend
