#include "session/session.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <sys/socket.h>

#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::json;
using aribus::test::Program;
using aribus::test::record_of;

namespace {

int error_code(const JsonValue& answer) {
  const JsonValue* error = find(answer, "error");
  return error == nullptr ? 0 : find(*error, "code")->GetInt();
}

}  // namespace

TEST_CASE("a request is answered, whatever its id") {
  Daemon daemon;
  Program program(daemon);
  program.ask("ping", "{}", "1");
  CHECK(program.line() == R"({"jsonrpc":"2.0","id":1,"result":"pong"})");
  program.ask("ping", "null", R"("a b")");
  CHECK(program.line() == R"({"jsonrpc":"2.0","id":"a b","result":"pong"})");
}

TEST_CASE("a request in pieces, and several in one, are each answered") {
  Daemon daemon;
  Program program(daemon);
  program.send(R"({"jsonrpc":"2.0","id":1,)");
  test::pump_for(daemon.loop, Milliseconds(5));
  program.send("\"method\":\"ping\"}\r\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n");
  CHECK(program.next()["id"].GetInt() == 1);
  CHECK(program.next()["id"].GetInt() == 2);
}

TEST_CASE("a notification gets no answer, not even when it is wrong") {
  Daemon daemon;
  Program program(daemon);
  program.say(R"({"jsonrpc":"2.0","method":"ping"})");
  program.say(R"({"jsonrpc":"2.0","method":"no.such.method"})");
  program.ask("ping", "{}", "9");
  CHECK(program.next()["id"].GetInt() == 9);
}

TEST_CASE("a batch is answered by one array, without the notifications in it") {
  Daemon daemon;
  Program program(daemon);
  program.say(
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"ping"},5,)"
      R"({"jsonrpc":"2.0","id":2,"method":"nope"},{"jsonrpc":"2.0","id":3,"method":"subscribe"},[]])");
  const Json answers = program.next();
  REQUIRE(answers.IsArray());
  REQUIRE(answers.Size() == 5);
  CHECK(to_text(answers[0]) == R"({"jsonrpc":"2.0","id":1,"result":"pong"})");
  CHECK(error_code(answers[1]) == -32600);
  CHECK(answers[1]["id"].IsNull());
  CHECK(error_code(answers[2]) == -32601);
  CHECK(answers[3]["id"].GetInt() == 3);
  CHECK(answers[3]["result"].HasMember("cursor"));
  CHECK(error_code(answers[4]) == -32600);
}

TEST_CASE("a batch of notifications gets nothing, an empty one an error") {
  Daemon daemon;
  Program program(daemon);
  program.say(R"([{"jsonrpc":"2.0","method":"ping"}])");
  program.say("[]");
  const Json answer = program.next();
  CHECK(error_code(answer) == -32600);
  CHECK(answer["id"].IsNull());
}

TEST_CASE("lines that are no JSON are answered, and the connection goes on") {
  Daemon daemon;
  Program program(daemon);
  for (const std::string line : {"hello", "{", "GET / HTTP/1.1", "\xFF\xFE", "{\"a\":1}x"}) {
    program.say(line);
    const Json answer = program.next();
    CHECK(error_code(answer) == -32700);
    CHECK(answer["id"].IsNull());
  }
  program.say(R"({"jsonrpc":"2.0","id":4,"methd":"x"})");
  const Json answer = program.next();
  CHECK(error_code(answer) == -32600);
  CHECK(answer["id"].GetInt() == 4);
  program.ask("ping");
  CHECK(program.next().HasMember("result"));
}

TEST_CASE("a line over the bound is refused, and the connection goes on") {
  Daemon daemon;
  Program program(daemon);
  program.say(std::string((1 << 20) + 1, ' '));
  const Json answer = program.next();
  CHECK(error_code(answer) == -32600);
  CHECK_THAT(std::string(find_string(answer["error"], "message")), ContainsSubstring("1048576 bytes"));
  program.send(std::string((1 << 20) - 100, ' '));
  program.ask("ping", "{}", "5");
  CHECK(program.next()["id"].GetInt() == 5);
}

TEST_CASE("a half-closed program still gets its answers, then the connection ends") {
  Daemon daemon;
  Program program(daemon);
  program.ask("ping", "{}", "1");
  program.ask("ping", "{}", "2");
  program.finish_sending();
  CHECK(program.next()["id"].GetInt() == 1);
  CHECK(program.next()["id"].GetInt() == 2);
  CHECK(program.ended());
  CHECK(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
}

TEST_CASE("a half-closed subscriber goes on getting records until it closes") {
  Daemon daemon;
  Program program(daemon);
  program.ask("subscribe");
  program.finish_sending();
  CHECK(program.next().HasMember("result"));
  daemon.log.append(record_of("After"));
  CHECK_THAT(program.line(), ContainsSubstring("\"After\""));
  program.close();
  CHECK(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
}

TEST_CASE("a program that closes is forgotten") {
  Daemon daemon;
  {
    Program first(daemon), second(daemon);
    REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 2; }));
  }
  CHECK(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
}

TEST_CASE("while answers pile up unread nothing more is read, and none is lost") {
  session::SessionLimits limits;
  limits.max_unsent_bytes = 4096;
  Daemon daemon(limits);
  daemon.methods.add({.name = "big", .run_here = [](const JsonValue&, const control::Caller&) {
                        return pbx::ResultText('"' + std::string(50'000, 'b') + '"');
                      }});
  Program program(daemon);
  constexpr int count = 100;
  for (int i = 0; i < count; ++i) program.ask("big", "{}", std::to_string(i));
  test::pump_for(daemon.loop, Milliseconds(20));
  for (int i = 0; i < count; ++i) {
    const Json answer = program.next();
    REQUIRE(answer["id"].GetInt() == i);
    REQUIRE(answer["result"].GetStringLength() == 50'000);
  }
}

TEST_CASE("a batch over the bound is refused as a whole") {
  session::SessionLimits limits;
  limits.max_batch = 3;
  Daemon daemon(limits);
  Program program(daemon);
  const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  program.say("[" + ping + "," + ping + "," + ping + "," + ping + "]");
  const Json answer = program.next();
  CHECK(error_code(answer) == -32600);
  CHECK_THAT(std::string(find_string(answer["error"], "message")), ContainsSubstring("at most 3 requests"));
  program.say("[" + ping + "," + ping + "," + ping + "]");
  CHECK(program.next().Size() == 3);
}

TEST_CASE("requests without end leave the loop its turns") {
  Daemon daemon;
  Program greedy(daemon);
  Program other(daemon);
  constexpr size_t count = 3000;
  std::string many;
  for (size_t i = 0; i < count; ++i)
    many += R"({"jsonrpc":"2.0","id":1,"method":"chanels.git"})"
            "\n";
  REQUIRE(::send(greedy.fd(), many.data(), many.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(many.size()));
  other.ask("ping");
  // One turn handles no more than its share, and the other program's request is not behind all of these.
  uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
  uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
  greedy.read();
  other.read();
  CHECK(std::ranges::count(greedy.bytes(), '\n') < static_cast<ptrdiff_t>(count));
  CHECK(other.next().HasMember("result"));
  for (size_t i = 0; i < count; ++i) REQUIRE(error_code(greedy.next()) == -32601);
}

TEST_CASE("an id that can't be echoed to the last digit is refused") {
  Daemon daemon;
  Program program(daemon);
  program.ask("ping", "{}", "123456789012345678901234567890");
  const Json answer = program.next();
  CHECK(error_code(answer) == -32600);
  CHECK(answer["id"].IsNull());
  program.ask("ping", "{}", "18446744073709551615");
  CHECK(program.next()["id"].GetUint64() == 18446744073709551615U);
  program.ask("ping", "{}", "0.8444218515250481");
  CHECK_THAT(program.line(), ContainsSubstring(R"("id":0.8444218515250481,)"));
}

TEST_CASE("a program that asks without end and wants no answers does not keep others from being heard") {
  Daemon daemon;
  Program greedy(daemon);
  Program other(daemon);
  std::atomic<bool> enough = false;
  std::thread flood([&enough, fd = greedy.fd()] {
    std::string many;
    for (int i = 0; i < 1000; ++i)
      many += R"({"jsonrpc":"2.0","method":"channels.xyzzyabcdefghi"})"
              "\n";
    while (!enough) (void)::send(fd, many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  int answered = 0;  // starved, not one of them comes
  for (; answered < 20; ++answered) {
    other.ask("ping");
    if (other.line().empty()) break;
  }
  enough = true;
  flood.join();
  CHECK(answered == 20);
}
