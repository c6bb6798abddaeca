// Answers three calls and hangs them up.
#include <iostream>

#include "client/client.h"

int main(int argc, char** argv) {
  namespace ari = aribus::ari;
  auto client = aribus::client::Client::connect({.path = argc > 1 ? argv[1] : ""});
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  const auto subscribed = client->subscribe({.types = {"StasisStart"}});
  if (!subscribed) {
    std::cerr << subscribed.error().message << "\n";
    return 1;
  }
  for (int calls = 0; calls < 3;) {
    const auto item = client->next(std::chrono::minutes(10));
    if (!item || !*item) return 1;  // nobody calls
    if ((*item)->type != "StasisStart") continue;
    ++calls;
    const auto start = (*item)->as<ari::StasisStart>();
    if (!start) continue;
    std::cout << start->channel.caller.number << " calls: " << aribus::to_text((*item)->fields) << std::endl;

    if (const auto done = client->call(ari::ChannelsAnswer{.channelId = start->channel.id}); !done)
      std::cerr << done.error().message << "\n";
    if (const auto done = client->call(ari::ChannelsHangup{.channelId = start->channel.id}); !done)
      std::cerr << done.error().message << "\n";
  }
  return 0;
}
