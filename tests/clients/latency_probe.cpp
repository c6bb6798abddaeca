// As latency_probe.py with `blocking`, with the C++ client.
#include <iostream>
#include <map>

#include "client/client.h"

namespace {

using aribus::client::Client;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds between{40};
constexpr milliseconds patience{3000};
using Times = std::map<int64_t, int64_t>;

int64_t now_ns() {
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(const aribus::Error& error) {
  std::cerr << error.message << std::endl;
  std::_Exit(1);
}

// The next item, if one comes in time; when it is one of the events, the time.
bool take(Client& client, milliseconds timeout, Times& times) {
  const auto item = client.next(timeout);
  if (!item) fail(item.error());
  if (*item && (*item)->type == "ChannelDtmfReceived") {
    times[(*item)->fields["duration_ms"].GetInt64()] = now_ns();
  }
  return item->has_value();
}

std::string told(const Times& times) {
  return aribus::render([&](aribus::JsonWriter& writer) {
    writer.StartObject();
    for (const auto& [event, at] : times) {
      writer.Key(std::to_string(event).c_str());
      writer.Int64(at);
    }
    writer.EndObject();
  });
}

}  // namespace

int main(int, char** arguments) {
  const std::string channel = arguments[1];
  const size_t count = std::stoul(arguments[2]);
  const bool own_ids = arguments[3] == std::string("yes");
  auto client = Client::connect(), other = Client::connect();
  if (!client || !other) return 1;
  if (!client->subscribe() || !other->subscribe()) return 1;

  std::cout << "ready" << std::endl;

  const auto call = [&](const char* method, const std::string& params, milliseconds timeout) {
    const auto answer = client->call(method, params, {.timeout = timeout});
    // What is not answered in time goes on in the daemon.
    if (!answer && answer.error().kind != aribus::ErrorKind::outcome_unknown) fail(answer.error());
  };
  call("play",
       R"({"media":"sound:hello","channelId":")" + channel + '"' +
           (own_ids ? R"(,"playbackId":"own-play"})" : "}"),
       milliseconds(100));
  Times busy, idle;
  auto give_up = steady_clock::time_point::max();
  for (int number = 0; idle.size() < count || (busy.size() < count && steady_clock::now() < give_up);
       ++number) {
    const auto end = steady_clock::now() + between;
    call("originate",
         R"({"endpoint":"Local/answer@default")" +
             (own_ids ? R"(,"channelId":"own-)" + std::to_string(number) + "\"}" : "}"),
         milliseconds(20));
    while (steady_clock::now() < end) {  // the one with commands last, so that it has what the other one has
      while (take(*other, milliseconds(2), idle)) {
      }
      while (take(*client, milliseconds(2), busy)) {
      }
    }
    if (idle.size() == count && give_up == steady_clock::time_point::max())
      give_up = steady_clock::now() + patience;
  }
  std::cout << "{\"busy\":" << told(busy) << ",\"idle\":" << told(idle) << '}' << std::endl;
  return 0;
}
