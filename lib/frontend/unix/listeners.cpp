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
      listeners_.push_back(accept_on(socket.path, {}, std::move(at->second)));
      inherited.erase(at);
      spdlog::info("listening on {}, which systemd opened: mode and owner are as its socket unit says",
                   socket.path);
    } else {
      Result<std::unique_ptr<Listener>> opened = open(socket);
      if (!opened) return opened.error();
      listeners_.push_back(std::move(*opened));
      spdlog::info("listening on {}", socket.path);
    }
  }
  return {};
}

std::unique_ptr<UnixListeners::Listener> UnixListeners::accept_on(const std::string& path, SocketFile file,
                                                                  Fd socket) {
  auto listener = std::make_unique<Listener>();
  listener->path = path;
  listener->file = std::move(file);
  listener->acceptor.emplace(loop_, std::move(socket),
                             [this, path](Fd accepted) { on_accept(std::move(accepted), path); });
  return listener;
}

Result<std::unique_ptr<UnixListeners::Listener>> UnixListeners::open(const SocketOptions& options) {
  Result<ListeningSocket> made = listen_on(options);
  if (!made) return made.error();
  return accept_on(options.path, std::move(made->file), std::move(made->socket));
}

Result<void> UnixListeners::prepare(std::vector<SocketOptions> sockets) {
  Change& change = change_.emplace();
  change.sockets = std::move(sockets);
  for (const SocketOptions& socket : change.sockets) {
    if (auto prepared = prepare(socket, change); !prepared) {
      cancel();
      return prepared;
    }
  }
  return {};
}

Result<void> UnixListeners::prepare(const SocketOptions& socket, Change& change) {
  const auto at =
      std::ranges::find(listeners_, socket.path, [](const auto& listener) { return listener->path; });
  if (at == listeners_.end()) {
    Result<std::unique_ptr<Listener>> opened = open(socket);
    if (!opened) return opened.error();
    change.opened.push_back(std::move(*opened));
    return {};
  }
  const bool is_ours = !(*at)->file.path().empty();
  if (!is_ours || std::ranges::find(sockets_, socket) != sockets_.end()) return {};
  const std::optional<SocketOptions> before = rights_of(socket.path);
  if (auto set = set_rights(socket); !set) return set;
  if (before) change.rights_before.push_back(*before);
  return {};
}

void UnixListeners::commit() {
  sockets_ = std::move(change_->sockets);
  std::erase_if(listeners_, [this](const auto& listener) {
    return std::ranges::find(sockets_, listener->path, &SocketOptions::path) == sockets_.end();
  });
  for (std::unique_ptr<Listener>& listener : change_->opened) {
    spdlog::info("listening on {}", listener->path);
    listeners_.push_back(std::move(listener));
  }
  change_.reset();
}

void UnixListeners::cancel() {
  if (!change_) return;
  for (const SocketOptions& before : change_->rights_before) {
    if (auto set = set_rights(before); !set) spdlog::warn("{}", set.error().message);
  }
  change_.reset();
}

void UnixListeners::on_accept(Fd socket, const std::string& path) {
  Result<control::Peer> peer = peer_of(socket.get(), path);
  if (!peer) return spdlog::warn("{}", peer.error().message);
  connected_(std::move(socket), std::move(*peer));
}

}  // namespace aribus::frontend
