// Answers each call, says hello, and hangs up.
#include <iostream>

#include "client/client.h"

namespace ari = aribus::ari;
using aribus::Result;
using aribus::client::Client;

// What Asterisk says when a step fails: most likely that the caller has gone.
Result<void> greet(Client& client, const std::string& channel) {
  if (auto done = client.call(ari::ChannelsAnswer{.channelId = channel}); !done) return done;
  const auto played =
      client.call("play", R"({"channelId":")" + channel + R"(","media":"sound:hello-world","wait":true})");
  if (!played) return played.error();
  return client.call(ari::ChannelsHangup{.channelId = channel});
}

int main() {
  Result<Client> client = Client::connect();
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  if (const auto subscribed = client->subscribe({.types = {"StasisStart"}}); !subscribed) {
    std::cerr << subscribed.error().message << "\n";
    return 1;
  }
  for (;;) {
    const auto item = client->next(std::chrono::hours(1));
    if (!item) break;
    if (!*item || (*item)->type != "StasisStart") continue;
    const auto start = (*item)->as<ari::StasisStart>();
    if (!start) continue;
    std::cout << start->channel.caller.number << " calls" << std::endl;
    if (const auto done = greet(*client, start->channel.id); !done)
      std::cout << done.error().message << std::endl;
  }
  return 1;
}
