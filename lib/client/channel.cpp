#include "client/channel.h"

#include "client/call_states.h"
#include "client/calls.h"

namespace aribus::client {

const std::string& Channel::id() const {
  return state_->id;
}
const std::string& Channel::server() const {
  return state_->server;
}
const std::string& Channel::app() const {
  return state_->app;
}
const std::vector<std::string>& Channel::args() const {
  return state_->args;
}
const JsonValue& Channel::data() const {
  return state_->data;
}
bool Channel::is_gone() const {
  return state_->is_gone;
}

std::string Channel::number() const {
  const JsonValue* caller = find(state_->data, "caller");
  return caller == nullptr ? std::string() : std::string(find_string(*caller, "number"));
}

Task<Json> Channel::operate(std::string method, std::string params) const {
  return calls_->on_channel(state_, std::move(method), std::move(params));
}
Task<std::string> Channel::get(std::string variable) const {
  return calls_->variable_of(state_, std::move(variable));
}
Task<void> Channel::gone() const {
  return calls_->until_gone(state_);
}
Task<std::optional<char>> Channel::digit(Timeout timeout) const {
  return calls_->digit_of(state_, timeout);
}
Task<std::string> Channel::digits(std::optional<size_t> count, std::string terminator, Timeout timeout,
                                  Timeout between) const {
  return calls_->digits_of(state_, count, std::move(terminator), timeout, between);
}
void Channel::clear_digits() const {
  state_->digits.clear();
}
Task<std::optional<char>> Channel::play(Media media, PlayOptions options) const {
  return calls_->play_on(state_, std::move(media.uris), std::move(options));
}
Task<ari::LiveRecording> Channel::record(std::string name, RecordOptions options) const {
  return calls_->record_of(state_, std::move(name), std::move(options));
}

const std::string& Bridge::id() const {
  return state_->id;
}
bool Bridge::is_gone() const {
  return state_->is_gone;
}

Task<Json> Bridge::operate(std::string method, std::string params) const {
  return calls_->on_bridge(state_, std::move(method), std::move(params));
}
Task<void> Bridge::add(Channel channel) const {
  return calls_->add_to(state_, std::move(channel));
}
Task<Channel> Bridge::left() const {
  return calls_->left_of(state_);
}
Task<void> Bridge::destroy() const {
  return calls_->destroy(state_);
}

}  // namespace aribus::client
