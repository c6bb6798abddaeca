#include <utility>

#include "control/named_ids.h"
#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {

void Session::on_command(rpc::Request request, const std::shared_ptr<Batch>& batch, size_t bytes) {
  const control::Method* method = context_.dispatcher.methods().find(request.method);
  // Others are possible however much is under way, and wait for nothing.
  const bool is_limited = method == nullptr || !method->is_about_connection;
  std::vector<std::string> keys;
  if (is_limited) {
    if (commands_.size() >= context_.limits.max_commands) {
      const std::string limit = std::to_string(context_.limits.max_commands);
      return answer(request.id,
                    too_much(limit + " commands of this connection are under way already; wait for an answer",
                             context_.limits.max_commands),
                    batch);
    }
    Result<std::vector<std::string>> named = control::order_keys(*request.params);
    if (!named) return answer(request.id, named.error(), batch);
    keys = std::move(*named);
    if (auto taken = take_bytes(bytes); !taken) return answer(request.id, taken.error(), batch);
  }
  const uint64_t ticket = next_ticket_++;
  Command& command = commands_[ticket];
  command.method = method;
  command.name = std::move(request.method);
  command.id = std::move(request.id);
  command.batch = batch;
  command.bytes = is_limited ? bytes : 0;
  command.context = context_.dispatcher.begin(caller_, method, command.name, *request.params);
  // A request that will be refused reaches no Asterisk and need not wait for others.
  const bool in_order = !keys.empty() && context_.dispatcher.check(*command.context).ok();
  if (in_order && !order_.enter(ticket, std::move(keys))) {
    command.context.reset();
    command.waiting = to_text(*request.params);
    return;
  }
  start(ticket);
}

// The rule and the Asterisk of a command that has waited are those of now.
void Session::start_waiting(uint64_t ticket) {
  Command& command = commands_.at(ticket);
  const Result<Json> params = parse_json(std::exchange(command.waiting, {}));
  command.context = context_.dispatcher.begin(caller_, command.method, command.name, *params);
  start(ticket);
}

void Session::start(uint64_t ticket) {
  const std::shared_ptr<control::CommandContext> context = commands_.at(ticket).context;
  context->reply = [this, alive = alive_, ticket](const Result<pbx::ResultText>& outcome) {
    if (*alive) finish(ticket, outcome);
  };
  if (context->method != nullptr && context->method->run) {
    context->progress = {
        .on_accepted =
            [this, alive = alive_, ticket] {
              if (*alive) release_dependents(ticket);
            },
        .creating = [this, ticket](const control::Creating& creating) { on_creating(ticket, creating); }};
  }
  has_changed_ |= context->changes();
  context_.dispatcher.run(context);
}

// A program must know the id of a new object before the first record about it: either the id is announced at
// once, or records wait for the command's answer. (Not for that of a command with `wait`: it comes too late.)
void Session::on_creating(uint64_t ticket, const control::Creating& creating) {
  Command& command = commands_.at(ticket);
  if (!creating.id.empty())
    command.creating = rpc::creating_text(command.id, creating.parameter, creating.id);
  if (subscription_ && subscription_->announces()) return announce();
  command.holds = !command.id.empty() && !creating.waits;
  if (command.holds) ++holds_;
}

// Sends the ids of all objects that commands under way, and answered ones of open batches, create. No record
// waits for their answers any more.
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

// Starts the commands that need not wait any more, in a loop: an immediate answer frees the next one.
void Session::start_freed() {
  if (std::exchange(starting_, true)) return;
  const auto alive = alive_;
  while (!freed_.empty() && write_buffer_.size() <= context_.limits.max_unsent_bytes) {
    if (context_.budget.spent()) {
      want_flush();  // flush() continues here
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
  const bool has_subscribed = std::exchange(has_subscribed_, false) && outcome;
  if (has_subscribed) subscribed_in_ = command.batch;
  if (outcome && !command.context->changes() && !fits(*outcome)) {
    answer(command.id,
           too_much("the answer has " + std::to_string(outcome->held_bytes()) +
                        " bytes, and the unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.principal.id)) +
                        "; read them, then ask again",
                    context_.limits.max_user_bytes),
           command.batch);
  } else {
    answer(command.id, outcome, command.batch);
  }
  if (has_subscribed && subscription_->announces()) announce();
  release_dependents(ticket);
  want_flush();  // it may have been the last command, and one without an answer
}

// Releases the commands that wait for this one.
void Session::release_dependents(uint64_t ticket) {
  for (const uint64_t freed : order_.leave(ticket)) freed_.push_back(freed);
  start_freed();
}

}  // namespace aribus::session
