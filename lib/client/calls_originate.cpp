#include "client/calls_detail.h"

namespace aribus::client {
namespace {

constexpr size_t most_ringing = 24;  // of the 32 commands, so that ringing calls don't use all

}  // namespace

Task<void> Calls::make(std::string endpoint, OriginateOptions options, ChannelPtr leg) {
  if (!options.app_ && servings_.size() == 1) options.app_ = servings_.begin()->first;
  const ari::ChannelsOriginate typed{
      .endpoint = endpoint,
      .app = options.app_,
      .appArgs = std::string(leg_mark) + (options.app_args_ ? "," + *options.app_args_ : ""),
      .callerId = options.caller_id_,
      .timeout = options.timeout_,
      .channelId = leg->id,
      .originator = options.originator_ ? std::optional(options.originator_->id()) : std::nullopt};
  Result<Json> params = parse_json(ari::to_json(typed));
  if (!params) throw Raised(params.error());
  set_member(*params, "wait", "answer");
  if (!options.variables_.empty()) {
    Json variables(rapidjson::kObjectType);
    for (const auto& [name, value] : options.variables_) set_member(variables, name, value);
    set_member(*params, "variables", variables);
  }
  while (ringing_ >= most_ringing) {
    const auto is_ready = [this] { return ringing_ < most_ringing; };
    co_await Until(*this, is_ready);
  }
  const Counted counted(ringing_);
  const std::string server =
      options.server_.empty() && options.originator_ ? options.originator_->server() : options.server_;
  Json result;
  try {
    result = co_await send("originate", to_text(*params), server);
  } catch (const Raised& raised) {
    const int status = Refusal(raised.error).status;
    if (status != 409 && status != 500) throw;
    throw CallFailed(raised.error, "failed", 0);
  }
  const std::string outcome(find_string(result, "outcome"));
  if (outcome == "answered") co_return;
  const JsonValue* cause = find(result, "cause");
  throw CallFailed({ErrorKind::refused, endpoint + " was not reached: " + outcome, to_text(result)}, outcome,
                   cause != nullptr && cause->IsInt() ? cause->GetInt() : 0);
}

Task<Channel> Calls::originate(std::string endpoint, OriginateOptions options) {
  if (const Result<void> begun = begin(); !begun) throw Raised(begun.error());
  const ChannelPtr originator = options.originator_ ? options.originator_->state_ : nullptr;
  if (originator) check(*originator);
  const ChannelPtr leg(new ChannelState{.id = new_id()});
  legs_[leg->id] = leg;
  own_.insert(leg->id);
  // It runs on its own, so that its outcome is known even if no coroutine waits for it any more.
  const auto error = std::make_shared<std::exception_ptr>();
  const auto making = [](Task<void> work, std::shared_ptr<std::exception_ptr> raised) -> Task<void> {
    try {
      co_await std::move(work);
    } catch (...) {
      *raised = std::current_exception();
    }
  };
  start(making(make(endpoint, options, leg), error));
  {
    const auto is_ready = [=, this] {
      return *error || !leg->app.empty() || closed_ || (originator && originator->is_gone);
    };
    co_await Until(*this, is_ready);
  }
  const bool has_entered = !leg->app.empty();
  legs_.erase(leg->id);
  if (closed_) throw Raised(*closed_);
  if (!has_entered || (originator && originator->is_gone)) {
    bool is_made_here = true;
    try {
      if (*error) std::rethrow_exception(*error);
    } catch (const CallFailed&) {
      is_made_here = false;
    } catch (const Raised& raised) {
      is_made_here = may_come_later(raised);
      if (!is_made_here) own_.erase(leg->id);
    }
    if (is_made_here) {
      abandoned_.insert(leg->id);
      start(hang_up(leg));
    }
    if (*error) std::rethrow_exception(*error);
    check(*originator);
  }
  if (originator) originator->legs.push_back(leg);
  co_return Channel(*this, leg);
}

}  // namespace aribus::client
