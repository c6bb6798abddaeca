// Calls one person, then another, and connects the two.
// Usage: click_to_call FIRST SECOND      as in: click_to_call PJSIP/100 PJSIP/200
#include <iostream>

#include "client/calls.h"

using namespace aribus::client;

Task<> connect(Calls& calls, std::string first_endpoint, std::string second_endpoint) {
  const Channel first = co_await calls.originate(first_endpoint, OriginateOptions().timeout(20));
  std::exception_ptr error;
  try {
    co_await first.ring();  // ringback while the second person is called
    const Channel second =
        co_await calls.originate(second_endpoint, OriginateOptions().timeout(20).originator(first));
    co_await first.ring_stop();
    const Bridge bridge = co_await calls.bridge(first, second);
    std::cout << "talking" << std::endl;
    co_await bridge.left();
    co_await bridge.destroy();
  } catch (const Raised&) {
    error = std::current_exception();
  }
  if (!first.is_gone()) co_await first.hangup();
  if (error) std::rethrow_exception(error);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "Usage: " << argv[0] << " FIRST SECOND\n";
    return 2;
  }
  auto client = Client::connect();
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  Calls calls(std::move(*client));
  try {
    calls.run(connect(calls, argv[1], argv[2]));
    std::cout << "ended" << std::endl;
  } catch (const Raised& raised) {
    std::cout << raised.what() << std::endl;
    return 1;
  }
}
