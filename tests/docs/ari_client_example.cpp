// Connects to an Asterisk, asks for its channels, and prints the first events.
#include <cstdlib>
#include <iostream>

#include "ari/generated/events.h"
#include "ari/generated/operations.h"

int main(int argc, char** argv) {
  const char* password = std::getenv("ARI_PASSWORD");
  aribus::Loop loop;  // one thread, one loop; it must outlive the client

  aribus::ari::ClientOptions options;
  options.url = argc > 1 ? argv[1] : "http://127.0.0.1:8088";
  options.username = "aribus";
  options.password = password != nullptr ? password : "";
  options.apps = {"example"};
  options.subscribe_all = true;

  aribus::ari::Client* ari = nullptr;
  int events = 0;
  aribus::ari::Client::Handlers handlers;
  handlers.connected = [&](const aribus::ari::ServerInfo& info) {
    std::cout << "connected to Asterisk " << info.version << "\n";
    ari->channels().list([](aribus::Result<std::vector<aribus::ari::Channel>> channels) {
      if (channels) {
        std::cout << "channels: " << channels->size() << "\n";
      } else {
        std::cerr << channels.error().message << "\n";
      }
    });
  };
  handlers.disconnected = [](const std::string& reason, aribus::Milliseconds retry_in) {
    std::cerr << reason << "; next attempt in " << retry_in.count() << " ms\n";
  };
  handlers.message = [&](std::string_view text, size_t) {
    const aribus::Result<aribus::ari::AnyEvent> event = aribus::ari::parse_event(text);
    if (!event) {
      std::cerr << event.error().message << "\n";
    } else if (const auto* start = std::get_if<aribus::ari::StasisStart>(&*event)) {
      std::cout << start->channel.name << " calls, from " << start->channel.caller.number << "\n";
    } else {
      std::cout << text << "\n";
    }
    if (++events == 10) loop.stop();
  };

  auto client = aribus::ari::Client::make(loop, options, handlers);
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  ari = client->get();
  ari->connect();
  loop.run();
  return 0;
}
