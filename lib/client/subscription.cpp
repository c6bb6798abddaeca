#include "client/subscription.h"

#include <algorithm>

namespace aribus::client {

void SubscriptionState::move_place(uint64_t seq) {
  place_ = place_.substr(0, place_.rfind(':') + 1) + std::to_string(seq);
}

bool SubscriptionState::is_expected() const {
  const auto subscribes = [](const CallPtr& call) { return call->method == "subscribe"; };
  return state_ != State::none || (asked_ && subscribes(asked_)) || std::ranges::any_of(waiting_, subscribes);
}

void SubscriptionState::disconnected() {
  if (asked_ && !asked_->internal && !asked_->outcome) waiting_.push_front(asked_);
  asked_.reset();
  if (state_ == State::in_force || state_ == State::behind) state_ = State::due;
  if (state_ == State::refused) state_ = State::none;
}

CallPtr SubscriptionState::next_request(bool is_read) {
  if (asked_) return nullptr;
  const auto own = [](std::string method, std::string params) {
    return std::make_shared<Call>(std::move(method), std::move(params), false, true);
  };
  if (state_ == State::due || (state_ == State::behind && is_read && waiting_.empty())) {
    Json params = copy_of(wanted_);
    set_member(params, "since", place_);
    asked_ = own("subscribe", to_text(params));
  } else if (state_ == State::refused) {
    asked_ = own("unsubscribe", "{}");
  } else if (!waiting_.empty()) {
    asked_ = waiting_.front();
    waiting_.pop_front();
  }
  return asked_;
}

void SubscriptionState::ended(const Error& error) {
  if (state_ == State::none) return;
  state_ = State::none;
  tell_(error);
}

void SubscriptionState::fell_behind() {
  if (state_ == State::in_force) state_ = State::behind;
}

Result<Json> SubscriptionState::answered(Result<Json> outcome) {
  const CallPtr call = std::exchange(asked_, nullptr);
  if (call->method == "unsubscribe") {
    // Later records were not handed out.
    if (state_ == State::behind && outcome && outcome->IsObject()) set_member(*outcome, "cursor", place_);
    if (call->internal || outcome) state_ = State::none;
  } else if (outcome) {
    subscribed(*call, *outcome);
  } else if (call->internal) {  // the program gets an item, as it has no call to wait for
    state_ = state_ == State::behind ? State::refused : State::none;
    tell_(outcome.error());
  }
  return outcome;
}

void SubscriptionState::subscribed(const Call& call, const Json& result) {
  const JsonValue* resumed = find(result, "resumed");
  const bool fetched = state_ == State::behind && call.internal && resumed != nullptr && resumed->IsTrue();
  if (!call.internal) {
    Result<Json> params = parse_json(call.params);
    wanted_ = params && params->IsObject() ? std::move(*params) : Json(rapidjson::kObjectType);
    wanted_.RemoveMember("since");
  }
  state_ = State::in_force;
  place_ = find_string(result, "cursor");
  if (fetched) return;
  Json told = copy_of(result);
  set_member(told, "type", "subscribed");
  tell_(std::move(told));
}

}  // namespace aribus::client
