#include "session/sessions.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/audit.h"
#include "protocol/rpc.h"
#include "session/program_name.h"

namespace aribus::session {
namespace {

constexpr Milliseconds housekeeping_interval{2000};
// Per turn of the loop. The last request of a turn may exceed it by some milliseconds.
constexpr uint64_t requests_limit_ns = 1'000'000;
constexpr uint64_t writing_limit_ns = 2'000'000;

}  // namespace

Sessions::Sessions(Loop& loop, bus::RecordLog& log, control::Dispatcher& dispatcher, SessionsOptions options)
    : log_(log),
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
    std::vector<Session*> all;  // some of them end
    for (const auto& [id, session] : sessions_) all.push_back(session.get());
    for (const auto& [id, session] : sessions_) session->recount();
    for (Session* session : all) session->check_hung_up();
    look_after_clients();
    control::audit_counts();
  });
}

Sessions::~Sessions() {
  log_.remove_listener(log_listener_);
}

void Sessions::change(SessionsOptions options) {
  const bool other_rules = options.access != options_.access;
  options_ = std::move(options);
  if (other_rules) set_access(options_.access);
}

void Sessions::set_access(control::Access access) {
  options_.access = std::move(access);
  for (const auto& [id, session] : sessions_) session->uncount();
  for (const auto& [id, session] : sessions_) {
    control::Caller caller = session->caller();
    Result<Quota::Connection> admitted = admit(caller);
    if (admitted) {
      session->apply_rule(std::move(caller.principal.rule), std::move(*admitted));
    } else {
      session->lose_rule(std::move(caller.principal.rule), admitted.error());
    }
  }
}

// Finds the caller's rule. Errors: not_allowed when there is none, too_much.
Result<Quota::Connection> Sessions::admit(control::Caller& caller) {
  // Without a rule the caller gets one that allows nothing.
  static const auto nothing = std::make_shared<const control::AccessRule>();
  caller.principal.rule = options_.access.rule_for(caller.peer);
  if (caller.principal.rule) return quota_.connect(caller, std::chrono::steady_clock::now());
  caller.principal.rule = nothing;
  return control::not_allowed(
      "no access rule holds for user " + std::to_string(caller.principal.id) + " on " + caller.peer.socket,
      "");
}

// Some connections are reserved for administrators. Of the others a user gets what its rule says, or at most
// half of what other users leave, so that there is room for the next user.
Result<void> Sessions::check_room(const control::Caller& caller) const {
  const size_t limit = options_.max_connections;
  const bool admin = caller.principal.rule->is_admin();
  const size_t kept = std::min(std::max<size_t>(1, limit / 64), limit - 1);
  const size_t room = admin ? limit : limit - kept;
  const auto refuse = [](const std::string& why, size_t number) {
    return Error{ErrorKind::too_much, why, R"({"limit":)" + std::to_string(number) + "}"};
  };
  if (sessions_.size() >= room) {
    return refuse("there are " + std::to_string(sessions_.size()) + " connections already", room);
  }
  if (admin || caller.principal.rule->connections != 0) return {};
  const size_t own = quota_.connections(caller.principal.id);
  const size_t share = std::max<size_t>(1, (room - (sessions_.size() - own) + 1) / 2);
  if (own < share) return {};
  return refuse("user " + std::to_string(caller.principal.id) + " has " + std::to_string(own) +
                    " connections, half of those that other users leave",
                share);
}

void Sessions::add(std::unique_ptr<Transport> transport, control::Peer peer) {
  control::Caller caller{
      .principal = {.id = peer.uid}, .peer = std::move(peer), .connection = next_session_++};
  caller.program = program_of(caller.peer.pid);
  caller.principal.name = names_.find(caller.peer.uid);
  caller.principal.rule = options_.access.rule_for(caller.peer);
  const Result<void> room = caller.principal.rule ? check_room(caller) : Result<void>();
  Result<Quota::Connection> admitted = room ? admit(caller) : Result<Quota::Connection>(room.error());
  if (!admitted) return turn_away(*transport, caller, admitted.error());
  const uint64_t id = caller.connection;
  auto session = std::make_unique<Session>(Session::Context{log_, dispatcher_, requests_, counts_, quota_,
                                                            lines_, names_, client_log_, options_.limits},
                                           std::move(transport), caller,
                                           Session::Handlers{[this, id] {
                                                               reading_.push_back(id);
                                                               want_turn();
                                                             },
                                                             [this, id] {
                                                               flushing_.push_back(id);
                                                               want_turn();
                                                             },
                                                             [this, id] { retire(id); }});
  session->apply_rule(std::move(caller.principal.rule), std::move(*admitted));
  client_log_.connected(session->info());
  sessions_.emplace(id, std::move(session));
}

void Sessions::turn_away(Transport& transport, const control::Caller& caller, const Error& why) {
  ++turned_away_;
  client_log_.turned_away(caller, why);
  std::string line = rpc::error_text("null", why) + "\n";
  iovec piece{line.data(), line.size()};
  static_cast<void>(transport.write({&piece, 1}));
  transport.close(Transport::Ending::refused);
}

// Finds programs that lose records and do not read.
void Sessions::look_after_clients() {
  for (const auto& [id, session] : sessions_) {
    if (client_log_.is_news(id, session->lost())) client_log_.losing(session->info());
  }
  client_log_.tick();
}

Clients Sessions::clients() const {
  std::vector<const Session*> all;
  for (const auto& [id, session] : sessions_) all.push_back(session.get());
  std::ranges::sort(all, {}, [](const Session* session) { return session->caller().connection; });
  Clients result{.clients = {}, .left = client_log_.left()};
  for (const Session* session : all) {
    const ClientInfo info = session->info();
    result.clients.push_back({shown(info), info.pending, info.behind});
  }
  return result;
}

void Sessions::retire(uint64_t session) {
  auto node = sessions_.extract(session);
  const Session& gone = *node.mapped();
  client_log_.left(gone.info(), gone.ending(), gone.was_cut());
  if (pbx::Assignments* assignments = dispatcher_.assignments()) assignments->disconnected(session);
  retired_.add(std::move(node.mapped()));
  end_of_turn_.request();  // it may have been the last one
}

// Not from within end_turn(), which looks itself whether something is left.
void Sessions::want_turn() {
  if (!is_ending_turn_) end_of_turn_.request();
}

void Sessions::end_turn() {
  is_ending_turn_ = true;
  if (std::exchange(log_grew_, false)) {
    for (const auto& [id, session] : sessions_) session->on_log_grew();
  }
  // Each kind of work is done in the order in which sessions asked for it. A session whose turn was cut short
  // asks again and is then behind the others.
  writing_.renew();
  requests_.renew();
  flush_sessions();  // records before the answers to new requests
  while (!reading_.empty() && !requests_.spent()) {
    if (Session* session = take_first(reading_)) session->read();
  }
  flush_sessions();
  is_ending_turn_ = false;
  if (!reading_.empty() || !flushing_.empty()) end_of_turn_.request();
  if (drained_ && sessions_.empty()) finish_drain();
}

// Each session that has asked for it, once.
void Sessions::flush_sessions() {
  if (flushing_.empty() || writing_.spent()) return;
  const TurnBudget::Use use(writing_);
  size_t count = flushing_.size();
  do {
    if (Session* session = take_first(flushing_)) session->flush();
  } while (--count > 0 && !writing_.spent());
}

Session* Sessions::find(uint64_t connection) const {
  const auto at = sessions_.find(connection);
  return at == sessions_.end() ? nullptr : at->second.get();
}

Session* Sessions::take_first(std::deque<uint64_t>& queue) {
  Session* const session = find(queue.front());
  queue.pop_front();
  return session;
}

std::vector<uint64_t> Sessions::behind() const {
  std::vector<uint64_t> behind;
  for (const auto& [id, session] : sessions_) {
    if (const auto records = session->behind()) behind.push_back(*records);
  }
  return behind;
}

void Sessions::drain(Milliseconds deadline, std::function<void()> done) {
  drained_ = std::move(done);
  drain_deadline_.once(deadline, [this] { finish_drain(); });
  for (const auto& [id, session] : sessions_) session->drain();
  end_of_turn_.request();
}

void Sessions::finish_drain() {
  drain_deadline_.stop();
  for (const auto& [id, session] : sessions_) session->silence();
  sessions_.clear();
  if (const auto done = std::exchange(drained_, nullptr)) done();
}

}  // namespace aribus::session
