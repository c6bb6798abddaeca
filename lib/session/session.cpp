#include "session/session.h"

#include <algorithm>
#include <utility>

#include "protocol/rpc.h"
#include "session/session_limits.h"

namespace aribus::session {

Session::Session(Context context, std::unique_ptr<Transport> transport, control::Caller caller,
                 Handlers handlers)
    : context_(context),
      caller_(std::move(caller)),
      handlers_(std::move(handlers)),
      transport_(std::move(transport)),
      reader_([this] { return user_is_over() ? small_bytes : context_.limits.max_line_bytes; },
              {[this](std::string_view line) { on_line(line); },
               [this](std::string_view beginning) { on_long_line(beginning); }}),
      held_(context.quota, caller_.principal.id) {
  transport_->start([this](bool input, bool output) { on_ready(input, output); });
  watch();
}

Session::~Session() {
  *alive_ = false;
  context_.dispatcher.abandon(caller_.connection);
}

ClientInfo Session::info() const {
  ClientInfo info{.caller = caller_,
                  .since = since_,
                  .requests = requests_,
                  .has_changed = has_changed_,
                  .pending = commands_.size(),
                  .sent = sent_,
                  .lost = lost()};
  if (info.caller.principal.name.empty()) info.caller.principal.name = context_.names.find(caller_.peer.uid);
  if (subscription_) {
    info.subscription = subscription_->filter_text();
    info.sent += subscription_->delivered();
    info.behind = subscription_->behind();
  }
  return info;
}

void Session::on_ready(bool input, bool output) {
  const auto alive = alive_;
  if (output) {
    blocked_ = false;
    flush();
  }
  if (!input || !*alive) return;
  readable_ = true;
  want_read();
}

void Session::want_read() {
  if (phase_ == Phase::ended || std::exchange(read_queued_, true)) return;
  handlers_.wants_read();
}

void Session::want_flush() {
  if (phase_ == Phase::ended || std::exchange(flush_queued_, true)) return;
  handlers_.wants_flush();
}

void Session::on_log_grew() {
  if (subscription_ && !blocked_) want_flush();
}

bool Session::may_read() const {
  if (phase_ != Phase::open || write_buffer_.size() > context_.limits.max_unsent_bytes) return false;
  return open_bytes() <= small_bytes || !user_is_over();
}

// Input is watched for as long as it may be read, also while its turn is awaited: to stop and to begin again
// are four system calls.
void Session::watch() {
  const bool input = may_read();
  if (input == watches_input_ && blocked_ == watches_output_) return;
  watches_input_ = input;
  watches_output_ = blocked_;
  transport_->watch(input, blocked_);
}

// The transport takes no more at present.
void Session::block() {
  blocked_ = true;
  watch();
}

// Phases only go forward.
void Session::enter(Phase phase) {
  phase_ = std::max(phase_, phase);
}

// Writes what it has to answer, then ends.
void Session::leave(Transport::Ending goodbye, std::string reason) {
  ending_ = std::move(reason);
  goodbye_ = goodbye;
  enter(Phase::leaving);
}

// Whether it ends once all answers are written.
bool Session::may_end() const {
  switch (phase_) {
    case Phase::open:
      return false;
    case Phase::input_over:
      return !subscription_;
    case Phase::draining:
      return !subscription_ || subscription_->up_to_date();
    case Phase::leaving:
    case Phase::ended:
      return true;
  }
  return true;
}

void Session::check_hung_up() {
  if (phase_ == Phase::ended) return;
  if (transport_->is_over() || (phase_ != Phase::open && transport_->is_hung_up())) end();
}

void Session::close_with_error(const Error& error) {
  send_line(rpc::error_text("null", error));
  leave(Transport::Ending::refused, error.message);
}

void Session::lose_rule(std::shared_ptr<const control::AccessRule> rule, const Error& error) {
  caller_.principal.rule = std::move(rule);
  close_with_error(error);
}

void Session::apply_rule(std::shared_ptr<const control::AccessRule> rule, Quota::Connection connection) {
  caller_.principal.rule = std::move(rule);
  connection_ = std::move(connection);
  if (!subscription_) return;
  subscription_->bound_by(*caller_.principal.rule);
  if (auto allowed = context_.dispatcher.allows(caller_, "subscribe"); !allowed)
    return close_with_error(allowed.error());
  const GroupView* view = subscription_->group();
  if (view != nullptr && !view->ended_at() && !may_be_member(view->group(), assignments()->groups().settings(view->group()))) {
    close_with_error(control::not_allowed(
        "the access rules have changed, and do not allow being a member of '" + view->group() + "' any more",
        caller_.principal.rule->name));
  }
}

void Session::drain() {
  enter(Phase::draining);
  ending_ = "aribusd was stopped";
  if (phase_ == Phase::draining) goodbye_ = Transport::Ending::stopping;
  refuse_rest_of_batch();
  watch();
  want_flush();
}

void Session::end() {
  if (phase_ != Phase::ended) handlers_.ended();
}

void Session::silence() noexcept {
  phase_ = Phase::ended;
  *alive_ = false;
  transport_->close(goodbye_);
}

}  // namespace aribus::session
