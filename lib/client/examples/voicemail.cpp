// Voicemail: calls the owner, who accepts the call by pressing 1; otherwise the caller leaves a message.
// Usage: voicemail APP ENDPOINT [SECONDS]      as in: voicemail aribus PJSIP/100 20
#include <iostream>

#include "client/calls.h"

using namespace aribus::client;
using namespace std::chrono_literals;

Task<> voicemail(Calls& calls, std::string endpoint, int64_t seconds, Channel caller) {
  try {
    const Channel owner =
        co_await calls.originate(endpoint, OriginateOptions().timeout(seconds).originator(caller));
    const std::vector<std::string> ask{"sound:priv-callpending", "sound:vm-press", "digits:1"};
    auto digit = co_await owner.play(ask, PlayOptions().terminate_on("any"));
    if (!digit) digit = co_await owner.digit(5s);
    if (digit == '1') {
      co_await caller.answer();
      const Bridge bridge = co_await calls.bridge(caller, owner);
      std::cout << "talking " << caller.id() << std::endl;
      co_await bridge.left();
      co_return co_await bridge.destroy();
    }
    co_await owner.hangup();
  } catch (const CallFailed& failed) {
    std::cout << failed.outcome << ' ' << caller.id() << std::endl;
  } catch (const ChannelGone&) {  // the owner has hung up; if the caller has, too, the next line throws it
    std::cout << "gone " << caller.id() << std::endl;
  }
  co_await caller.answer();
  co_await caller.play("sound:vm-intro");
  const auto message =
      co_await caller.record(caller.id(), RecordOptions().beep().terminate_on("#").max_silence_seconds(10));
  std::cout << "message " << caller.id() << std::endl;
  const std::vector<std::string> farewell{"recording:" + message.name, "sound:vm-goodbye"};
  co_await caller.play(farewell);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "Usage: " << argv[0] << " APP ENDPOINT [SECONDS]\n";
    return 2;
  }
  const std::string endpoint = argv[2];
  const int64_t seconds = argc > 3 ? std::stoi(argv[3]) : 20;
  auto client = Client::connect({.wait = 60s});
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  Calls calls(std::move(*client));
  const auto serving =
      calls.serve(argv[1], [&](Channel caller) { return voicemail(calls, endpoint, seconds, caller); });
  if (!serving) {
    std::cerr << serving.error().message << "\n";
    return 1;
  }
  calls.run();
}
