// A pbx::Server for tests of what is above its connection.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/record_log.h"
#include "pbx/server.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

// The script of a well-behaved Asterisk without live objects.
inline void have_no_objects(FakeAsterisk::Peer& peer, const std::string& request) {
  constexpr std::string_view application = "GET /ari/applications/";
  if (request.starts_with(application)) {
    const std::string name =
        request.substr(application.size(), request.find(' ', application.size()) - application.size());
    return peer.answer(200, R"({"name":")" + name +
                                R"(","channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[],)"
                                R"("events_allowed":[],"events_disallowed":[]})");
  }
  for (const char* list : {"applications", "channels", "bridges", "endpoints", "deviceStates"}) {
    if (request.starts_with("GET /ari/" + std::string(list) + " ")) return peer.answer(200, "[]");
  }
  behave_well(peer, request);
}

// The client of an Asterisk, connected to or not.
inline ari::ClientOptions client_options(std::string url, std::vector<std::string> apps = {}) {
  ari::ClientOptions options;
  options.url = std::move(url);
  options.apps = std::move(apps);
  return options;
}
inline constexpr const char* nowhere = "http://127.0.0.1:1";

// Takes over and resynchronises at once, then never checks again.
inline pbx::ServerTuning quiet() {
  constexpr Milliseconds never{24 * 60 * 60 * 1000};
  pbx::ServerTuning tuning;
  tuning.connections.takeover_timeout = tuning.resync.fence_timeout = Milliseconds(1);
  tuning.resync.first_look = tuning.resync.longest_look = never;
  return tuning;
}

// Its records are counted, or go to `log`. The test gives its events; it may connect to a FakeAsterisk.
class TestServer : public pbx::Server {
 public:
  TestServer(Loop& loop, ari::ClientOptions client, std::string name = "pbx1", bus::RecordLog* log = nullptr,
             pbx::ServerTuning tuning = quiet())
      : pbx::Server(loop, {.name = std::move(name), .client = std::move(client), .tls_files = 0},
                    {.append =
                         [this, log](const record::Record& record) {
                           if (on_record) on_record(record);
                           return log != nullptr ? log->append(record) : next_++;
                         },
                     .next_seq = [this, log] { return log != nullptr ? log->next() : next_; },
                     .changed =
                         [this] {
                           if (on_changed) on_changed();
                         }},
                    std::move(tuning)) {}

  // Connects to `asterisk`, and reads its objects: there are none. Then the requests are cleared.
  void connect_to(Loop& loop, FakeAsterisk& asterisk) {
    asterisk.set_script(have_no_objects);
    connect();
    REQUIRE(pump(loop, [&] { return state() == pbx::State::ready && client().open_requests() == 0; }));
    asterisk.requests.clear();
  }
  // An event of Asterisk, as JSON.
  void event(std::string_view text) { publish(read_event(text, text.size(), name(), wall_now())); }
  // A record of aribus' own, about an application or none.
  void own_record(std::string_view type, const std::string& app = {}) {
    record::Record record = record_of(std::string(type), name(), app);
    record.time = wall_now();
    publish(record);
  }

  // Gets every record.
  std::function<void(const record::Record&)> on_record;
  // See Server::Handlers::changed.
  std::function<void()> on_changed;

 private:
  uint64_t next_ = 1;
};

}  // namespace aribus::test
