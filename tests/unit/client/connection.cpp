// One connection, with a peer that does not behave.
#include "client/connection.h"

#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::client::Connection;
using aribus::client::ConnectionOptions;
using aribus::test::FakeDaemon;
using aribus::test::TempDir;
using std::chrono::milliseconds;

namespace {

constexpr size_t mebibyte = size_t{1} << 20;
constexpr std::chrono::minutes long_time{1};

struct Stage {
  TempDir folder;
  FakeDaemon daemon;

  explicit Stage(FakeDaemon::Serve serve, int backlog = 16)
      : daemon(folder.path("socket"), std::move(serve), backlog) {}
  [[nodiscard]] Connection connect(const ConnectionOptions& options = {}) const {
    auto made = Connection::connect(daemon.path(), options);
    REQUIRE(made);
    return std::move(*made);
  }
};

// Sends `text` when asked for something, and waits for the end.
FakeDaemon::Serve sending(std::string text) {
  return [text = std::move(text)](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    if (peer.send(text)) peer.wait_for_end();
  };
}

// Sends `text` again and again.
FakeDaemon::Serve flooding_with(std::string text) {
  return [text = std::move(text)](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    while (peer.send(text)) continue;
  };
}

}  // namespace

TEST_CASE("a line without end is given up at its bound, and says so") {
  const Stage stage(flooding_with(std::string(mebibyte, 'x')));
  Connection connection = stage.connect({.max_line_bytes = 4 * mebibyte});
  const auto answer = connection.call("ping", "{}", long_time);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message == "a line from aribusd is longer than 4194304 bytes");
  CHECK_FALSE(connection.is_open());
  CHECK_FALSE(connection.call("ping"));  // nothing more is read
  CHECK(connection.next(milliseconds(0)).error().kind == ErrorKind::not_connected);
  connection = stage.connect();  // lets the first one go
  CHECK(stage.daemon.sent() < 4 * mebibyte + 2 * mebibyte);
}

TEST_CASE("a line of exactly the bound is taken, one byte more is not") {
  const auto answer_of = [](size_t size) {
    std::string line = R"({"id":1,"result":""})";
    line.insert(line.size() - 2, std::string(size - line.size(), 'x'));
    return line + "\n";
  };
  const ConnectionOptions options{.max_line_bytes = 100'000};
  CHECK(Stage(sending(answer_of(100'000))).connect(options).call("ping", "{}", long_time));
  CHECK_FALSE(Stage(sending(answer_of(100'001))).connect(options).call("ping", "{}", long_time));
}

TEST_CASE("notifications that nobody fetches are bounded by their bytes") {
  const std::string record =
      R"({"method":"event","params":{"seq":1,"pad":")" + std::string(10'000, 'x') + "\"}}\n";
  const Stage stage(flooding_with(record));
  Connection strict = stage.connect({.max_line_bytes = mebibyte});
  const auto answer = strict.call("ping", "{}", long_time);
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().message, ContainsSubstring("1048576 bytes of notifications"));
  CHECK(strict.notifications().size() * record.size() <= mebibyte);
}

TEST_CASE("who keeps some notifications is told that more came, whether by their number or by their bytes") {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += R"({"method":"event","params":{"seq":1,"pad":")" + std::string(10'000, 'x') + "\"}}\n";
  }
  const Stage stage(sending(text + R"({"id":1,"result":true})" + "\n"));
  Connection connection = stage.connect({.max_line_bytes = 100'000});
  connection.keep_at_most(2000);
  CHECK(connection.call("ping", "{}", long_time));
  CHECK(connection.has_dropped());
  CHECK(connection.notifications().size() == 9);
}

TEST_CASE("a flood does not keep a call beyond its time") {
  const Stage stage(flooding_with("{}\n{\"id\":77,\"result\":1}\n"));
  Connection connection = stage.connect();
  const auto answer = connection.call("ping", "{}", milliseconds(200));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK(connection.next(milliseconds(50)).ok());
}

TEST_CASE("a peer that drips or is silent does not keep a call beyond its time") {
  const Stage stage([](FakeDaemon::Peer& peer) {
    while (peer.send("x")) std::this_thread::yield();
  });
  CHECK(stage.connect().call("ping", "{}", milliseconds(200)).error().kind == ErrorKind::outcome_unknown);
  const Stage silent([](FakeDaemon::Peer& peer) { peer.wait_for_end(); });
  CHECK(silent.connect().call("ping", "{}", milliseconds(50)).error().kind == ErrorKind::outcome_unknown);
}

TEST_CASE("sending to a peer that does not read ends with a timeout") {
  std::atomic<bool> over{false};
  const Stage stage([&](FakeDaemon::Peer&) {
    while (!over) std::this_thread::yield();
  });
  Connection connection = stage.connect({.max_request_bytes = 8 * mebibyte});
  const std::string params = "\"" + std::string(4 * mebibyte, 'x') + "\"";
  const auto answer = connection.call("ping", params, milliseconds(200));
  over = true;
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::not_connected);
  CHECK(answer.error().message == "aribusd does not read what is sent to it");
}

TEST_CASE("connecting to a peer that does not accept ends with a timeout") {
  const Stage stage(FakeDaemon::Serve(), 0);
  const ConnectionOptions options{.connect_timeout = milliseconds(50)};
  std::vector<Connection> waiting;
  Result<Connection> one = Connection::connect(stage.daemon.path(), options);
  for (; one && waiting.size() < 10; one = Connection::connect(stage.daemon.path(), options)) {
    waiting.push_back(std::move(*one));
  }
  REQUIRE_FALSE(one);
  CHECK_THAT(one.error().message, ContainsSubstring("lets nobody in"));
}

TEST_CASE("what is no answer, no notification and no JSON is an error") {
  const auto error_of = [](const std::string& line) {
    const auto answer = Stage(sending(line + "\n")).connect().call("ping", "{}", long_time);
    return answer ? "none" : answer.error().message;
  };
  const std::string unexpected = "aribusd answered something unexpected: ";
  CHECK(error_of(R"({"id":1})") == unexpected + "an answer without a result");
  CHECK(error_of(R"({"id":1,"error":1})") == unexpected + "an error without a message");
  CHECK(error_of(R"({"id":1,"error":null,"result":1})") == unexpected + "an error without a message");
  CHECK(error_of(R"({"id":1,"error":{"code":"x","message":7}})") ==
        unexpected + "an error without a message");
  CHECK(error_of(R"({"id":1,"error":{"code":99999999999,"message":"m"}})") == "m");
  CHECK(error_of(R"({"method":"event","params":1})") == "aribusd has sent something unexpected");
  CHECK(error_of(R"({"method":"lost","params":[]})") == "aribusd has sent something unexpected");
  CHECK_THAT(error_of("x"), ContainsSubstring("no JSON"));
  CHECK_THAT(error_of(std::string(100, '[')), ContainsSubstring("72 levels"));
  // What Asterisk may nest as deep as 64, and aribus wraps.
  CHECK(error_of(R"({"id":1,"result":)" + std::string(71, '[') + std::string(71, ']') + "}") == "none");
  CHECK_THAT(error_of(R"({"id":1,"result":1e999})"), ContainsSubstring("no JSON"));
  CHECK(error_of("1\nnull\n[]\n\"x\"\n{}\n{\"id\":-1}\n{\"id\":\"1\"}\n{\"id\":2,\"result\":2}\n"
                 R"({"id":1,"result":{"a":[1]}})") == "none");
}

TEST_CASE("answers are kept for those who wait, however many others come") {
  const Stage stage([](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    static_cast<void>(peer.line());
    for (int id = 0; id < 1000; ++id) {
      if (!peer.send(R"({"id":)" + std::to_string(id) + R"(,"result":)" + std::to_string(id) + "}\n")) return;
    }
    peer.wait_for_end();
  });
  Connection connection = stage.connect();
  const auto first = connection.send("a"), second = connection.send("b");
  CHECK(connection.wait(*second, long_time)->GetInt() == 2);
  CHECK(connection.wait(*first, long_time)->GetInt() == 1);
  CHECK(connection.wait(*first, milliseconds(0)).error().kind == ErrorKind::internal);
  CHECK(connection.wait(500, milliseconds(0)).error().kind == ErrorKind::internal);
}

TEST_CASE("what a peer sent before it went is read to its end, however long") {
  const Stage stage([](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    peer.send(R"({"method":"event","params":{"pad":")" + std::string(90'000, 'x') + "\"}}\n" +
              R"({"id":null,"error":{"code":-32004,"message":"too many connections"}})" + "\n");
  });
  Connection connection = stage.connect();
  REQUIRE(connection.send("ping"));
  while (!connection.is_hung_up()) std::this_thread::yield();
  connection.drain();
  CHECK(connection.end() == "too many connections");
  CHECK(connection.notifications().size() == 1);
}

TEST_CASE("what can't be read is not sent, and the connection stays") {
  const Stage stage([](FakeDaemon::Peer& peer) {
    const auto line = peer.line();
    if (line && line->find("\"ping\"") != std::string::npos)
      peer.send(R"({"id":1,"result":true})"
                "\n");
    peer.wait_for_end();
  });
  Connection connection = stage.connect();
  const auto refused = connection.call("originate", "{\"callerId\":\"M\xFCller\"}", long_time);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::invalid_params);
  CHECK(connection.call("ping", "{}", long_time));
}

TEST_CASE("an error without an id belongs to the command of its line") {
  const Stage stage([](FakeDaemon::Peer& peer) {
    static_cast<void>(peer.line());
    static_cast<void>(peer.line());
    peer.send(R"({"id":null,"error":{"code":-32700,"message":"no JSON","data":{"line":2}}})"
              "\n"
              R"({"id":1,"result":1})"
              "\n");
    peer.wait_for_end();
  });
  Connection connection = stage.connect();
  const auto first = connection.send("a"), second = connection.send("b");
  CHECK(connection.wait(*first, long_time)->GetInt() == 1);
  const auto error = connection.wait(*second, long_time);
  REQUIRE_FALSE(error);
  CHECK(error.error().kind == ErrorKind::malformed);
  CHECK(error.error().message == "no JSON");
  CHECK(connection.end().empty());
}

TEST_CASE("an error without an id or a line belongs to the only command, if it is about a line") {
  const auto outcome_of = [](const std::string& error, int commands) {
    const Stage stage([&](FakeDaemon::Peer& peer) {
      for (int i = 0; i < commands; ++i) static_cast<void>(peer.line());
      peer.send(R"({"id":null,"error":)" + error + "}\n" + R"({"id":1,"result":1})" + "\n");
      peer.wait_for_end();
    });
    Connection connection = stage.connect();
    const auto first = connection.send("a");
    for (int i = 1; i < commands; ++i) REQUIRE(connection.send("b"));
    const auto answer = connection.wait(*first, long_time);
    return answer ? "an answer" : answer.error().message;
  };
  CHECK(outcome_of(R"({"code":-32700,"message":"no JSON"})", 1) == "no JSON");
  CHECK(outcome_of(R"({"code":-32600,"message":"too long"})", 1) == "too long");
  CHECK(outcome_of(R"({"code":-32700,"message":"no JSON"})", 2) == "an answer");
  CHECK(outcome_of(R"({"code":-32004,"message":"too many connections"})", 1) == "an answer");
}

TEST_CASE("an error without an id is the reason of an end right behind it alone") {
  const Stage stage(sending(R"({"id":null,"error":{"code":-32004,"message":"too much"}})"
                            "\n"
                            R"({"id":1,"result":1})"
                            "\n"));
  Connection connection = stage.connect();
  CHECK(connection.call("a", "{}", long_time));
  CHECK(connection.end().empty());
}

TEST_CASE("notifications of other kinds are passed over") {
  const Stage stage(sending(R"({"method":"creating","params":{"channelId":"c"}})"
                            "\n"
                            R"({"method":"new"})"
                            "\n"
                            R"({"method":"event","params":{"seq":1}})"
                            "\n"));
  Connection connection = stage.connect();
  REQUIRE(connection.send("a"));
  const auto notification = connection.next(long_time);
  REQUIRE(notification);
  CHECK((*notification)->method == "event");
}
