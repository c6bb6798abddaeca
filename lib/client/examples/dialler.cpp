// Calls many numbers, a limited number at a time, and plays a message to everyone who answers.
// Usage: dialler AT_A_TIME ENDPOINT ...      as in: dialler 2 PJSIP/100 PJSIP/200 PJSIP/300
#include <iostream>
#include <queue>

#include "client/calls.h"

using namespace aribus::client;

Task<> dial(Calls& calls, std::string endpoint) {
  try {
    const Channel callee =
        co_await calls.originate(endpoint, OriginateOptions().timeout(20).caller_id("Dentist <100>"));
    co_await callee.play("sound:hello-world");
    co_await callee.hangup();
    std::cout << "reached " << endpoint << std::endl;
  } catch (const ChannelGone&) {
    std::cout << "hung up " << endpoint << std::endl;
  } catch (const CallFailed& failed) {
    std::cout << failed.outcome << ' ' << endpoint << std::endl;
  }
}

// One of several concurrent lines; each calls the next number.
Task<> line(Calls& calls, std::queue<std::string>& endpoints, int& lines) {
  while (!endpoints.empty()) {
    const std::string endpoint = endpoints.front();
    endpoints.pop();
    co_await dial(calls, endpoint);
  }
  if (--lines == 0) calls.stop();
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "Usage: " << argv[0] << " AT_A_TIME ENDPOINT ...\n";
    return 2;
  }
  auto client = Client::connect();
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  Calls calls(std::move(*client));
  std::queue<std::string> endpoints;
  for (int i = 2; i < argc; ++i) endpoints.emplace(argv[i]);
  int lines = std::stoi(argv[1]);
  for (int i = lines; i > 0; --i) calls.start(line(calls, endpoints, lines));
  calls.run();
}
