#include "session/results.h"
#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {

Result<pbx::ResultText> Session::subscribe(const JsonValue& params) {
  Result<Subscription> made =
      Subscription::make(params, context_.log, context_.dispatcher, *caller_.principal.rule,
                         [this](const GroupParams& group) { return join_group(group); });
  if (!made) return made.error();
  const bool is_member = made->group() != nullptr;
  const pbx::ResultText result = made->result();
  if (!fits(result) || (made->held_bytes() > small_bytes && user_is_over())) {
    if (is_member) {  // the membership before is over, too
      assignments()->leave(caller_.connection, false, {});
      end_subscription();
    }
    return too_much("the requests and unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.principal.id)) +
                        " bytes already; read them first",
                    context_.limits.max_user_bytes);
  }
  if (!is_member && assignments() != nullptr) assignments()->leave(caller_.connection, false, {});
  end_subscription();
  subscription_.emplace(std::move(*made));
  subscription_->drop_result();
  has_subscribed_ = true;
  return result;
}

Result<pbx::ResultText> Session::unsubscribe() {
  if (assignments() != nullptr) assignments()->leave(caller_.connection, false, {});
  const bus::Cursor cursor = subscription_ ? subscription_->cursor() : context_.log.cursor();
  end_subscription();
  return pbx::ResultText(to_json(Unsubscribed{.cursor = cursor.text()}));
}

// Its counts are kept.
void Session::end_subscription() {
  if (!subscription_) return;
  sent_ += subscription_->delivered();
  lost_ += subscription_->lost() + subscription_->overtaken();
  subscription_.reset();
  to_tell_.clear();
}

}  // namespace aribus::session
