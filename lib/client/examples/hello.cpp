// Answers each call, says hello, and hangs up.
// Usage: hello APP      as in: hello aribus
#include <iostream>

#include "client/calls.h"

using aribus::client::Calls, aribus::client::Channel, aribus::client::Client, aribus::client::Task;

Task<> hello(Channel caller) {
  std::cout << caller.number() << " calls" << std::endl;
  co_await caller.answer();
  co_await caller.play("sound:hello-world");
}

int main(int argc, char** argv) {
  auto client = Client::connect();
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  Calls calls(std::move(*client));
  if (const auto serving = calls.serve(argc > 1 ? argv[1] : "aribus", hello); !serving) {
    std::cerr << serving.error().message << "\n";
    return 1;
  }
  calls.run();
}
