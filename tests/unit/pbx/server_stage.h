// A pbx::Server at a scripted Asterisk, with a clock that the test sets.
#pragma once

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/unit/pbx/test_server.h"

namespace aribus::test {

// What is logged while it exists, a line "level text" each.
class LogLines {
 public:
  LogLines() {
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(logger);
  }
  ~LogLines() { spdlog::set_default_logger(before_); }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  // Those that contain `part`.
  [[nodiscard]] std::vector<std::string> with(const std::string& part) const {
    std::vector<std::string> found;
    std::istringstream lines(text_.str());
    for (std::string line; std::getline(lines, line);) {
      if (line.find(part) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
};

inline std::string startup(const std::string& time) {
  return R"({"system":{"version":"22.10.1"},"status":{"startup_time":")" + time + "\"}}";
}
inline std::string stasis_start(const std::string& channel, const std::string& app = "demo") {
  return R"({"type":"StasisStart","application":")" + app + R"(","args":[],"channel":{"id":")" + channel +
         R"(","name":"x","state":"Up","creationtime":"2026-11-22T21:46:17.690+0000"}})";
}
inline std::string app_replaced(const std::string& app = "demo") {
  return R"({"type":"ApplicationReplaced","application":")" + app + "\"}";
}

// The take-over takes as long as the test wants: `takeover_timeout` never passes.
struct ServerStage {
  using Peer = FakeAsterisk::Peer;

  LogLines log;
  Loop loop;
  FakeAsterisk asterisk{loop, have_no_objects};
  WallTime now{Milliseconds(1'795'000'000'000)};
  std::string info = std::string(info_body);
  bool refuses_events = false;
  std::vector<record::Record> records;  // without those about calls
  int changes = 0;
  pbx::ServerOptions options;
  std::unique_ptr<TestServer> server;

  using Change = std::function<void(ari::ClientOptions&, pbx::ServerTuning&)>;
  explicit ServerStage(std::vector<std::string> apps = {"demo"}, const Change& change = {}) {
    options.name = "pbx1";
    options.client = client_options(asterisk.url(), std::move(apps));
    options.client.reconnect.first = options.client.reconnect.max = options.client.reconnect.slow =
        Milliseconds(5);
    // Longer than a busy machine takes for anything.
    options.client.connect_timeout = options.client.request_timeout = options.client.silence_timeout =
        Milliseconds(60'000);
    pbx::ServerTuning tuning = quiet();
    tuning.clock.wall = [this] { return now; };
    tuning.connections = {.takeover_timeout = tuning.resync.first_look, .sweep_interval = Milliseconds(1)};
    if (change) change(options.client, tuning);
    server = std::make_unique<TestServer>(loop, options.client, options.name, nullptr, std::move(tuning));
    server->on_record = [this](const record::Record& record) {
      if (!record.type.starts_with("call.")) records.push_back(record);
    };
    server->on_changed = [this] { ++changes; };
    asterisk.set_script([this](Peer& peer, const std::string& request) { answer(peer, request); });
  }
  void answer(Peer& peer, const std::string& request) {
    if (request.starts_with("GET /ari/asterisk/info")) return peer.answer(200, info);
    if (request.starts_with("GET /ari/events") && refuses_events) return peer.answer(503, "{}");
    have_no_objects(peer, request);
  }
  bool until(const std::function<bool()>& done) { return pump(loop, done); }
  void connect() {
    server->connect();
    REQUIRE(
        until([&] { return server->state() == pbx::State::ready && server->client().open_requests() == 0; }));
    records.clear();
    changes = 0;
  }
  // WebSockets that are open, the oldest first.
  [[nodiscard]] std::vector<Peer*> sockets() const {
    std::vector<Peer*> open;
    for (const auto& peer : asterisk.peers) {
      if (peer->open() && peer->upgraded()) open.push_back(peer.get());
    }
    return open;
  }
  // Returns when everything that was sent on `socket` has been read.
  void read(Peer& socket) {
    const std::string mark = std::to_string(++marks);
    socket.frame(9, mark);
    REQUIRE(until([&] { return asterisk.last_pong == mark; }));
  }
  // Types of the records, and the channel where they name one.
  [[nodiscard]] std::string told() const {
    std::string all;
    for (const record::Record& record : records) {
      all += (all.empty() ? "" : " ") + record.type;
      for (const std::string_view id : record.ids.of(record::IdKind::channel)) all += "/" + std::string(id);
    }
    return all;
  }
  // The text in the member `name` of the newest record of `type`; "" when there is none.
  [[nodiscard]] std::string field(const std::string& type, std::string_view name) const {
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      if (record->type == type)
        return std::string(find_string(json("{" + record->fields.substr(1) + "}"), name));
    }
    return {};
  }
  int marks = 0;
};

}  // namespace aribus::test
