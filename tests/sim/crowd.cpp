#include "crowd.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include <uv.h>

#include "text.h"

namespace aribus::sim {
namespace {

constexpr uint64_t tick_ms = 2;
constexpr std::string_view prefix = "crowd-";

std::string numbered(std::string_view kind, int number) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%06d", number);
  return std::string(kind) + digits;
}

}  // namespace

void add_crowd(Asterisk& asterisk, const Crowd& crowd) {
  auto& interest = asterisk.apps[crowd.app].interest;
  const std::string now = timestamp_now();
  for (int i = 0; i < crowd.channels; ++i) {
    Channel& channel = asterisk.channels[numbered(prefix, i)];
    channel.id = numbered(prefix, i);
    channel.name = numbered("PJSIP/trunk-", i);
    channel.state = "Up";
    channel.protocol_id = numbered("3f1c7c5e-7b0a-4f57-9c1e-", i);
    channel.caller_name = "Alice";
    channel.caller_number = numbered("+49301", i);
    channel.context = "from-sip";
    channel.app_name = "Stasis";
    channel.app_data = crowd.app + ",inbound";
    channel.stasis = crowd.app;
    channel.creationtime = now;
    for (int n = 0; n < crowd.variables; ++n)
      channel.channelvars.emplace_back(numbered("VARIABLE_", n), "value of it");
    interest[channel.id] = 1;
  }
  for (int i = 0; i < crowd.bridges; ++i) {
    Bridge& bridge = asterisk.bridges[numbered("crowd-bridge-", i)];
    bridge.id = numbered("crowd-bridge-", i);
    bridge.name = bridge.id;
    bridge.creationtime = now;
    for (int n = 2 * i; n < 2 * i + 2 && n < crowd.channels; ++n) {
      bridge.channels.push_back(numbered(prefix, n));
      asterisk.channels[numbered(prefix, n)].bridge = bridge.id;
    }
    interest[bridge.id] = 1;
  }
}

void lose_crowd(Asterisk& asterisk, int kept, int nth, bool change) {
  const std::string first_channel = numbered(prefix, kept);
  const std::string first_bridge = numbered("crowd-bridge-", (kept + 1) / 2);
  int count = 0;
  const auto is_meant = [&](const std::string& id) {
    return id.starts_with(prefix) && count++ % std::max(1, nth) == 0;
  };
  for (auto at = asterisk.channels.lower_bound(first_channel); at != asterisk.channels.end();) {
    const auto next = std::next(at);
    if (is_meant(at->first)) {
      if (change) {
        at->second.state = at->second.state == "Up" ? "Ringing" : "Up";
      } else {
        for (auto& [name, app] : asterisk.apps) app.interest.erase(at->first);
        asterisk.channels.erase(at);
      }
    }
    at = next;
  }
  for (auto at = asterisk.bridges.lower_bound(first_bridge); at != asterisk.bridges.end();) {
    const auto next = std::next(at);
    if (is_meant(at->first)) {
      if (change) {
        at->second.channels.clear();
      } else {
        for (auto& [name, app] : asterisk.apps) app.interest.erase(at->first);
        asterisk.bridges.erase(at);
      }
    }
    at = next;
  }
}

void talk(Asterisk& asterisk, uint64_t rate) {
  const bool ticks = asterisk.talk_rate != 0;
  asterisk.talk_rate = rate;
  asterisk.talked_until = uv_hrtime();
  if (ticks || rate == 0) return;
  asterisk.timers.every(tick_ms, [&asterisk] {
    if (asterisk.talk_rate == 0) return;
    const uint64_t each = 1'000'000'000 / asterisk.talk_rate;  // nanoseconds
    // What a pause of the simulator has delayed is left out.
    asterisk.talked_until = std::max(asterisk.talked_until, uv_hrtime() - 10 * tick_ms * 1'000'000);
    for (; asterisk.talked_until < uv_hrtime(); asterisk.talked_until += each) {
      const auto count = std::max<size_t>(1, asterisk.channels.size());
      asterisk.talks_next = (asterisk.talks_next + 7919) % count;  // not one after the other
      auto at = asterisk.channels.lower_bound(numbered(prefix, static_cast<int>(asterisk.talks_next)));
      if (at == asterisk.channels.end()) at = asterisk.channels.lower_bound(std::string(prefix));
      if (at == asterisk.channels.end()) return;
      asterisk.publish_varset(at->second, "SENT", "@" + std::to_string(uv_hrtime()) + "@");
    }
    asterisk.flush();  // before a request that takes long
  });
}

}  // namespace aribus::sim
