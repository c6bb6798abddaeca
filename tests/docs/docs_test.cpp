// Plays every example of the documentation.
//
// - ```json-rpc: lines "→ " are sent, lines "← " received, on a connection of their own for each fence, and
//   compared as expectation.h says. An answer is found by its id; notifications come in their order, and
//   "← …" stands for some that are not shown. "# …" directs the stage (stage.cpp).
// - ```yaml: a configuration, or some of its sections, for aribusd --check-config. (```yaml nats is
// aribus-nats'.)
// - ```sh: every command is run; one that follows the stream is stopped after a while.
// - ```cpp, ```python, ```javascript, ```cmake file=PATH: the same as the file, or a part of it. The files
// are run,
//   here or by tests/clients.
// - ```text: what can't be run.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <set>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/docs/stage.h"
#include "tests/support/program.h"
#include "tests/support/soon.h"
#include "tests/support/websocket_client.h"

namespace {

using aribus::find;
using aribus::Json;
using aribus::JsonValue;
using aribus::parse_json;
using aribus::to_text;
using namespace aribus::test;

constexpr std::string_view sent_mark = "→ ";
constexpr std::string_view received_mark = "← ";
constexpr int answer_timeout_ms = 30'000;

// A program on the socket that sends and receives lines as they are, on a WebSocket as messages.
class RawProgram {
 public:
  enum class Over { unix_socket, websocket };

  RawProgram(const std::string& path, Over transport)
      : transport_(transport), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connecting to " + path);
    }
    if (transport_ == Over::unix_socket) return;
    write(WebSocketClient::request());
    while (!websocket_.is_open()) read();
  }

  void send(const std::string& line) {
    const std::string text = line + "\n";
    write(transport_ == Over::websocket ? websocket_.frames(text) : text);
  }

  // The answer that `shown` shows: the one with the same id, or the next batch.
  Json answer(const JsonValue& shown) {
    return next(answers_, [&](const Json& got) {
      const JsonValue* id = find(shown, "id");
      const JsonValue* its_id = find(got, "id");
      return shown.IsArray() ? got.IsArray() : id != nullptr && its_id != nullptr && *id == *its_id;
    });
  }
  Json notification() {
    return next(notifications_, [](const Json&) { return true; });
  }

 private:
  template <typename Wanted>
  Json next(std::deque<Json>& from, Wanted wanted) {
    for (size_t i = 0;; ++i) {
      while (i >= from.size()) receive();
      if (!wanted(from[i])) continue;
      Json found = std::move(from[i]);
      from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
      return found;
    }
  }

  void write(const std::string& bytes) const {
    if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("sending " + bytes);
    }
  }

  void read() {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, answer_timeout_ms) <= 0) throw std::runtime_error("nothing more is received");
    char bytes[65536];
    const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (count <= 0) throw std::runtime_error("the connection has ended");
    const std::string_view came(bytes, static_cast<size_t>(count));
    if (transport_ == Over::websocket) {
      websocket_.feed(came, buffer_);
    } else {
      buffer_ += came;
    }
  }

  void receive() {
    size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) read();
    auto message = parse_json(buffer_.substr(0, end));
    if (!message) throw std::runtime_error("no JSON: " + buffer_.substr(0, end));
    buffer_.erase(0, end + 1);
    const bool notifies = find(*message, "method") != nullptr;
    (notifies ? notifications_ : answers_).push_back(std::move(*message));
  }

  Over transport_;
  aribus::Fd socket_;
  WebSocketClient websocket_;
  std::string buffer_;  // lines
  std::deque<Json> answers_;
  std::deque<Json> notifications_;
};

void play_line(const std::string& line, Stage& stage, RawProgram& program, Aliases& aliases, bool& skipping) {
  if (line.starts_with("#")) return stage.direct(line, aliases);
  if (line.starts_with(sent_mark)) {
    return program.send(with_local_endpoints(aliases.apply(line.substr(sent_mark.size()))));
  }
  if (!line.starts_with(received_mark)) throw std::runtime_error("neither → nor ← nor #");
  const std::string text = line.substr(received_mark.size());
  if (text == "…") {
    skipping = true;
    return;
  }
  const auto shown = parse_json(text);
  if (!shown) throw std::runtime_error("no JSON: " + shown.error().message);
  if (find(*shown, "method") == nullptr) {
    const std::string found = difference(*shown, program.answer(*shown), aliases);
    if (!found.empty()) throw std::runtime_error(found);
    return;
  }
  std::string last;  // how the notification before differs
  for (int passed = 0;; ++passed) {
    Json received;
    try {
      received = program.notification();
    } catch (const std::exception& error) {
      throw std::runtime_error("among " + std::to_string(passed) + " notifications there is none such; " +
                               error.what() + "; the last one: " + last);
    }
    Aliases tried = aliases;
    last = difference(*shown, received, tried);
    if (last.empty()) {
      aliases = tried;
      break;
    }
    if (!skipping) throw std::runtime_error(last);
  }
  skipping = false;
}

// The commands of a shell example, each with the lines that continue it.
std::vector<std::string> commands_of(const Fence& fence) {
  std::vector<std::string> commands;
  bool continued = false;
  for (const std::string& line : fence.lines) {
    if (!continued && (line.empty() || line.starts_with("#"))) continue;
    if (continued) {
      commands.back() += "\n" + line;
    } else {
      commands.push_back(line);
    }
    continued = line.ends_with("\\");
  }
  return commands;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

void play_all(RawProgram::Over transport) {
  for (const Fence& fence : fences_of("json-rpc")) {
    DYNAMIC_SECTION(fence.where) {
      Stage stage(fence);
      RawProgram program(
          transport == RawProgram::Over::websocket ? stage.web_path() : stage.daemon().socket_path(),
          transport);
      Aliases aliases;
      bool skipping = false;
      for (const std::string& line : fence.lines) {
        INFO(fence.where << ": " << line);
        std::string wrong;
        try {
          play_line(line, stage, program, aliases, skipping);
        } catch (const std::exception& error) {
          wrong = error.what();
        }
        INFO(wrong);
        REQUIRE(wrong.empty());
      }
    }
  }
}

}  // namespace

TEST_CASE("every example is of a kind that is checked", "[docs]") {
  static const std::set<std::string> kinds{"cmake",  "cpp", "javascript", "json-rpc",
                                           "python", "sh",  "text",       "yaml"};
  for (const Fence& fence : all_fences()) {
    INFO(fence.where << ": ```" << fence.kind);
    CHECK(kinds.contains(fence.kind));
  }
}

TEST_CASE("the exchanges shown are those that happen", "[docs]") {
  play_all(RawProgram::Over::unix_socket);
}

TEST_CASE("the exchanges shown happen on a WebSocket as well", "[docs]") {
  play_all(RawProgram::Over::websocket);
}

TEST_CASE("the configurations shown are accepted", "[docs]") {
  ::setenv("ARI_PASSWORD", "x", 1);
  std::vector<Fence> fences = fences_of("yaml");
  fences.push_back({"config/aribusd.yaml", "yaml", "", {read_document("config/aribusd.yaml")}});
  for (const Fence& fence : fences) {
    if (fence.info.find("nats") != std::string::npos) continue;  // of aribus-nats: its unit tests read it
    const TemporaryDirectory directory;
    ::setenv("CREDENTIALS_DIRECTORY", (directory / "").c_str(), 1);
    for (const char* name : {"ari.secret", "pbx2.secret", "aribus.secret"})
      write_file(directory / name, "x\n");
    run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca",
         "-keyout", directory / "ca.key", "-out", directory / "ca.pem"});
    std::string text = replaced(fence.text(), "/etc/aribus/", directory / "");
    // Groups and users that every Debian has.
    for (const auto& [shown, there] : {std::pair("group: aribus-read", "group: daemon"),
                                       std::pair("groups: [aribus-control]", "groups: [operator]"),
                                       std::pair("groups: [aribus-read]", "groups: [daemon]"),
                                       std::pair("groups: [aribus-sales]", "groups: [audio]"),
                                       std::pair("groups: [aribus-support]", "groups: [video]"),
                                       std::pair("users: [root, aribus]", "users: [root, daemon]"),
                                       std::pair("users: [aribus-nats]", "users: [nobody]"),
                                       std::pair("users: [alice]", "users: [nobody]")}) {
      text = replaced(text, shown, there);
    }
    if (text.find("asterisk:") == std::string::npos) {
      text += "asterisk:\n  - {username: aribus, password: x, apps: [aribus]}\n";
    }
    const std::string file = directory / "aribusd.yaml";
    write_file(file, text);
    INFO(fence.where << ":\n" << text);
    std::string wrong;
    try {
      run({ARIBUSD, "--config", file, "--check-config"});
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    INFO(wrong);
    CHECK(wrong.empty());
  }
}

TEST_CASE("the commands shown work", "[docs]") {
  ::setenv("PATH", (std::string(ARIBUS_CLI_DIR) + ":" + std::getenv("PATH")).c_str(), 1);
  for (const Fence& fence : fences_of("sh")) {
    DYNAMIC_SECTION(fence.where) {
      Stage stage(fence);
      stage.add_channels({"c1", "c2"});
      stage.keep_busy();
      ::setenv("ARIBUS_SOCKET", stage.daemon().socket_path().c_str(), 1);
      for (const std::string& shown : commands_of(fence)) {
        const std::string command =
            with_local_endpoints(replaced(shown, "/run/aribus/aribus.sock", stage.daemon().socket_path()));
        const TemporaryDirectory directory;
        Process process({"timeout", "60", "bash", "-o", "pipefail", "-c", command}, directory / "output");
        // It ends, or follows the stream, and has shown some of it after two seconds.
        const auto began = std::chrono::steady_clock::now();
        const auto follows = [&] {
          return std::chrono::steady_clock::now() - began >= std::chrono::seconds(2) &&
                 std::ranges::count(read_file(directory / "output"), '\n') >= 3;
        };
        CHECK(soon([&] { return process.wait(std::chrono::milliseconds(0)) || follows(); }));
        const bool runs = !process.wait(std::chrono::milliseconds(0));
        process.signal(SIGTERM);  // with all that it has started
        const int status = process.wait(std::chrono::seconds(30)).value_or(-1);
        const std::string output = read_file(directory / "output");
        INFO(fence.where << ": " << command << "\nended with " << status << ":\n" << output);
        CHECK((runs || status == 0));
        CHECK_THAT(output, !ContainsSubstring("\"error\""));
      }
    }
  }
}

TEST_CASE("the programs shown are those that are run", "[docs]") {
  static const std::set<std::string> run_here{
      "lib/client/examples/CMakeLists.txt",    "lib/client/examples/hello.cpp",
      "lib/client/examples/voicemail.cpp",     "lib/client/examples/ivr.cpp",
      "lib/node/examples/hello.mjs",           "lib/node/examples/ivr.mjs",
      "lib/python/examples/hello.py",          "lib/python/examples/ivr.py",
      "lib/python/examples/hello_blocking.py", "lib/node/examples/voicemail.mjs",
      "lib/node/examples/click_to_call.mjs",   "lib/python/examples/voicemail.py",
      "lib/python/examples/click_to_call.py",  "lib/python/examples/voice_bot.py",
      "lib/python/examples/many_pbxs.py",      "lib/node/examples/many_pbxs.mjs",
      "lib/python/examples/pool_worker.py",    "lib/node/examples/pool_worker.mjs",
      "lib/python/examples/hello_worker.py",   "lib/python/examples/ivr_worker.py",
      "tests/docs/ari_client_example.cpp"};
  std::set<std::string> shown;
  for (const char* kind : {"cmake", "cpp", "javascript", "python"}) {
    for (const Fence& fence : fences_of(kind)) {
      const std::string file = fence.option("file", "");
      INFO(fence.where);
      REQUIRE_FALSE(file.empty());
      CHECK_THAT(read_document(file), ContainsSubstring(fence.text()));
      shown.insert(file);
    }
  }
  CHECK(shown == run_here);
}

TEST_CASE("the programs shown do what they say", "[docs]") {
  Stage stage(Fence{});
  stage.keep_busy();
  const std::string by_ari =
      run({"env", "ARI_PASSWORD=aribus-test-secret", ARI_CLIENT_EXAMPLE, stage.asterisk().url()});
  INFO(by_ari);
  CHECK_THAT(by_ari, ContainsSubstring("connected to Asterisk 22"));
  CHECK_THAT(by_ari, ContainsSubstring("channels: "));
  CHECK_THAT(by_ari, ContainsSubstring(" calls, from "));
}

TEST_CASE("the first programs of the tutorials do what they say", "[docs]") {
  const std::string lib = ARIBUS_SOURCE_DIR "/lib";
  ::setenv("PYTHONPATH", (lib + "/python").c_str(), 1);
  const std::vector<std::vector<std::string>> programs{
      {"python3", lib + "/python/examples/hello.py", "demo"},
      {"python3", lib + "/python/examples/hello_blocking.py", "demo"},
      {"node", lib + "/node/examples/hello.mjs", "demo"},
      {HELLO_EXAMPLE, "demo"}};
  for (const std::vector<std::string>& program : programs) {
    DYNAMIC_SECTION(program[program.size() - 2]) {
      Stage stage(Fence{});
      ::setenv("ARIBUS_SOCKET", stage.daemon().socket_path().c_str(), 1);
      const TemporaryDirectory directory;
      Process process(program, directory / "output");
      std::string channel;
      const auto heard = [&] {  // it may not have subscribed to the first ones
        channel = text_at(stage.asterisk().control("/sim/call", R"({"app":"demo"})"), "channel");
        return soon([&] { return !read_file(directory / "output").empty(); }, std::chrono::milliseconds(50));
      };
      CHECK(soon(heard));
      CHECK(read_file(directory / "output").starts_with("100 calls\n"));
      aribus::client::Connection connection = stage.daemon().connect();
      const std::string params = R"({"id":")" + channel + "\"}";
      const auto left = [&] { return (*connection.call("state.channels", params))["channels"].Empty(); };
      CHECK(soon(left));
    }
  }
}
