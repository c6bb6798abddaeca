#include "ipc/server.h"

#include <algorithm>
namespace aribus::ipc {
namespace {

constexpr Milliseconds housekeeping_interval{2000};

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
}

Result<void> Server::listen() {
  for (const SocketOptions& socket : options_.sockets) {
    if (auto listening = add_listener(socket); !listening) return listening;
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
    listeners_.resize(before);
    for (const SocketOptions* socket : given) static_cast<void>(set_rights(*socket));
    return error;
  };
  for (const SocketOptions& socket : options.sockets) {
    const SocketOptions* known = find_socket(socket.path);
    if (known != nullptr && *known == socket) continue;
    if (known != nullptr) given.push_back(known);
    const Result<void> changed = known == nullptr ? add_listener(socket) : set_rights(socket);
    if (!changed) return undo(changed.error());
  }
  options_ = std::move(options);
  std::erase_if(listeners_,
                [this](const auto& listener) { return find_socket(listener->file.path()) == nullptr; });
  return {};
}

Result<void> Server::add_listener(const SocketOptions& options) {
  Result<ListeningSocket> made = listen_on(options);
  if (!made) return made.error();
  auto listener = std::make_unique<Listener>();
  listener->file = std::move(made->file);
  listener->acceptor.emplace(loop_, std::move(made->socket),
                             [this](Fd accepted) { add_session(std::move(accepted)); });
  listeners_.push_back(std::move(listener));
  return {};
}

void Server::add_session(Fd socket) {
  const uint64_t id = next_session_++;
  const size_t before = sessions_.size();
  auto session = std::make_unique<Session>(
      Session::Context{loop_, log_, dispatcher_, requests_, session_counts_, options_.session},
      std::move(socket),
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
    ++turned_away_;
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

}  // namespace aribus::ipc
