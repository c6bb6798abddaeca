#include "frontend/unix/server.h"

#include <algorithm>

#include <sys/socket.h>

#include "base/log.h"
#include "control/audit.h"
#include "frontend/unix/peer.h"

namespace aribus::frontend {
namespace {

constexpr Milliseconds housekeeping_interval{2000};
// Per turn of the loop. The last request of a turn may exceed it by some milliseconds.
constexpr uint64_t requests_limit_ns = 1'000'000;
constexpr uint64_t writing_limit_ns = 2'000'000;

}  // namespace

Server::Server(Loop& loop, bus::RecordLog& log, control::Dispatcher& dispatcher, ServerOptions options)
    : loop_(loop),
      log_(log),
      dispatcher_(dispatcher),
      options_(std::move(options)),
      requests_(requests_limit_ns),
      writing_(writing_limit_ns),
      names_(loop),
      retired_(loop),
      end_of_turn_(loop, [this] { end_turn(); }),
      housekeeping_(loop),
      drain_deadline_(loop) {
  log_listener_ = log_.add_listener([this] {
    log_grew_ = true;
    end_of_turn_.request();
  });
  housekeeping_.every(housekeeping_interval, [this] {
    std::vector<session::Session*> all;  // some of them end
    for (const auto& [id, session] : sessions_) all.push_back(session.get());
    for (session::Session* session : all) session->check_hung_up();
    look_after_clients();
    control::audit_counts();
  });
}

Server::~Server() {
  log_.remove_listener(log_listener_);
}

Result<void> Server::listen(std::map<std::string, Fd> inherited) {
  for (const SocketOptions& socket : options_.sockets) {
    if (auto at = inherited.find(socket.path); at != inherited.end()) {
      accept_on(socket.path, {}, std::move(at->second));
      inherited.erase(at);
      spdlog::info("listening on {}, which systemd opened: mode and owner are as its socket unit says",
                   socket.path);
    } else {
      if (auto listening = add_listener(socket); !listening) return listening;
    }
  }
  for (const auto& [path, socket] : inherited) {
    spdlog::warn(
        "nobody listens on {}, which systemd opened: list it in sockets, or take it out of aribusd.socket",
        path);
  }
  return {};
}

void Server::accept_on(const std::string& path, SocketFile file, Fd socket) {
  auto listener = std::make_unique<Listener>();
  listener->path = path;
  listener->file = std::move(file);
  listener->acceptor.emplace(loop_, std::move(socket),
                             [this, path](Fd accepted) { add_session(std::move(accepted), path); });
  listeners_.push_back(std::move(listener));
}

Result<void> Server::add_listener(const SocketOptions& options) {
  Result<ListeningSocket> made = listen_on(options);
  if (!made) return made.error();
  accept_on(options.path, std::move(made->file), std::move(made->socket));
  spdlog::info("listening on {}", options.path);
  return {};
}

Result<void> Server::change(ServerOptions options) {
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
  const auto find = [](const std::vector<SocketOptions>& sockets, const std::string& path) {
    const auto at = std::ranges::find(sockets, path, &SocketOptions::path);
    return at == sockets.end() ? nullptr : &*at;
  };
  for (const SocketOptions& socket : options.sockets) {
    const SocketOptions* known = find(options_.sockets, socket.path);
    if (known == nullptr) {
      if (auto added = add_listener(socket); !added) return undo(added.error());
    } else if (*known != socket && is_ours(socket.path)) {
      changed.push_back(known);
      if (auto set = set_rights(socket); !set) return undo(set.error());
    }
  }
  const bool other_rules = options.access != options_.access;
  options_ = std::move(options);
  std::erase_if(listeners_,
                [&](const auto& listener) { return find(options_.sockets, listener->path) == nullptr; });
  if (other_rules) set_access(options_.access);
  return {};
}

// Finds the caller's rule. Errors: not_allowed when there is none, too_much.
Result<session::Quota::Connection> Server::admit(control::Caller& caller) {
  // Without a rule the caller gets one that allows nothing.
  static const auto nothing = std::make_shared<const control::AccessRule>();
  caller.rule = options_.access.rule_for(caller.peer);
  if (caller.rule) return quota_.connect(caller, std::chrono::steady_clock::now());
  caller.rule = nothing;
  return control::not_allowed(
      "no access rule holds for user " + std::to_string(caller.peer.uid) + " on " + caller.peer.socket, "");
}

void Server::set_access(control::Access access) {
  options_.access = std::move(access);
  for (const auto& [id, session] : sessions_) session->uncount();
  for (const auto& [id, session] : sessions_) {
    control::Caller caller = session->caller();
    Result<session::Quota::Connection> admitted = admit(caller);
    if (admitted) {
      session->apply_rule(std::move(caller.rule), std::move(*admitted));
    } else {
      session->close_with_error(admitted.error());
    }
  }
}

// Some connections are reserved for administrators. Of the others a user gets what its rule says, or at most
// half of what other users leave, so that there is room for the next user.
Result<void> Server::check_room(const control::Caller& caller) const {
  const size_t limit = options_.max_connections;
  const bool admin = caller.rule->is_admin();
  const size_t kept = std::min(std::max<size_t>(1, limit / 64), limit - 1);
  const size_t room = admin ? limit : limit - kept;
  const auto refuse = [](const std::string& why, size_t number) {
    return Error{ErrorKind::too_much, why, R"({"limit":)" + std::to_string(number) + "}"};
  };
  if (sessions_.size() >= room) {
    return refuse("there are " + std::to_string(sessions_.size()) + " connections already", room);
  }
  if (admin || caller.rule->connections != 0) return {};
  const size_t own = quota_.connections(caller.peer.uid);
  const size_t share = std::max<size_t>(1, (room - (sessions_.size() - own) + 1) / 2);
  if (own < share) return {};
  return refuse("user " + std::to_string(caller.peer.uid) + " has " + std::to_string(own) +
                    " connections, half of those that other users leave",
                share);
}

void Server::add_session(Fd socket, const std::string& path) {
  Result<control::Peer> peer = peer_of(socket.get(), path);
  if (!peer) return spdlog::warn("{}", peer.error().message);
  control::Caller caller{std::move(*peer), {}, {}, next_session_++};
  caller.program = program_of(caller.peer.pid);
  caller.user = names_.find(caller.peer.uid);
  caller.rule = options_.access.rule_for(caller.peer);
  const Result<void> room = caller.rule ? check_room(caller) : Result<void>();
  Result<session::Quota::Connection> admitted =
      room ? admit(caller) : Result<session::Quota::Connection>(room.error());
  if (!admitted) {
    ++turned_away_;
    client_log_.turned_away(caller, admitted.error());
    const std::string line = rpc::error_text("null", admitted.error()) + "\n";
    static_cast<void>(::send(socket.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    return;
  }
  const uint64_t id = caller.connection;
  auto session = std::make_unique<session::Session>(
      session::Session::Context{loop_, log_, dispatcher_, requests_, session_counts_, quota_, lines_, names_,
                                client_log_, options_.session},
      std::move(socket), caller,
      session::Session::Handlers{[this, id] {
                                   reading_.push_back(id);
                                   end_of_turn_.request();
                                 },
                                 [this, id] {
                                   flushing_.push_back(id);
                                   end_of_turn_.request();
                                 },
                                 [this, id] { retire(id); }});
  session->apply_rule(std::move(caller.rule), std::move(*admitted));
  client_log_.connected(session->info());
  sessions_.emplace(id, std::move(session));
}

// Finds programs that lose records and do not read.
void Server::look_after_clients() {
  for (const auto& [id, session] : sessions_) {
    if (client_log_.is_news(id, session->lost())) client_log_.losing(session->info());
  }
  client_log_.tick();
}

session::Clients Server::clients() const {
  std::vector<const session::Session*> all;
  for (const auto& [id, session] : sessions_) all.push_back(session.get());
  std::ranges::sort(all, {}, [](const session::Session* session) { return session->caller().connection; });
  session::Clients result{.clients = {}, .left = client_log_.left()};
  for (const session::Session* session : all) {
    const session::ClientInfo info = session->info();
    result.clients.push_back({session::shown(info), info.pending, info.behind});
  }
  return result;
}

void Server::retire(uint64_t session) {
  auto node = sessions_.extract(session);
  const session::Session& gone = *node.mapped();
  client_log_.left(gone.info(), gone.ending(), gone.was_cut());
  retired_.add(std::move(node.mapped()));
  end_of_turn_.request();  // it may have been the last one
}

void Server::end_turn() {
  if (std::exchange(log_grew_, false)) {
    for (const auto& [id, session] : sessions_) session->on_log_grew();
  }
  // Each kind of work is done in the order in which sessions asked for it. A session whose turn was cut short
  // asks again and is then behind the others.
  writing_.renew();
  {
    const session::TurnBudget::Use use(writing_);
    for (size_t count = flushing_.size(); count > 0 && !writing_.spent(); --count) {
      if (session::Session* session = take_first(flushing_)) session->flush();
    }
  }
  requests_.renew();
  while (!reading_.empty() && !requests_.spent()) {
    if (session::Session* session = take_first(reading_)) session->read();
  }
  if (!reading_.empty() || !flushing_.empty()) end_of_turn_.request();
  if (drained_ && sessions_.empty()) finish_drain();
}

session::Session* Server::take_first(std::deque<uint64_t>& queue) {
  const auto at = sessions_.find(queue.front());
  queue.pop_front();
  return at == sessions_.end() ? nullptr : at->second.get();
}

std::vector<uint64_t> Server::behind() const {
  std::vector<uint64_t> behind;
  for (const auto& [id, session] : sessions_) {
    if (const auto records = session->behind()) behind.push_back(*records);
  }
  return behind;
}

void Server::drain(Milliseconds deadline, std::function<void()> done) {
  listeners_.clear();
  drained_ = std::move(done);
  drain_deadline_.once(deadline, [this] { finish_drain(); });
  for (const auto& [id, session] : sessions_) session->drain();
  end_of_turn_.request();
}

void Server::finish_drain() {
  drain_deadline_.stop();
  sessions_.clear();
  if (const auto done = std::exchange(drained_, nullptr)) done();
}

}  // namespace aribus::frontend
