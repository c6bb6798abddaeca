#include "tests/docs/stage.h"

#include <algorithm>
#include <regex>
#include <stdexcept>

#include "tests/support/program.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

// As short as the examples of time-outs can wait.
// Where Asterisk does not answer; elsewhere a busy machine may take longer.
constexpr const char* short_timeout = "    request_timeout: 500ms\n";

const std::regex call_direction(R"re(# Alice calls; her channel is "([^"]+)"\.)re");
const std::regex event_direction(R"re(# Asterisk sends: (.*))re");
const std::regex configuration_direction(R"re(# The configuration gets a line: "(.*)"\.)re");
const std::regex silence_direction(R"re(# Asterisk does not answer (.*)\.)re");

std::string quoted(const std::string& text) {
  return render([&](JsonWriter& writer) { write_string(writer, text); });
}

}  // namespace

Simulator::Simulator(const std::string& version)
    : process_({ARIBUS_SIM, "--port", "0", "--version", version, "--playback-ms", "100"}) {
  const auto line = process_.read_line(std::chrono::seconds(30));
  const std::string prefix = "listening on ";
  if (!line || !line->starts_with(prefix)) throw std::runtime_error("the simulator does not start");
  url_ = "http://" + line->substr(prefix.size());
}

Json Simulator::control(const std::string& path, const std::string& body) const {
  auto answer = parse_json(run({"curl", "-fsS", "-m", "30", "-d", body, url_ + path}));
  if (!answer) throw std::runtime_error(path + ": " + answer.error().message);
  return std::move(*answer);
}

Stage::Stage(const Fence& fence) {
  const int count = std::stoi(fence.option("servers", "1"));
  for (int i = 0; i < count; ++i) {
    asterisks_.push_back(std::make_unique<Simulator>(fence.option("asterisk", "22")));
    Server& server = servers_.emplace_back();
    server.name = "pbx" + std::to_string(i + 1);
    server.url = asterisks_.back()->url();
    if (std::ranges::any_of(
            fence.lines, [](const std::string& line) { return std::regex_match(line, silence_direction); }))
      server.more = short_timeout;
  }
  const std::string ring = fence.option("ring", "");
  const std::string rule = fence.option("access", "");  // that allows to read
  daemon_ = std::make_unique<Daemon>(
      servers_, "web:\n  path: " + Daemon::own_path("web.sock") + "\n" +
                    (ring.empty() ? "" : "bus:\n  ring_bytes: " + ring + "\n") +
                    (rule.empty() ? "" : "access:\n  - {name: " + rule + ", methods: [read]}\n"));
  daemon_->wait_ready();
}

std::string Stage::web_path() const {
  const std::string socket = daemon_->socket_path();
  return socket.substr(0, socket.rfind('/')) + "/web.sock";
}

void Stage::direct(const std::string& line, Aliases& aliases) {
  std::smatch found;
  if (std::regex_match(line, found, call_direction)) {
    const Json call =
        asterisk().control("/sim/call", R"({"app":"demo","caller":"100","caller_name":"Alice"})");
    aliases.bind(found[1], text_at(call, "channel"));
    aliases.bind("Alice's channel", text_at(call, "channel"));
  } else if (line == "# Alice hangs up.") {
    asterisk().control("/sim/call/" + *aliases.find("Alice's channel") + "/hangup", "{}");
  } else if (std::regex_match(line, found, event_direction)) {
    asterisk().control("/sim/event", found[1]);
  } else if (std::regex_match(line, found, silence_direction)) {
    asterisk().control("/sim/fault", R"({"delay_ms":60000,"match":)" + quoted(found[1].str() + "*") + "}");
  } else if (line == "# Only reading is allowed.") {                 // by the fence's access=…
  } else if (line == "# The daemon looks at Asterisk's answers.") {  // as it does by itself
  } else if (line == "# Asterisk closes the connection.") {
    asterisk().control("/sim/drop", R"({"mode":"close-frame","code":1001})");
  } else if (line == "# Asterisk stops.") {
    asterisk().control("/sim/fault", R"({"match":"GET /ari/asterisk/info*","status":503,"times":-1})");
    asterisk().control("/sim/drop", R"({"mode":"fin"})");
    wait_status([](const JsonValue& status) { return !status["servers"][0]["connected"].GetBool(); });
  } else if (line == "# Many calls come and go, and the program reads nothing.") {
    const Json sent = asterisk().control("/sim/calls", R"({"app":"demo","count":3000})");
    const uint64_t events = sent["events"].GetUint64();
    wait_status(
        [&](const JsonValue& status) { return status["servers"][0]["received"].GetUint64() >= events; });
  } else if (std::regex_match(line, found, configuration_direction)) {
    daemon_->configure(servers_, found[1].str() + "\n");
  } else {
    throw std::runtime_error("no such stage direction: " + line);
  }
}

void Stage::wait_status(const std::function<bool(const JsonValue& status)>& reached) const {
  client::Connection client = daemon_->connect();
  const auto is_there = [&] {
    const auto status = client.call("status");
    if (!status) throw std::runtime_error("status: " + status.error().message);
    return reached(*status);
  };
  if (!soon(is_there)) throw std::runtime_error("the daemon does not get there");
}

void Stage::keep_busy() {
  asterisk().control("/sim/calls", R"({"app":"demo","count":200,"interval_ms":50})");
}

void Stage::add_channels(const std::vector<std::string>& ids) {
  Program program(daemon_->connect());
  for (const std::string& id : ids) {
    program.call("originate", R"({"endpoint":"Local/answer@default","channelId":)" + quoted(id) + "}");
    program.expect_about("StasisStart", id);
  }
}

std::string with_local_endpoints(std::string text) {
  static const std::regex phones("PJSIP/(100|200)");
  return std::regex_replace(text, phones, "Local/answer@default");
}

}  // namespace aribus::test
