#include "client/calls_detail.h"

namespace aribus::client {
namespace {

// The daemon accepts 64 commands of a connection at a time: half of them are left to other users of the
// client.
constexpr size_t most_commands = 32;
// How long a command is retried that could not be sent because there was no connection.
constexpr std::chrono::seconds patience{30};
// After these operations something else controls the channel.
constexpr std::array<std::string_view, 3> handing_over{"channels.continueInDialplan", "channels.move",
                                                       "channels.redirect"};

}  // namespace

Task<Json> Calls::call(std::string method, std::string params) {
  return patiently(std::move(method), std::move(params), {}, [] { return false; });
}

Task<Json> Calls::send(std::string method, std::string params, std::string server) {
  const Result<CallPtr> call = client_.send(method, params, {.server = std::move(server)});
  if (!call) throw Raised(call.error());
  const CallPtr sent = *call;
  if (const std::string_view name = chosen_id(method); name == "channelId" || name == "snoopId") {
    const Result<Json> checked = parse_json(sent->params);
    if (checked) own_.emplace(find_string(*checked, name));
  }
  {
    const auto is_ready = [sent] { return sent->outcome.has_value(); };
    co_await Until(*this, is_ready);
  }
  if (!*sent->outcome) throw Raised(sent->outcome->error());
  co_return std::move(**sent->outcome);
}

Task<Json> Calls::patiently(std::string method, std::string params, std::string server,
                            std::function<bool()> is_over) {
  const auto until = Clock::now() + patience;
  for (;;) {
    while (commands_ >= most_commands) {
      const auto is_ready = [this] { return commands_ < most_commands; };
      co_await Until(*this, is_ready);
    }
    if (closed_) throw Raised(*closed_);
    std::optional<Raised> failed;
    {
      const Counted counted(commands_);
      try {
        co_return co_await send(method, params, server);
      } catch (const Raised& raised) {
        failed = raised;
      }
    }
    if (failed->error.kind != ErrorKind::not_connected || is_over() || Clock::now() > until)
      throw Raised(*failed);
    co_await Until(*this, is_over, Clock::now() + pause);
  }
}

void Calls::check(const ChannelState& channel) const {
  if (closed_) throw Raised(*closed_);
  if (channel.is_gone) throw ChannelGone(gone_error(channel));
}

Task<Json> Calls::on_channel(ChannelPtr channel, std::string method, std::string params) {
  check(*channel);
  const auto is_over = [channel] { return channel->is_gone; };
  try {
    Json answer = co_await patiently(method, params, channel->server, is_over);
    channel->is_handed_over |= contains(handing_over, method);
    co_return answer;
  } catch (const Raised& raised) {
    const Refusal refusal(raised.error);
    if (channel->is_gone || (refusal.says_gone() && refusal.is_about_channel))
      throw ChannelGone(gone_error(*channel));
    throw;
  }
}

Task<Json> Calls::on_bridge(BridgePtr bridge, std::string method, std::string params) {
  if (bridge->is_gone) throw BridgeGone(gone_error(*bridge));
  const auto is_over = [bridge] { return bridge->is_gone; };
  try {
    co_return co_await patiently(method, params, bridge->server, is_over);
  } catch (const Raised& raised) {
    if (bridge->is_gone || Refusal(raised.error).message == "Bridge not found")
      throw BridgeGone(gone_error(*bridge));
    throw;
  }
}

Task<std::string> Calls::variable_of(ChannelPtr channel, std::string variable) {
  const ari::ChannelsGetChannelVar params{.channelId = channel->id, .variable = variable};
  try {
    const Json answer = co_await on_channel(channel, std::string(params.method), ari::to_json(params));
    co_return std::string(find_string(answer, "value"));
  } catch (const ChannelGone&) {
    throw;
  } catch (const Raised& raised) {
    if (Refusal(raised.error).status != 404) throw;
  }
  co_return std::string();
}

}  // namespace aribus::client
