#include "client/calls_detail.h"

namespace aribus::client {
Task<Bridge> Calls::bridge(std::vector<Channel> channels, std::string type, std::string name) {
  if (const Result<void> begun = begin(); !begun) throw Raised(begun.error());
  const BridgePtr bridge(new BridgeState{
      .id = new_id(), .server = channels.empty() ? std::string() : channels.front().server()});
  bridges_[bridge->id] = bridge;
  const ari::BridgesCreate params{.type = type, .bridgeId = bridge->id, .name = name};
  std::exception_ptr error;
  try {
    co_await on_bridge(bridge, std::string(params.method), ari::to_json(params));
    for (const Channel& channel : channels) co_await add_to(bridge, channel);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    start(destroy(bridge));
    std::rethrow_exception(error);
  }
  co_return Bridge(*this, bridge);
}

Task<void> Calls::add_to(BridgePtr bridge, Channel channel) {
  const ChannelPtr added = channel.state_;
  check(*added);
  bridge->channels.push_back(added);
  const ari::BridgesAddChannel params{.bridgeId = bridge->id, .channel = {added->id}};
  try {
    co_await on_bridge(bridge, std::string(params.method), ari::to_json(params));
  } catch (const Raised& raised) {
    std::erase(bridge->channels, added);
    if (added->is_gone || Refusal(raised.error).says_gone()) throw ChannelGone(gone_error(*added));
    throw;
  }
}

Task<Channel> Calls::left_of(BridgePtr bridge) {
  {
    const auto is_ready = [this, bridge] { return !bridge->left.empty() || bridge->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
  if (bridge->left.empty()) {
    if (closed_) throw Raised(*closed_);
    throw BridgeGone(gone_error(*bridge));
  }
  const ChannelPtr channel = bridge->left.front();
  bridge->left.pop_front();
  co_return Channel(*this, channel);
}

Task<void> Calls::destroy(BridgePtr bridge) {
  while (!bridge->is_gone && !closed_) {
    try {
      co_await on_bridge(bridge, "bridges.destroy", one_param("bridgeId", bridge->id));
      break;
    } catch (const Raised& raised) {
      if (!may_come_later(raised)) break;
    }
    co_await sleep(pause);
  }
  bridge_gone(bridge);
}

}  // namespace aribus::client
