// Connects to an Asterisk, asks for its channels, and prints the first events.
#include <cstdlib>
#include <iostream>

#include "ari/client.h"
#include "ari/schema.h"

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
    const aribus::Json no_params(rapidjson::kObjectType);
    ari->call(*aribus::ari::find_operation("channels.list"), no_params, [](const auto& response) {
      if (response) {
        std::cout << "channels: " << response->body << "\n";
      } else {
        std::cerr << response.error().message << "\n";
      }
    });
  };
  handlers.disconnected = [](const std::string& reason, aribus::Milliseconds retry_in) {
    std::cerr << reason << "; next attempt in " << retry_in.count() << " ms\n";
  };
  handlers.message = [&](std::string_view text, size_t) {
    std::cout << text << "\n";
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
