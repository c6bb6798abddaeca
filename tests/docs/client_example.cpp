// Answers three calls and hangs them up.
#include <iostream>

#include "client/client.h"

int main(int argc, char** argv) {
  using aribus::find_string;
  auto connected = aribus::client::Client::connect(argc > 1 ? argv[1] : "/run/aribus/aribus.sock");
  if (!connected) {
    std::cerr << connected.error().message << "\n";
    return 1;
  }
  aribus::client::Client& client = *connected;
  const auto subscribed = client.call("subscribe", R"({"types":["StasisStart"]})");
  if (!subscribed) {
    std::cerr << subscribed.error().message << "\n";
    return 1;
  }
  for (int calls = 0; calls < 3; ++calls) {
    const auto next = client.next(std::chrono::minutes(10));
    if (!next || !*next) return 1;  // the daemon is gone, or nobody calls
    const aribus::Json& record = (*next)->params;
    std::cout << aribus::to_text(record) << std::endl;

    aribus::Json params(rapidjson::kObjectType);
    aribus::set_member(params, "channelId", find_string(record["channel"], "id"));
    for (const char* method : {"channels.answer", "hangup"}) {
      const auto done = client.call(method, aribus::to_text(params));
      if (!done) std::cerr << method << ": " << done.error().message << "\n";
    }
  }
  return 0;
}
