#include "session/session.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/params.h"

namespace aribus::session {
namespace {

constexpr size_t fair_share_bytes = 256 * 1024;  // written for one session in one turn
constexpr size_t max_request_values = 16'384;    // JSON values and names of members in one line
constexpr size_t copied_bytes = 16 * 1024;       // a larger result is not copied, but shared
constexpr size_t own_record_bytes = 1024;        // that one counts for at least: it is read and made anew
constexpr size_t small_bytes = 16 * 1024;        // what a connection may hold when its user holds too much
constexpr size_t all_users = 2;                  // times max_user_bytes is what may be held for all users

Error too_much(const std::string& message, size_t limit) {
  return Error{ErrorKind::too_much, message, R"({"limit":)" + std::to_string(limit) + "}"};
}

}  // namespace

Session::Session(Context context, Fd socket, control::Caller caller, Handlers handlers)
    : context_(context),
      socket_(std::move(socket)),
      caller_(std::move(caller)),
      handlers_(std::move(handlers)),
      poll_(context.loop, socket_.get()),
      reader_([this] { return user_is_over() ? small_bytes : context_.limits.max_line_bytes; },
              {[this](std::string_view line) { on_line(line); },
               [this](std::string_view beginning) { on_long_line(beginning); }}),
      held_(context.quota, caller_.peer.uid) {
  poll_.watch(UV_READABLE, [this](int events) { on_ready(events); });
}

Session::~Session() {
  *alive_ = false;
  context_.dispatcher.abandon(caller_.connection);
}

ClientInfo Session::info() const {
  ClientInfo info{.caller = caller_,
                  .since = since_,
                  .requests = requests_,
                  .pending = commands_.size(),
                  .sent = sent_,
                  .lost = lost()};
  if (info.caller.user.empty()) info.caller.user = context_.names.find(caller_.peer.uid);
  if (subscription_) {
    info.subscription = subscription_->filter_text();
    info.sent += subscription_->delivered();
    info.behind = subscription_->behind();
  }
  return info;
}

// What was counted of it stays counted.
void Session::end_subscription() {
  if (!subscription_) return;
  sent_ += subscription_->delivered();
  lost_ += subscription_->lost() + subscription_->overtaken();
  subscription_.reset();
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
  if (ended_ || input_over_ || write_buffer_.size() > context_.limits.max_unsent_bytes) return false;
  return open_bytes() <= small_bytes || !user_is_over();
}

// Then connections that hold little go on, and those that hold much get no more.
bool Session::user_is_over() const {
  const size_t limit = context_.limits.max_user_bytes;
  const size_t held = context_.quota.held_bytes(caller_.peer.uid);
  return held > limit || (context_.quota.held_bytes() > all_users * limit && held > limit / 16);
}

void Session::count_held() {
  held_.set(reader_.held_bytes() + input_.size() + command_bytes_ + batch_bytes_ + write_buffer_.own_bytes() +
            (subscription_ ? subscription_->held_bytes() : 0));
}

// Room for another request. Errors: too_much.
Result<void> Session::take_bytes(size_t bytes) {
  const size_t limit = 2 * context_.limits.max_line_bytes;
  if (command_bytes_ + bytes > limit) {
    return too_much("the commands of this connection that are under way hold " +
                        std::to_string(command_bytes_) + " bytes already; wait for an answer",
                    limit);
  }
  if (command_bytes_ + bytes > small_bytes && user_is_over()) {
    return too_much("the requests and unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.peer.uid)) + " bytes already",
                    context_.limits.max_user_bytes);
  }
  command_bytes_ += bytes;
  count_held();
  return {};
}

// An answer fits unless its user holds much already.
bool Session::fits(const pbx::ResultText& result) const {
  const size_t limit = context_.limits.max_user_bytes;
  if (result.held_bytes() <= copied_bytes) return open_bytes() <= small_bytes || !user_is_over();
  const size_t held = context_.quota.held_bytes(caller_.peer.uid);
  size_t more = 0;
  for (const auto& piece : result.pieces()) {
    if (piece.text->size() > copied_bytes) more += context_.quota.more_bytes(caller_.peer.uid, piece.text);
  }
  if (more <= small_bytes || held <= limit / 16) return true;
  return held + more <= limit && context_.quota.held_bytes() + more <= all_users * limit;
}

void Session::read() {
  read_queued_ = false;
  // One buffer for all sessions: it holds nothing between calls.
  static std::array<char, 64 * 1024> buffer;
  const TurnBudget::Use use(context_.budget);
  while (may_read() && !context_.budget.spent()) {
    handle_input();
    if (has_input() || ended_) break;
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
  count_held();
  if (has_input() && may_read()) want_read();  // behind the others
  watch();
  want_flush();
}

// Handles what was read, line by line, and a batch request by request.
void Session::handle_input() {
  std::string_view rest = input_;
  while (may_read() && !context_.budget.spent()) {
    if (open_batch_) {
      next_of_batch();
    } else if (!rest.empty()) {
      rest.remove_prefix(reader_.feed(rest));
    } else {
      break;
    }
  }
  input_.erase(0, input_.size() - rest.size());
}

void Session::check_hung_up() {
  if (!input_over_ || ended_) return;
  pollfd state{socket_.get(), 0, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0) end();
}

void Session::on_line(std::string_view line) {
  ++lines_;
  Result<Json> parsed = parse_json(line, max_request_values);
  if (!parsed) return refuse_line(rpc::id_in(line), parsed.error());
  if (!parsed->IsArray()) return on_request(*parsed, nullptr, line.size());
  on_batch(std::move(*parsed), line.size());
}

// Answers a line that can't be read. Where it has no id that could be found, its number tells which it is.
void Session::refuse_line(const std::string& id, Error error) {
  if (id == "null") {
    const std::string rest = error.data.empty() ? "}" : "," + error.data.substr(1);
    error.data = R"({"line":)" + std::to_string(lines_) + rest;
  }
  send_line(rpc::error_text(id, error));
}

void Session::on_long_line(std::string_view beginning) {
  ++lines_;
  const bool over = user_is_over();
  const size_t limit = over ? context_.limits.max_user_bytes : context_.limits.max_line_bytes;
  refuse_line(
      rpc::id_in(beginning),
      over ? too_much("a request line was skipped: the requests and unread answers of this user hold "
                      "more than " +
                          std::to_string(limit) + " bytes",
                      limit)
           : Error{ErrorKind::invalid_request,
                   "a request line is over the limit of " + std::to_string(limit) + " bytes and was skipped",
                   {}});
}

void Session::on_batch(Json requests, size_t bytes) {
  const size_t limit = context_.limits.max_batch;
  if (requests.Empty() || requests.Size() > limit) {
    const std::string expected =
        requests.Empty() ? "at least one request" : "at most " + std::to_string(limit) + " requests";
    return refuse_line("null", {ErrorKind::invalid_request, "a batch holds " + expected, {}});
  }
  const size_t each = bytes / requests.Size();
  open_batch_.emplace(OpenBatch{std::make_shared<Batch>(), std::move(requests), 0, each});
  open_batch_->batch->missing = 1;  // keeps it open until all its requests have begun
}

// The next request of the open batch; one whose answer would find no room is not begun.
void Session::next_of_batch() {
  const std::shared_ptr<Batch> batch = open_batch_->batch;
  const JsonValue& value = open_batch_->requests[open_batch_->next++];
  const size_t limit = context_.limits.max_unsent_bytes;
  if (batch_bytes_ + write_buffer_.size() > limit) {
    ++batch->missing;
    const Result<rpc::Request> request = rpc::read_request(value);
    answer(request ? request->id : rpc::id_of(value),
           too_much("the answers to batches of this connection hold " + std::to_string(batch_bytes_) +
                        " bytes already; ask for it in another one",
                    limit),
           batch);
  } else {
    on_request(value, batch, open_batch_->request_bytes);
  }
  if (open_batch_->next == open_batch_->requests.Size()) end_open_batch();
}

void Session::end_open_batch() {
  const std::shared_ptr<Batch> batch = open_batch_->batch;
  open_batch_.reset();
  end_batch_part(*batch);
}

void Session::on_request(const JsonValue& value, const std::shared_ptr<Batch>& batch, size_t bytes) {
  if (batch) ++batch->missing;
  ++requests_;
  Result<rpc::Request> request = rpc::read_request(value);
  if (!request) {
    const std::string id = rpc::id_of(value);
    return batch ? answer(id, request.error(), batch) : refuse_line(id, request.error());
  }
  if (caller_.user.empty()) caller_.user = context_.names.find(caller_.peer.uid);
  if (auto counted = context_.quota.request(caller_, std::chrono::steady_clock::now()); !counted) {
    answer(request->id, counted.error(), batch);
  } else if (request->method == "subscribe") {
    const auto outcome = subscribe(*request->params);
    if (outcome) subscribed_in_ = batch;
    answer(request->id, outcome, batch);
    if (outcome && subscription_->announces()) announce();
  } else if (request->method == "unsubscribe") {
    answer(request->id, unsubscribe(*request->params), batch);
  } else {
    on_command(std::move(*request), batch, bytes);
  }
}

Result<pbx::ResultText> Session::subscribe(const JsonValue& params) {
  if (auto allowed = context_.dispatcher.allowed(caller_, "subscribe", params); !allowed)
    return allowed.error();
  Result<Subscription> made = Subscription::make(params, context_.log, context_.dispatcher, *caller_.rule);
  if (!made) return made.error();
  const pbx::ResultText result = made->result();
  if (!fits(result) || (made->held_bytes() > small_bytes && user_is_over())) {
    return too_much("the requests and unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.peer.uid)) +
                        " bytes already; read them first",
                    context_.limits.max_user_bytes);
  }
  end_subscription();
  subscription_.emplace(std::move(*made));
  subscription_->drop_result();
  return result;
}

Result<pbx::ResultText> Session::unsubscribe(const JsonValue& params) {
  if (auto allowed = context_.dispatcher.allowed(caller_, "unsubscribe", params); !allowed)
    return allowed.error();
  if (auto checked = control::check_params({}, params); !checked) return checked.error();
  const bus::Cursor cursor = subscription_ ? subscription_->cursor() : context_.log.cursor();
  end_subscription();
  return pbx::ResultText(to_json(Unsubscribed{.cursor = cursor.text()}));
}

void Session::on_command(rpc::Request request, const std::shared_ptr<Batch>& batch, size_t bytes) {
  if (commands_.size() >= context_.limits.max_commands) {
    const std::string limit = std::to_string(context_.limits.max_commands);
    return answer(request.id,
                  too_much(limit + " commands of this connection are under way already; wait for an answer",
                           context_.limits.max_commands),
                  batch);
  }
  Result<std::vector<std::string>> keys = control::Dispatcher::keys_of(*request.params);
  if (!keys) return answer(request.id, keys.error(), batch);
  if (auto taken = take_bytes(bytes); !taken) return answer(request.id, taken.error(), batch);
  const uint64_t ticket = next_ticket_++;
  const JsonValue& params = *request.params;
  // What is wrong reaches no Asterisk, so that it need not wait.
  const bool in_order = !keys->empty() && context_.dispatcher.check(caller_, request.method, params).ok();
  Command& command = commands_[ticket];
  command.method = std::move(request.method);
  command.id = std::move(request.id);
  command.batch = batch;
  command.bytes = bytes;
  if (!in_order || order_.enter(ticket, std::move(*keys))) return start(ticket, params);
  command.params = to_text(params);
}

void Session::start_waiting(uint64_t ticket) {
  const Result<Json> params = parse_json(std::exchange(commands_.at(ticket).params, {}));
  start(ticket, *params);
}

void Session::start(uint64_t ticket, const JsonValue& params) {
  Command& command = commands_.at(ticket);
  command.changes = context_.dispatcher.changes(command.method);
  has_changed_ |= command.changes;
  context_.dispatcher.call(
      caller_, command.method, params,
      [this, alive = alive_, ticket](const Result<pbx::ResultText>& outcome) {
        if (*alive) finish(ticket, outcome);
      },
      {.on_accepted =
           [this, alive = alive_, ticket] {
             if (*alive) release_dependents(ticket);
           },
       .creating = [this, ticket](const control::Creating& creating) { on_creating(ticket, creating); }});
}

// The caller is to know the id of what it makes before it hears of that: it is told at once, or records wait
// for the answer. (That of a command that waits for the end would come too late.)
void Session::on_creating(uint64_t ticket, const control::Creating& creating) {
  Command& command = commands_.at(ticket);
  if (!creating.id.empty())
    command.creating = rpc::creating_text(command.id, creating.parameter, creating.id);
  if (subscription_ && subscription_->announces()) return announce();
  command.holds = !command.id.empty() && !creating.waits;
  if (command.holds) ++holds_;
}

// Tells the ids of all that commands under way make, and those in batches that are not answered yet. No
// record waits for one of them any more.
void Session::announce() {
  for (auto& [ticket, command] : commands_) {
    if (std::exchange(command.holds, false)) --holds_;
    if (!command.creating.empty()) send_line(std::exchange(command.creating, {}));
    if (command.batch) announce(*command.batch);
  }
  if (open_batch_) announce(*open_batch_->batch);
}

void Session::announce(Batch& batch) {
  holds_ -= std::exchange(batch.holds, 0);
  write_buffer_.append(std::exchange(batch.creating, {}));
}

// Starts what waited for others, in a loop: an answer that comes at once frees the next one.
void Session::start_freed() {
  if (std::exchange(starting_, true)) return;
  const auto alive = alive_;
  while (!freed_.empty() && write_buffer_.size() <= context_.limits.max_unsent_bytes) {
    if (context_.budget.spent()) {
      want_flush();  // they go on from there
      break;
    }
    const TurnBudget::Use use(context_.budget);
    const uint64_t ticket = freed_.front();
    freed_.pop_front();
    start_waiting(ticket);
    if (!*alive) return;
  }
  starting_ = false;
}

void Session::finish(uint64_t ticket, const Result<pbx::ResultText>& outcome) {
  const auto node = commands_.extract(ticket);
  const Command& command = node.mapped();
  command_bytes_ -= command.bytes;
  if (command.holds) command.batch ? ++command.batch->holds : --holds_;
  if (command.batch && !command.creating.empty()) command.batch->creating += command.creating + "\n";
  if (outcome && !command.changes && !fits(*outcome)) {
    answer(command.id,
           too_much("the answer has " + std::to_string(outcome->held_bytes()) +
                        " bytes, and the unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.peer.uid)) +
                        "; read them, then ask again",
                    context_.limits.max_user_bytes),
           command.batch);
  } else {
    answer(command.id, outcome, command.batch);
  }
  release_dependents(ticket);
  want_flush();  // it may have been the last one, and without an answer
}

// From here on the command holds up none that came after it.
void Session::release_dependents(uint64_t ticket) {
  for (const uint64_t freed : order_.leave(ticket)) freed_.push_back(freed);
  start_freed();
}

void Session::answer(const std::string& id, const Result<pbx::ResultText>& outcome,
                     const std::shared_ptr<Batch>& batch) {
  if (!outcome &&
      (outcome.error().kind == ErrorKind::not_allowed || outcome.error().kind == ErrorKind::too_much)) {
    context_.clients.refused(caller_, outcome.error());
  }
  WriteBuffer& to = batch ? batch->answers : write_buffer_;
  const size_t before = to.size();
  if (!id.empty()) {
    if (batch) to.append(to.empty() ? "[" : ",");
    outcome ? append_result(to, id, *outcome) : to.append(rpc::error_text(id, outcome.error()));
    if (!batch) to.append("\n");
  }
  if (batch) batch_bytes_ += to.size() - before;
  batch ? end_batch_part(*batch) : want_flush();
  count_held();
}

void Session::append_result(WriteBuffer& to, const std::string& id, const pbx::ResultText& result) {
  to.append(rpc::result_head(id));
  for (const auto& piece : result.pieces()) {
    if (!piece.base64 && piece.text->size() <= copied_bytes) {
      to.append(*piece.text);
    } else {
      to.append(piece, Quota::Held(context_.quota, caller_.peer.uid, piece.text));
    }
  }
  to.append(rpc::result_tail);
}

void Session::end_batch_part(Batch& batch) {
  if (--batch.missing > 0) return;
  if (!batch.answers.empty()) {
    batch_bytes_ -= batch.answers.size();
    batch.answers.append("]\n");
    write_buffer_.append(std::move(batch.answers));
    want_flush();
  }
  holds_ -= batch.holds;
  if (subscribed_in_.get() != &batch) return;
  subscribed_in_.reset();
  want_flush();
}

void Session::send_line(std::string_view text) {
  write_buffer_.append(text);
  write_buffer_.append("\n");
  want_flush();
}

void Session::close_with_error(const Error& error) {
  send_line(rpc::error_text("null", error));
  ending_ = error.message;
  input_over_ = true;
  leaving_ = true;
}

void Session::apply_rule(std::shared_ptr<const control::AccessRule> rule, Quota::Connection connection) {
  caller_.rule = std::move(rule);
  connection_ = std::move(connection);
  if (!subscription_) return;
  subscription_->bound_by(*caller_.rule);
  if (auto allowed = context_.dispatcher.allowed(caller_, "subscribe", JsonValue()); !allowed)
    close_with_error(allowed.error());
}

void Session::drain() {
  input_over_ = true;
  draining_ = true;
  ending_ = "aribusd was stopped";
  while (open_batch_) {
    ++open_batch_->batch->missing;
    const JsonValue& value = open_batch_->requests[open_batch_->next++];
    const Result<rpc::Request> request = rpc::read_request(value);
    answer(request ? request->id : rpc::id_of(value),
           Error{ErrorKind::not_connected, "aribusd is stopping; nothing was sent", {}}, open_batch_->batch);
    if (open_batch_->next == open_batch_->requests.Size()) end_open_batch();
  }
  watch();
  want_flush();
}

void Session::flush() {
  flush_queued_ = false;
  if (ended_ || blocked_) return;
  const bool holds_less = !write_buffer_.empty();
  if (!write_buffered()) return;
  start_freed();
  if (holds_less) count_held();
  if (has_input() && may_read()) want_read();
  if (!leaving_ && !subscribed_in_ && holds_ == 0 && !write_records()) return;
  const bool records_done = !subscription_ || (draining_ && subscription_->up_to_date());
  if (write_buffer_.empty() && commands_.empty() && (leaving_ || (input_over_ && records_done))) return end();
  watch();
}

// False when the socket takes no more, this turn's share is written, or the session has ended.
bool Session::write_buffered() {
  size_t written = 0;
  while (!write_buffer_.empty()) {
    if (written >= fair_share_bytes) {
      want_flush();
      return false;
    }
    const std::string_view bytes = write_buffer_.bytes().substr(0, fair_share_bytes);
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      blocked_ = true;
      watch();
      return false;
    }
    if (count < 0) return end(), false;
    write_buffer_.consume(static_cast<size_t>(count));
    written += static_cast<size_t>(count);
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
      if (subscription_->lost() > lost_before) ++context_.counts.losses;
      write_buffer_.append(lost);
      if (subscription_->was_overtaken() && subscription_->on_overflow() == Overflow::disconnect) {
        ending_ = "on_overflow: disconnect";
        leaving_ = true;
      }
      if (!write_buffered()) return false;
      if (leaving_ || subscription_->up_to_date()) return true;
    }
    if (written >= fair_share_bytes) {
      want_flush();
      return true;
    }
    if (subscription_->is_at_own_record()) {
      const std::string own = subscription_->take_own_record(context_.dispatcher, *caller_.rule);
      if (!own.empty()) ++sent_;
      written += std::max(own.size(), own_record_bytes);
      write_buffer_.append(own);
      if (!write_buffered()) return false;
      continue;
    }
    subscription_->gather(fair_share_bytes, pieces);
    if (pieces.empty() && subscription_->is_at_own_record()) continue;
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
    append_rest(subscription_->advance(sent));
    written += sent;
    if (sent < offered) {
      blocked_ = true;
      watch();
      return false;
    }
  }
  return true;
}

// Of the record that the subscription has passed last.
void Session::append_rest(std::string_view rest) {
  if (rest.size() <= copied_bytes) return write_buffer_.append(rest);
  const auto line = context_.lines.get(context_.log, subscription_->cursor().seq);
  write_buffer_.append({line, false}, Quota::Held(context_.quota, caller_.peer.uid, line),
                       line->size() - rest.size());
}

void Session::watch() {
  poll_.watch((may_read() && !read_queued_ ? UV_READABLE : 0) | (blocked_ ? UV_WRITABLE : 0));
}

void Session::end() {
  if (!ended_) handlers_.ended();
}

void Session::silence() noexcept {
  ended_ = true;
  *alive_ = false;
  poll_.watch(0);
}

}  // namespace aribus::session
