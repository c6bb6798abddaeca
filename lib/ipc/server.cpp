#include "ipc/server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

namespace aribus::ipc {
namespace {

constexpr Milliseconds housekeeping_interval{2000};

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::invalid_params,
                 "socket " + path + ": a path of at most " + std::to_string(sizeof address.sun_path - 1) +
                     " bytes is expected",
                 {}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes the file of a daemon that is gone. Errors: somebody listens there, or it is no socket.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Error{
        ErrorKind::invalid_params, "socket " + path + ": there is a file of that name that is no socket", {}};
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (connected == 0 || errno == EAGAIN || errno == EACCES) {
    return Error{ErrorKind::invalid_params,
                 "socket " + path + ": another program listens there already (is aribusd running?)",
                 {}};
  }
  if (::unlink(path.c_str()) != 0) return system_error("removing the stale socket " + path);
  spdlog::info("socket {}: replaced the file of a daemon that is gone", path);
  return {};
}

Result<void> give_to(const std::string& path, const SocketOptions& options) {
  if (!options.group.empty()) {
    const group* entry = ::getgrnam(options.group.c_str());
    if (entry == nullptr) {
      return Error{
          ErrorKind::invalid_params, "socket " + path + ": there is no group '" + options.group + "'", {}};
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) {
      return system_error("socket " + path + ": giving it to group " + options.group);
    }
  }
  if (::chmod(path.c_str(), options.mode) != 0) return system_error("socket " + path + ": setting its mode");
  return {};
}

}  // namespace

Server::Server(Loop& loop, bus::Log& log, control::Dispatcher& dispatcher, ServerOptions options)
    : loop_(loop),
      log_(log),
      dispatcher_(dispatcher),
      options_(std::move(options)),
      end_of_turn_(loop, [this] { end_turn(); }),
      housekeeping_(loop),
      drain_deadline_(loop) {
  log_.on_append([this] {
    log_grew_ = true;
    end_of_turn_.request();
  });
  housekeeping_.every(housekeeping_interval, [this] {
    for (const auto& [id, session] : sessions_) session->check_hung_up();
  });
}

Server::~Server() {
  log_.on_append({});
  close_listeners();
}

Result<void> Server::listen() {
  for (const SocketOptions& socket : options_.sockets) {
    if (auto listening = listen_on(socket); !listening) return listening;
  }
  return {};
}

const SocketOptions* Server::find_socket(const std::string& path) const {
  const auto at = std::ranges::find(options_.sockets, path, &SocketOptions::path);
  return at == options_.sockets.end() ? nullptr : &*at;
}

Result<void> Server::change(ServerOptions options) {
  const size_t before = listeners_.size();
  std::vector<const SocketOptions*> given;  // as they were
  const auto undo = [&](const Error& error) {
    close_listeners(before);
    for (const SocketOptions* socket : given) static_cast<void>(give_to(socket->path, *socket));
    return error;
  };
  for (const SocketOptions& socket : options.sockets) {
    const SocketOptions* known = find_socket(socket.path);
    if (known != nullptr && *known == socket) continue;
    if (known != nullptr) given.push_back(known);
    const Result<void> changed = known == nullptr ? listen_on(socket) : give_to(socket.path, socket);
    if (!changed) return undo(changed.error());
  }
  options_ = std::move(options);
  std::erase_if(listeners_, [this](const auto& listener) {
    if (find_socket(listener->path) != nullptr) return false;
    close(*listener);
    return true;
  });
  return {};
}

Result<void> Server::listen_on(const SocketOptions& options) {
  const std::string& path = options.path;
  Result<sockaddr_un> address = address_of(path);
  if (!address) return address.error();
  if (auto removed = remove_stale(path, *address); !removed) return removed;
  auto listener = std::make_unique<Listener>();
  listener->path = path;
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("socket " + path);
  // Nobody may connect before mode and group are set.
  const mode_t before = ::umask(0777);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  ::umask(before);
  if (bound != 0) return system_error("socket " + path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
  }
  Listener& placed = *listeners_.emplace_back(std::move(listener));
  if (::listen(socket.get(), SOMAXCONN) != 0) return system_error("socket " + path);
  if (auto given = give_to(path, options); !given) return given;
  placed.acceptor.emplace(loop_, std::move(socket),
                          [this](Fd accepted) { add_session(std::move(accepted)); });
  return {};
}

void Server::add_session(Fd socket) {
  const uint64_t id = next_session_++;
  const size_t before = sessions_.size();
  auto session = std::make_unique<Session>(
      Session::Context{loop_, log_, dispatcher_, requests_, options_.session}, std::move(socket),
      Session::Handlers{[this, id] {
                          reading_.push_back(id);
                          end_of_turn_.request();
                        },
                        [this, id] {
                          flushing_.push_back(id);
                          end_of_turn_.request();
                        },
                        [this, id] {
                          ended_.push_back(id);
                          end_of_turn_.request();
                        }});
  const auto at = sessions_.emplace(id, std::move(session)).first;
  if (before >= options_.max_connections) {
    const std::string limit = std::to_string(options_.max_connections);
    at->second->end_with(
        {ErrorKind::too_much, "there are " + limit + " connections already", R"({"limit":)" + limit + "}"});
  }
}

void Server::end_turn() {
  if (std::exchange(log_grew_, false)) {
    for (const auto& [id, session] : sessions_) session->on_log_grew();
  }
  // Each kind of work goes on in the order in which sessions asked: who takes much of a turn comes last in
  // the next one.
  writing_.renew();
  {
    const TurnBudget::Use use(writing_);
    for (size_t count = flushing_.size(); count > 0 && !writing_.spent(); --count) {
      if (Session* session = take_first(flushing_)) session->flush();
    }
  }
  requests_.renew();
  while (!reading_.empty() && !requests_.spent()) {
    if (Session* session = take_first(reading_)) session->read();
  }
  if (!reading_.empty() || !flushing_.empty()) end_of_turn_.request();
  for (const uint64_t id : std::exchange(ended_, {})) sessions_.erase(id);
  if (drained_ && sessions_.empty()) finish_drain();
}

Session* Server::take_first(std::deque<uint64_t>& queue) {
  const auto at = sessions_.find(queue.front());
  queue.pop_front();
  return at == sessions_.end() ? nullptr : at->second.get();
}

size_t Server::subscribers() const {
  return static_cast<size_t>(
      std::ranges::count_if(sessions_, [](const auto& entry) { return entry.second->has_subscription(); }));
}

void Server::close(Listener& listener) {
  listener.acceptor.reset();
  struct stat status {};
  if (::lstat(listener.path.c_str(), &status) == 0 && status.st_dev == listener.device &&
      status.st_ino == listener.inode) {
    ::unlink(listener.path.c_str());
  }
}

void Server::close_listeners(size_t from) {
  for (size_t i = from; i < listeners_.size(); ++i) close(*listeners_[i]);
  listeners_.resize(std::min(from, listeners_.size()));
}

void Server::drain(Milliseconds deadline, std::function<void()> done) {
  close_listeners();
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

}  // namespace aribus::ipc
