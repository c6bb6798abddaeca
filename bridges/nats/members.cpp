#include "nats/members.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;

constexpr size_t read_bytes = 64 * 1024;
constexpr milliseconds late_after{1000};    // a turn that is later than this was not this thread's choice
constexpr milliseconds leave_within{2000};  // for the daemon to read the end of a membership
constexpr std::string_view unsubscribe = R"({"jsonrpc":"2.0","id":"aribus-nats","method":"unsubscribe"})"
                                         "\n";

// Connects without waiting. Errors: system.
Result<Fd> connect_at_once(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{ErrorKind::invalid_params, path + ": too long for a socket's path", {}};
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return system_error("a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error("connecting to " + path);
  return socket;
}

}  // namespace

struct Members::Link {
  const Commands* rule;
  std::string subject;  // of messages to the member
  MemberLink messages;
  Fd socket;                    // the connection to the daemon
  uint64_t number;              // never used again
  uint32_t watched = 0;         // the events that epoll is to report; 0: it does not watch the connection
  bool daemon_is_over = false;  // it has closed the connection: the link ends with what it had written
  uint64_t sent = 0;            // the number of the last message to the member
  uint64_t taken = 0;           // the number of the last message from it
};

Members::Members(const std::vector<const Commands*>& rules, Handlers handlers)
    : handlers_(std::move(handlers)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (const Commands* rule : rules) figures_.emplace(rule, std::make_unique<MemberFigures>());
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread([this] { run(); });
}

Members::~Members() {
  stop();
}

void Members::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Members::take(MemberMessage message) {
  {
    const std::lock_guard lock(mutex_);
    if (incoming_bytes_ + message.body.data.size() > max_incoming_bytes || incoming_.size() >= max_incoming)
      return;  // its link ends at the next message
    incoming_bytes_ += message.body.data.size();
    incoming_.push_back(std::move(message));
  }
  wake();
}

void Members::can_send() {
  {
    const std::lock_guard lock(mutex_);
    can_send_ = true;
  }
  wake();
}

void Members::drop(const Commands& rule) {
  {
    const std::lock_guard lock(mutex_);
    dropped_.push_back(&rule);
  }
  wake();
}

void Members::wake() const {
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // EAGAIN: it wakes up anyway
}

void Members::run() {
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    take_incoming();
    const Clock::time_point before = Clock::now();
    expire(before);
    const int timeout = until_next_look(before);
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (timeout >= 0) {
      // After a pause of this process, or of the whole machine, signs of life of the members are still
      // unread.
      const auto late = Clock::now() - before - milliseconds(timeout);
      if (late > late_after) {
        for (const auto& [subject, link] : links_) link->messages.was_deaf(late + late_after);
      }
    }
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == 0) {
        uint64_t woken = 0;
        (void)!::read(wake_.get(), &woken, sizeof woken);
      } else if (const auto at = by_number_.find(event.data.u64); at != by_number_.end()) {
        on_ready(*at->second, event.events);
      }
    }
  }
  while (!links_.empty()) end(*links_.begin()->second, "aribus-nats was stopped");
}

void Members::take_incoming() {
  std::vector<MemberMessage> incoming;
  std::vector<const Commands*> dropped;
  bool can_send = false;
  {
    const std::lock_guard lock(mutex_);
    incoming.swap(incoming_);
    incoming_bytes_ = 0;
    dropped.swap(dropped_);
    can_send = std::exchange(can_send_, false);
  }
  for (MemberMessage& message : incoming) on_message(std::move(message));
  for (const Commands* rule : dropped) {
    std::vector<Link*> found;
    for (const auto& [subject, link] : links_) {
      if (link->rule == rule) found.push_back(link.get());
    }
    for (Link* link : found) end(*link, "the rule '" + rule->rule() + "' is not offered any more");
  }
  if (!can_send) return;
  std::vector<Link*> all;
  for (const auto& [subject, link] : links_) all.push_back(link.get());
  for (Link* link : all) pump(*link);
}

void Members::on_message(MemberMessage message) {
  std::string subject = message.subject.to_member(message.link);
  const auto at = links_.find(subject);
  if (at == links_.end()) {
    if (message.ends) return;
    if (message.body.number == 1) return open(std::move(message), std::move(subject));
    return tell_end(subject, {.number = 1, .received = message.body.number},
                    "aribus-nats does not know this link: it was restarted, or has ended it");
  }
  Link& link = *at->second;
  const auto taken = link.messages.take(message.body, Clock::now());
  if (taken) link.taken = message.body.number;
  if (message.ends) {
    write_daemon(link);
    return end(link, {});
  }
  if (!taken) return end_broken(link, taken.error().message);
  write_daemon(link);
  pump(link);
}

void Members::open(MemberMessage message, std::string subject) {
  MemberFigures& figures = *figures_.at(message.rule);
  const auto refuse = [&](const std::string& why) { tell_end(subject, {.number = 1, .received = 1}, why); };
  if (figures.connected >= max_links)
    return refuse(std::to_string(max_links) + " members of this rule are connected");
  Result<Fd> socket = connect_at_once(message.rule->path());
  if (!socket) return refuse(socket.error().message);
  const MemberLink::Options options{.rule = message.rule->rule(),
                                    .subject = message.subject,
                                    .lease = message.lease.value_or(MemberLink::default_lease),
                                    .max_request_bytes = message.rule->max_line_bytes()};
  auto made = std::make_unique<Link>(Link{.rule = message.rule,
                                          .subject = subject,
                                          .messages = MemberLink(options, Clock::now()),
                                          .socket = std::move(*socket),
                                          .number = ++numbers_});
  Link& link = *made;
  by_number_.emplace(link.number, &link);
  links_.emplace(std::move(subject), std::move(made));
  ++figures.opened;
  ++figures.connected;
  next_look_ = std::min(next_look_.value_or(link.messages.lease_end()), link.messages.lease_end());
  spdlog::debug("rule '{}': the member {} of the group {} is connected", link.rule->rule(),
                options.subject.member, options.subject.group);
  on_message(std::move(message));
}

void Members::on_ready(Link& link, uint32_t events) {
  if ((events & EPOLLOUT) != 0) write_daemon(link);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_daemon(link);
  pump(link);
}

void Members::write_daemon(Link& link) {
  std::string& unsent = link.messages.to_daemon();
  size_t sent = 0;
  while (sent < unsent.size()) {
    const ssize_t count = ::send(link.socket.get(), unsent.data() + sent, unsent.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      if (errno != EAGAIN) sent = unsent.size();  // it has closed the connection, and reading says why
      break;
    }
    sent += static_cast<size_t>(count);
  }
  unsent.erase(0, sent);
}

void Members::read_daemon(Link& link) {
  if (link.daemon_is_over || !link.messages.has_room()) return;
  static thread_local std::array<char, read_bytes> buffer;
  for (;;) {
    const ssize_t count = ::recv(link.socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0) return link.messages.daemon_wrote({buffer.data(), static_cast<size_t>(count)});
    link.daemon_is_over = true;
    return;
  }
}

void Members::pump(Link& link) {
  const size_t max_data = handlers_.max_data();
  if (max_data > 0) {
    while (auto message = link.messages.next(std::min(max_data, read_bytes))) {
      link.sent = message->number;
      handlers_.send(link.subject, std::move(*message), {});
    }
    if (link.daemon_is_over && link.messages.has_room())
      return end(link, "aribusd has closed the connection");
  }
  watch(link);
}

void Members::watch(Link& link) {
  // While nothing can be sent, the daemon's ring keeps the records.
  const bool reads = !link.daemon_is_over && link.messages.has_room() && handlers_.max_data() > 0;
  const uint32_t wanted =
      (reads ? uint32_t{EPOLLIN} : 0U) | (link.messages.to_daemon().empty() ? 0U : uint32_t{EPOLLOUT});
  if (wanted == link.watched) return;
  const int operation = link.watched == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  link.watched = wanted;
  epoll_event event{.events = wanted, .data = {.u64 = link.number}};
  ::epoll_ctl(epoll_.get(), operation, link.socket.get(), &event);
}

void Members::expire(Clock::time_point now) {
  std::erase_if(leaving_, [&](const auto& one) {
    const Leaving& leaving = one.second;
    char dropped[4096];
    ssize_t count = 1;
    while (count > 0) count = ::recv(leaving.socket.get(), dropped, sizeof dropped, MSG_DONTWAIT);
    return now >= leaving.until || (count < 0 ? errno != EAGAIN : true);
  });
  if (!next_look_ || now < *next_look_) return;
  std::vector<Link*> late;
  next_look_.reset();
  for (const auto& [subject, link] : links_) {
    const Clock::time_point end = link->messages.lease_end();
    if (end <= now) {
      late.push_back(link.get());
    } else {
      next_look_ = std::min(next_look_.value_or(end), end);
    }
  }
  for (Link* link : late) {
    const auto& options = link->messages.options();
    warnings_.warn("rule '" + options.rule + "': the member " + options.subject.member + " of the group " +
                   options.subject.group + " was silent for " + std::to_string(options.lease.count()) +
                   " ms: its calls go to others");
    ++figures_.at(link->rule)->expired;
    leave_calls(*link);
    end(*link, "the member was silent for " + std::to_string(options.lease.count()) + " ms");
  }
}

// The daemon would wait for `grace` at the end of the connection; the lease was that time.
void Members::leave_calls(Link& link) {
  if (link.daemon_is_over) return;
  link.messages.to_daemon() += unsubscribe;
  write_daemon(link);
  ::shutdown(link.socket.get(), SHUT_WR);
  if (link.watched != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link.socket.get(), nullptr);
  const int fd = link.socket.get();
  leaving_.insert_or_assign(fd, Leaving{std::move(link.socket), Clock::now() + leave_within});
}

void Members::end(Link& link, const std::string& why) {
  --figures_.at(link.rule)->connected;
  if (!why.empty()) tell_end(link.subject, {.number = link.sent + 1, .received = link.taken}, why);
  by_number_.erase(link.number);
  links_.erase(std::string(link.subject));  // and closes the connection
}

void Members::end_broken(Link& link, const std::string& why) {
  ++figures_.at(link.rule)->broken;
  end(link, why);
}

void Members::tell_end(const std::string& subject, ToMember message, const std::string& why) {
  handlers_.send(subject, std::move(message), why);
}

int Members::until_next_look(Clock::time_point now) const {
  if (!leaving_.empty()) return 50;
  if (!next_look_) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*next_look_ - now).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

}  // namespace aribus::nats
