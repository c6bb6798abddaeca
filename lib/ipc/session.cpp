#include "ipc/session.h"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/params.h"

namespace aribus::ipc {
namespace {

constexpr size_t fair_share_bytes = 256 * 1024;  // written for one session in one turn
constexpr size_t max_command_ids = 1024;         // named by one command

}  // namespace

Session::Session(Context context, Fd socket, control::Caller caller, Handlers handlers)
    : context_(context),
      socket_(std::move(socket)),
      caller_(std::move(caller)),
      handlers_(std::move(handlers)),
      poll_(context.loop, socket_.get()),
      reader_([this] { return context_.limits.max_line_bytes; },
              {[this](std::string_view line) { on_line(line); },
               [this] {
                 const size_t limit = context_.limits.max_line_bytes;
                 send_line(error_text("null", {ErrorKind::invalid_request,
                                               "a request line is over the limit of " +
                                                   std::to_string(limit) + " bytes and was skipped",
                                               {}}));
               }}) {
  poll_.watch(UV_READABLE, [this](int events) { on_ready(events); });
}

Session::~Session() {
  *alive_ = false;
}

void Session::on_ready(int events) {
  const auto alive = alive_;
  if ((events & UV_WRITABLE) != 0) {
    blocked_ = false;
    flush();
  }
  if ((events & UV_READABLE) != 0 && *alive) want_read();
}

void Session::want_read() {
  if (ended_ || std::exchange(read_queued_, true)) return;
  watch();
  handlers_.wants_read();
}

void Session::want_flush() {
  if (ended_ || std::exchange(flush_queued_, true)) return;
  handlers_.wants_flush();
}

void Session::on_log_grew() {
  if (subscription_ && !blocked_) want_flush();
}

bool Session::may_read() const {
  return !ended_ && !input_over_ && outbox_.size() <= context_.limits.max_unsent_bytes;
}

void Session::read() {
  read_queued_ = false;
  // One buffer for all sessions: it holds nothing between calls.
  static std::array<char, 64 * 1024> buffer;
  const TurnBudget::Use use(context_.budget);
  while (may_read() && !context_.budget.spent()) {
    handle_input();
    if (!input_.empty() || ended_) break;
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0) return end();
    if (count == 0) {
      input_over_ = true;
      check_hung_up();
      break;
    }
    input_.assign(buffer.data(), static_cast<size_t>(count));
  }
  if (ended_) return;
  if (!input_.empty() && may_read()) want_read();  // behind the others
  watch();
  want_flush();
}

// Handles what was read, line by line.
void Session::handle_input() {
  std::string_view rest = input_;
  while (!rest.empty() && may_read() && !context_.budget.spent()) rest.remove_prefix(reader_.feed(rest));
  input_.erase(0, input_.size() - rest.size());
}

void Session::check_hung_up() {
  if (!input_over_ || ended_) return;
  pollfd state{socket_.get(), 0, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0) end();
}

void Session::on_line(std::string_view line) {
  Result<Json> parsed = parse_json(line);
  if (!parsed) return send_line(error_text("null", parsed.error()));
  if (!parsed->IsArray()) return on_request(*parsed, nullptr);
  on_batch(*parsed);
}

void Session::on_batch(const JsonValue& requests) {
  const size_t limit = context_.limits.max_batch;
  if (requests.Empty() || requests.Size() > limit) {
    const std::string expected =
        requests.Empty() ? "at least one request" : "at most " + std::to_string(limit) + " requests";
    return send_line(error_text("null", {ErrorKind::invalid_request, "a batch holds " + expected, {}}));
  }
  const auto batch = std::make_shared<Batch>();
  batch->missing = 1;  // keeps it open until all its requests have begun
  for (const JsonValue& value : requests.GetArray()) on_request(value, batch);
  end_batch_part(*batch);
}

void Session::on_request(const JsonValue& value, const std::shared_ptr<Batch>& batch) {
  if (batch) ++batch->missing;
  Result<Request> request = read_request(value);
  if (!request) return answer(id_of(value), request.error(), batch);
  if (caller_.user.empty()) caller_.user = context_.names.find(caller_.peer.uid);
  if (auto counted = context_.usage.request(caller_, std::chrono::steady_clock::now()); !counted) {
    answer(request->id, counted.error(), batch);
  } else if (request->method == "subscribe") {
    const auto outcome = subscribe(*request->params);
    if (outcome) subscribed_in_ = batch;
    answer(request->id, outcome, batch);
  } else if (request->method == "unsubscribe") {
    answer(request->id, unsubscribe(*request->params), batch);
  } else {
    on_command(std::move(*request), batch);
  }
}

Result<std::string> Session::subscribe(const JsonValue& params) {
  if (auto allowed = context_.dispatcher.allowed(caller_, "subscribe", params); !allowed)
    return allowed.error();
  Result<Subscription> made = Subscription::make(params, context_.log, context_.dispatcher, *caller_.rule);
  if (!made) return made.error();
  subscription_.emplace(std::move(*made));
  return subscription_->result();
}

Result<std::string> Session::unsubscribe(const JsonValue& params) {
  if (auto allowed = context_.dispatcher.allowed(caller_, "unsubscribe", params); !allowed)
    return allowed.error();
  if (auto checked = control::check_params({}, params); !checked) return checked.error();
  const bus::Cursor cursor = subscription_ ? subscription_->cursor() : context_.log.cursor();
  subscription_.reset();
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "cursor", cursor.text());
    writer.EndObject();
  });
}

void Session::on_command(Request request, const std::shared_ptr<Batch>& batch) {
  if (commands_.size() >= context_.limits.max_commands) {
    const std::string limit = std::to_string(context_.limits.max_commands);
    answer(request.id,
           Error{ErrorKind::too_much,
                 limit + " commands of this connection are under way already; wait for an answer",
                 R"({"limit":)" + limit + "}"},
           batch);
    return;
  }
  std::vector<std::string> keys = control::Dispatcher::keys_of(*request.params);
  if (keys.size() > max_command_ids) {
    answer(request.id,
           Error{ErrorKind::invalid_params,
                 "params: " + std::to_string(keys.size()) + " ids are named; at most " +
                     std::to_string(max_command_ids) + " are expected",
                 {}},
           batch);
    return;
  }
  const uint64_t ticket = next_ticket_++;
  commands_.emplace(
      ticket, Command{std::move(request.method), copy_of(*request.params), std::move(request.id), batch});
  if (order_.enter(ticket, std::move(keys))) start(ticket);
}

void Session::start(uint64_t ticket) {
  Command& command = commands_.at(ticket);
  // The caller is to know the id before it hears of it.
  command.holds = !command.id.empty() && context_.dispatcher.chooses_id(command.method, command.params);
  if (command.holds) ++holds_;
  context_.dispatcher.call(
      caller_, command.method, command.params,
      [this, alive = alive_, ticket](const Result<std::string>& outcome) {
        if (*alive) finish(ticket, outcome);
      },
      [this, alive = alive_, ticket] {
        if (*alive) let_followers_go(ticket);
      });
}

// Starts what waited for others, in a loop: an answer that comes at once frees the next one.
void Session::start_freed() {
  if (std::exchange(starting_, true)) return;
  const auto alive = alive_;
  while (!freed_.empty() && outbox_.size() <= context_.limits.max_unsent_bytes) {
    if (context_.budget.spent()) {
      want_flush();  // they go on from there
      break;
    }
    const TurnBudget::Use use(context_.budget);
    const uint64_t ticket = freed_.front();
    freed_.pop_front();
    start(ticket);
    if (!*alive) return;
  }
  starting_ = false;
}

void Session::finish(uint64_t ticket, const Result<std::string>& outcome) {
  const auto node = commands_.extract(ticket);
  const Command& command = node.mapped();
  if (command.holds) command.batch ? ++command.batch->holds : --holds_;
  answer(command.id, outcome, command.batch);
  let_followers_go(ticket);
  want_flush();  // it may have been the last one, and without an answer
}

// From here on the command holds up none that came after it.
void Session::let_followers_go(uint64_t ticket) {
  for (const uint64_t freed : order_.leave(ticket)) freed_.push_back(freed);
  start_freed();
}

void Session::answer(const std::string& id, const Result<std::string>& outcome,
                     const std::shared_ptr<Batch>& batch) {
  std::string text;
  if (!id.empty()) text = outcome ? result_text(id, *outcome) : error_text(id, outcome.error());
  if (!batch) {
    if (!text.empty()) send_line(text);
    return;
  }
  if (!text.empty()) batch->text += (batch->text.empty() ? "[" : ",") + text;
  end_batch_part(*batch);
}

void Session::end_batch_part(Batch& batch) {
  if (--batch.missing > 0) return;
  if (!batch.text.empty()) send_line(batch.text + "]");
  holds_ -= batch.holds;
  if (subscribed_in_.get() != &batch) return;
  subscribed_in_.reset();
  want_flush();
}

void Session::send_line(std::string_view text) {
  outbox_.append(text);
  outbox_.append("\n");
  want_flush();
}

void Session::end_with(const Error& error) {
  send_line(error_text("null", error));
  input_over_ = true;
  leaving_ = true;
}

void Session::hold_to(std::shared_ptr<const control::AccessRule> rule, Usage::Connection connection) {
  caller_.rule = std::move(rule);
  connection_ = std::move(connection);
  if (!subscription_) return;
  subscription_->bound_by(*caller_.rule);
  if (auto allowed = context_.dispatcher.allowed(caller_, "subscribe", JsonValue()); !allowed)
    end_with(allowed.error());
}

void Session::drain() {
  input_over_ = true;
  draining_ = true;
  watch();
  want_flush();
}

void Session::flush() {
  flush_queued_ = false;
  if (ended_ || blocked_) return;
  if (!write_outbox()) return;
  start_freed();
  if (!input_.empty() && may_read()) want_read();
  if (!leaving_ && !subscribed_in_ && holds_ == 0 && !write_records()) return;
  const bool records_done = !subscription_ || (draining_ && subscription_->up_to_date());
  if (outbox_.empty() && commands_.empty() && (leaving_ || (input_over_ && records_done))) return end();
  watch();
}

// False when the socket takes no more, or the session has ended.
bool Session::write_outbox() {
  while (!outbox_.empty()) {
    const std::string_view bytes = outbox_.bytes();
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      blocked_ = true;
      watch();
      return false;
    }
    if (count < 0) return end(), false;
    outbox_.consume(static_cast<size_t>(count));
  }
  return true;
}

bool Session::write_records() {
  static std::vector<iovec> pieces;  // as with read()'s buffer
  size_t written = 0;
  while (subscription_ && !subscription_->up_to_date()) {
    const uint64_t lost_before = subscription_->lost();
    if (const std::string lost = subscription_->take_lost(); !lost.empty()) {
      context_.counts.lost_records += subscription_->lost() - lost_before;
      ++context_.counts.losses;
      outbox_.append(lost);
      if (subscription_->on_overflow() == Overflow::disconnect) leaving_ = true;
      if (!write_outbox()) return false;
      if (leaving_) return true;
    }
    if (written >= fair_share_bytes) {
      want_flush();
      return true;
    }
    subscription_->gather(fair_share_bytes, pieces);
    if (pieces.empty()) {  // of all those looked at none matches
      want_flush();
      return true;
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return end(), false;
    const size_t sent = count < 0 ? 0 : static_cast<size_t>(count);
    size_t offered = 0;
    for (const iovec& piece : pieces) offered += piece.iov_len;
    // The ring may overwrite a record while the rest of it waits: that rest is kept.
    outbox_.append(subscription_->advance(sent));
    written += sent;
    if (sent < offered) {
      blocked_ = true;
      watch();
      return false;
    }
  }
  return true;
}

void Session::watch() {
  poll_.watch((may_read() && !read_queued_ ? UV_READABLE : 0) | (blocked_ ? UV_WRITABLE : 0));
}

void Session::end() {
  if (std::exchange(ended_, true)) return;
  poll_.watch(0);
  handlers_.ended();
}

}  // namespace aribus::ipc
