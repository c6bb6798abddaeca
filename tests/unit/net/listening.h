// A client of the scripted Asterisk, and all that it said.
#pragma once

#include "ari/client.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

using namespace ari;

// A client and all that it said.
struct Listening {
  std::vector<std::string> connected;     // versions
  std::vector<std::string> disconnected;  // reasons
  std::vector<std::pair<std::string, size_t>> messages;
  std::unique_ptr<Client> client;

  Listening(Loop& loop, const std::string& url, const std::function<void(ClientOptions&)>& change = {}) {
    ClientOptions options;
    options.url = url;
    options.username = "aribus";
    options.password = "s3cret";
    options.apps = {"demo", "other"};
    options.reconnect = {Milliseconds(10), Milliseconds(40), Milliseconds(60'000)};
    options.request_timeout = Milliseconds(2000);
    if (change) change(options);
    Client::Handlers handlers;
    handlers.connected = [this](const ServerInfo& info) { connected.push_back(info.version); };
    handlers.disconnected = [this](const std::string& why, Milliseconds) { disconnected.push_back(why); };
    handlers.message = [this](std::string_view text, size_t total) { messages.emplace_back(text, total); };
    auto made = Client::make(loop, std::move(options), std::move(handlers));
    REQUIRE(made.ok());
    client = std::move(*made);
  }
};

inline void no_apps(ClientOptions& options) {
  options.apps.clear();
}

inline Result<ServerInfo> connect(Loop& loop, Client& client) {
  std::optional<Result<ServerInfo>> answer;
  client.connect([&](const Result<ServerInfo>& got) { answer = got; });
  REQUIRE_FALSE(answer);  // never from within the call
  REQUIRE(pump(loop, [&] { return answer.has_value(); }));
  return *answer;
}

}  // namespace aribus::test
