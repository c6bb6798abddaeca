#include "nats/commands.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/messages.h"
#include "nats/pauses.h"
#include "protocol/rpc.h"

namespace aribus::nats {
namespace {

using client::LineSocket;
using std::chrono::milliseconds;

constexpr milliseconds connect_timeout{2000};           // for the daemon to accept the connection
constexpr milliseconds hello_within{10'000};            // for the daemon to answer `hello`
constexpr size_t max_answer_bytes = size_t{128} << 20;  // Asterisk's may have 64 MiB, and base64 adds a third

Error too_much(const std::string& what, size_t limit) {
  return {ErrorKind::too_much, what + "; nothing was sent", R"({"limit":)" + std::to_string(limit) + "}"};
}

std::string timeout_data(milliseconds timeout) {
  return R"({"timeout_ms":)" + std::to_string(timeout.count()) + "}";
}

}  // namespace

void CommandFigures::count(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      ++done;
      break;
    case Outcome::failed:
      ++failed;
      break;
    case Outcome::not_sent:
      ++not_sent;
      break;
    case Outcome::unknown:
      ++unknown;
      break;
  }
}

Commands::Commands(std::string rule, std::string socket, Handlers handlers)
    : rule_(std::move(rule)),
      path_(std::move(socket)),
      handlers_(std::move(handlers)),
      max_line_bytes_(client::default_request_bytes),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      reason_("connecting to " + path_),
      thread_([this] { run(); }) {}

void Commands::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Commands::refuse(const Asked& asked, const Error& error) {
  figures_of(asked).count(outcome_of(error));
  handlers_.answer(asked, rpc::error_text(asked.id, error));
}

void Commands::request(Request request, Asked asked, std::optional<milliseconds> timeout) {
  if (auto kept = keep_key_apart(request, rule_); !kept) return refuse(asked, kept.error());
  const uint64_t number = next_++;
  Result<std::string> line =
      client::request_line(number, request.method, to_text(request.params), max_line_bytes_);
  if (!line) return refuse(asked, line.error());
  Waiting waiting{.asked = std::move(asked), .line = std::move(*line), .timeout = timeout};
  waiting.bytes = waiting.asked.id.size() + waiting.asked.reply.size() + waiting.line.size();
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::connected) {
      refused = {ErrorKind::not_connected, reason_ + "; nothing was sent", {}};
    } else if (under_way() >= max_under_way) {
      refused =
          too_much(std::to_string(max_under_way) + " commands of this rule are in progress", max_under_way);
    } else if (bytes_ + waiting.bytes > max_bytes) {
      refused = too_much("the commands of this rule in progress have too many bytes", max_bytes);
    } else {
      ++figures_of(waiting.asked).under_way;
      bytes_ += waiting.bytes;
      incoming_.emplace_back(number, std::move(waiting));
    }
  }
  if (refused) return refuse(waiting.asked, *refused);
  wake();
}

void Commands::check_rule() {
  check_rule_ = true;
  wake();
}

void Commands::wake() const {
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // EAGAIN: it wakes up anyway
}

void Commands::wait(int fd, int timeout_ms) {
  const bool writes = !sending_.empty() || !unsent_.empty();
  pollfd ready[] = {{wake_.get(), POLLIN, 0},
                    {fd, static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0}};
  ::poll(ready, 2, timeout_ms);
  uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
}

void Commands::become(State state, std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    state_ = state;
    reason_ = std::move(reason);
  }
  handlers_.changed();
}

void Commands::run() {
  milliseconds pause = first_pause;
  while (!stopping_) {
    leaving_ = asks_again_ = false;
    Result<LineSocket> socket = LineSocket::connect(path_, connect_timeout, max_answer_bytes);
    const Error why = socket ? serve(*socket) : socket.error();
    if (state_ == State::connected) pause = first_pause;
    if (!leaving_) become(State::not_connected, why.message);
    take_incoming();  // not connected: nothing is added any more
    end_all(why.message);
    if (stopping_) return;
    if (std::exchange(told_, why.message) != why.message)
      spdlog::warn("rule '{}': commands can't be sent to {}: {}", rule_, path_, why.message);
    wait(-1, static_cast<int>(pause.count()));
    pause = std::min(pause * 2, longest_pause);
  }
}

Error Commands::serve(LineSocket& socket) {
  sending_.clear();
  check_rule_ = true;
  bool writes = true;
  for (;;) {
    if (check_rule_.exchange(false)) say_hello();
    take_incoming();
    if (auto ended = end_late(); !ended) return ended.error();
    // After a failed write, answers that the daemon sent before it closed the connection must still be read.
    if (writes && !send_some(socket.fd())) writes = false;
    if (auto read = read_some(socket); !read) return read.error();
    if (leaving_ && waiting_.empty()) return {ErrorKind::not_connected, reason_, {}};
    if (stopping_) return {ErrorKind::not_connected, "aribus-nats was stopped", {}};
    wait(socket.fd(), until_next_end());
  }
}

void Commands::take_incoming() {
  std::vector<std::pair<uint64_t, Waiting>> incoming;
  {
    const std::lock_guard lock(mutex_);
    incoming.swap(incoming_);
  }
  for (auto& [number, waiting] : incoming) {
    if (waiting.timeout) ends_.emplace(waiting.began + *waiting.timeout, number);
    unsent_.push_back(number);
    waiting_.emplace(number, std::move(waiting));
  }
  // While the daemon hangs, nothing else removes expired requests.
  if (unsent_.size() > 2 * max_under_way)
    std::erase_if(unsent_, [this](uint64_t number) { return !waiting_.contains(number); });
}

void Commands::say_hello() {
  const uint64_t number = next_++;
  Waiting waiting{.asked = {},
                  .line = *client::request_line(number, "hello", "{}"),
                  .timeout = hello_within,
                  .is_hello = true};
  ends_.emplace(waiting.began + hello_within, number);
  unsent_.push_back(number);
  waiting_.emplace(number, std::move(waiting));
}

Result<void> Commands::send_some(int fd) {
  for (;;) {
    while (sending_.empty()) {
      if (unsent_.empty()) return {};
      const auto at = waiting_.find(unsent_.front());
      unsent_.pop_front();
      if (at == waiting_.end()) continue;
      sending_ = std::exchange(at->second.line, {});  // from here on it counts as sent
      sending_ += '\n';
    }
    const ssize_t count = ::send(fd, sending_.data(), sending_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0) return system_error("writing to aribusd");
    sending_.erase(0, static_cast<size_t>(count));
  }
}

Result<void> Commands::read_some(LineSocket& socket) {
  for (LineSocket::Deadline now{};;) {
    const auto line = socket.read_line(now);
    if (!line) return line.error();
    if (!*line) return {};
    if (auto taken = take_line(**line); !taken) return taken;
  }
}

Result<void> Commands::take_line(std::string_view line) {
  const auto answer = read_answer(line);
  if (!answer) {
    const Result<Json> message = parse_own_json(line);
    const JsonValue* error = message ? find(*message, "error") : nullptr;
    if (error == nullptr) return {};  // a notification unknown to this version
    return Error{ErrorKind::not_connected, "aribusd says: " + client::error_of(*error).message, {}};
  }
  const auto at = waiting_.find(answer->number);
  if (at == waiting_.end()) return {};  // the request has expired
  if (at->second.is_hello) {
    take_hello(line);
    ends_.erase({at->second.began + *at->second.timeout, at->first});
    waiting_.erase(at);
  } else {
    finish(at, answer->outcome, answer_text(at->second.asked.id, *answer));
  }
  return {};
}

void Commands::take_hello(std::string_view line) {
  Result<Json> message = parse_own_json(line);
  std::string holds;
  if (const Result<Json> hello = client::result_of(message ? std::move(*message) : Json())) {
    holds = find_string(*hello, "rule");
    const JsonValue* limits = find(*hello, "limits");
    const JsonValue* bytes = limits == nullptr ? nullptr : find(*limits, "request_bytes");
    if (bytes != nullptr && bytes->IsUint64()) max_line_bytes_ = bytes->GetUint64();
  } else if (hello.error().kind == ErrorKind::too_much && state_ == State::connected) {
    asks_again_ = true;  // too many commands are in progress, and `hello` counts as one
    return;
  } else if (const Result<Json> data = parse_own_json(hello.error().data)) {
    holds = find_string(*data, "rule");  // the rule does not allow `hello`; the error names it
  }
  if (holds == rule_) {
    if (state_ == State::connected) return;
    spdlog::info("rule '{}': commands are sent to {}", rule_, path_);
    told_.clear();
    return become(State::connected, {});
  }
  leaving_ = true;
  become(State::other_rule, "the access rule of aribusd for this socket is '" + holds + "', not '" + rule_ +
                                "'. Use that name in `rules` of nats.yaml, or give the socket a rule '" +
                                rule_ + "' in aribusd.yaml");
}

Result<void> Commands::end_late() {
  const Clock::time_point now = Clock::now();
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const auto at = waiting_.find(ends_.begin()->second);
    ends_.erase(ends_.begin());
    const Waiting& late = at->second;
    if (late.is_hello) {
      waiting_.erase(at);
      return Error{ErrorKind::not_connected, "aribusd did not answer `hello` within 10 s", {}};
    }
    const std::string what = "no answer within " + std::to_string(late.timeout->count()) + " ms";
    fail(at, late.line.empty() ? Error{ErrorKind::outcome_unknown, what + ": the outcome is unknown",
                                       timeout_data(*late.timeout)}
                               : Error{ErrorKind::not_connected,
                                       "aribusd accepted no command within " +
                                           std::to_string(late.timeout->count()) + " ms; nothing was sent",
                                       timeout_data(*late.timeout)});
  }
  return {};
}

int Commands::until_next_end() const {
  if (ends_.empty()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(ends_.begin()->first - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

void Commands::end_all(const std::string& why) {
  while (!waiting_.empty()) {
    const auto at = waiting_.begin();
    if (at->second.is_hello) {
      waiting_.erase(at);
    } else if (at->second.line.empty()) {
      fail(at, {ErrorKind::outcome_unknown, why + "; the command was sent, and its outcome is unknown", {}});
    } else {
      fail(at, {ErrorKind::not_connected, why + "; nothing was sent", {}});
    }
  }
  unsent_.clear();
  ends_.clear();
}

void Commands::finish(Waitings::iterator at, Outcome outcome, const std::string& text) {
  const Waiting waiting = std::move(at->second);
  if (waiting.timeout) ends_.erase({waiting.began + *waiting.timeout, at->first});
  waiting_.erase(at);
  handlers_.answer(waiting.asked, text);
  CommandFigures& figures = figures_of(waiting.asked);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - waiting.began);
  figures.took_us += static_cast<uint64_t>(took.count());
  figures.count(outcome);
  --figures.under_way;
  bytes_ -= waiting.bytes;
  if (std::exchange(asks_again_, false)) say_hello();
}

void Commands::fail(Waitings::iterator at, const Error& error) {
  const std::string id = at->second.asked.id;
  finish(at, outcome_of(error), rpc::error_text(id, error));
}

}  // namespace aribus::nats
