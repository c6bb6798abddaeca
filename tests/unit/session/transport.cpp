// What a session does over any transport.
#include "session/transport.h"

#include <algorithm>

#include "base/base64.h"
#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::every_transport;
using aribus::test::padded_record;
using aribus::test::Program;
using Ending = aribus::session::Transport::Ending;

namespace {

// A daemon whose programs are connected over each of the transports in turn.
struct TransportStage : Daemon {
  // `few`: see every_transport().
  explicit TransportStage(bool few = false) {
    const auto [name, its_connect] = GENERATE_COPY(from_range(every_transport(few)));
    UNSCOPED_INFO(name);
    connect = its_connect;
  }
};

}  // namespace

TEST_CASE("over any transport, requests and batches are answered in lines") {
  TransportStage daemon;
  Program program(daemon);
  program.ask("ping");
  program.send("{}\n[]\n[{\"jsonrpc\":\"2.0\",");
  program.say(R"("id":2,"method":"ping"},{"jsonrpc":"2.0","id":3,"method":"ping"}])");
  CHECK(program.line() == R"({"jsonrpc":"2.0","id":1,"result":"pong"})");
  CHECK(program.next()["error"]["code"].GetInt() == -32600);
  CHECK(program.next()["error"]["code"].GetInt() == -32600);
  CHECK(program.line() ==
        R"([{"jsonrpc":"2.0","id":2,"result":"pong"},{"jsonrpc":"2.0","id":3,"result":"pong"}])");
  program.ask("ping", "{}", "4");
  program.finish_sending();
  CHECK(program.next()["id"].GetInt() == 4);
  CHECK(program.ended_as(Ending::finished));
}

TEST_CASE("over any transport, records come whole, also those that the ring has overwritten in between") {
  TransportStage daemon;
  Program program(daemon);
  program.ask("subscribe");
  REQUIRE(program.next().HasMember("result"));
  std::vector<std::string> lines;
  const auto append = [&](size_t bytes) {
    lines.emplace_back(daemon.log.line(daemon.log.append(padded_record(bytes))));
  };
  for (size_t i = 0; i < 40; ++i) append(i);
  for (const std::string& line : lines) REQUIRE(program.line() + "\n" == line);
  lines.clear();
  append(10'000);
  REQUIRE(daemon.pump([&] { return daemon.sessions->behind().at(0) == 0; }));  // it is begun
  while (daemon.log.first() <= 41) daemon.log.append(padded_record(50'000));   // the rest is kept elsewhere
  CHECK(program.line() + "\n" == lines.front());
  CHECK(program.next()["method"] == "lost");
}

TEST_CASE("over any transport, an answer of many pieces is one line") {
  TransportStage daemon;
  std::string bytes(3000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  daemon.methods.add({.name = "download",
                      .access_level = control::AccessLevel::read,
                      .run_here = [&](const JsonValue&, const control::Caller&) {
                        pbx::ResultText result("{\"data\":\"");
                        result.add_base64(bytes).add("\"}");
                        return Result<pbx::ResultText>(result);
                      }});
  Program program(daemon);
  program.ask("download");
  program.ask("ping", "{}", "2");
  CHECK(program.line() == R"({"jsonrpc":"2.0","id":1,"result":{"data":")" + base64(bytes) + "\"}}");
  CHECK(program.next()["id"].GetInt() == 2);
}

TEST_CASE("over any transport, a daemon that stops has answered and delivered everything") {
  TransportStage daemon;
  Program program(daemon);
  program.ask("subscribe");
  REQUIRE(program.next().HasMember("result"));
  bool asked = false;
  daemon.methods.add({.name = "note",
                      .access_level = control::AccessLevel::read,
                      .run_here = [&](const JsonValue&, const control::Caller&) {
                        asked = true;
                        return pbx::ResultText("1");
                      }});
  program.ask("note");
  for (int i = 0; i < 20; ++i) daemon.log.append(padded_record(300));
  REQUIRE(daemon.pump([&] { return asked; }));
  bool answered = false, drained = false;
  daemon.drain(Milliseconds(60'000), [&] { drained = true; });
  uint64_t seq = 0;
  while (seq < 20 || !answered) {
    const Json line = program.next();
    answered = answered || line.HasMember("result");
    if (line.HasMember("params")) REQUIRE(line["params"]["seq"].GetUint64() == ++seq);
  }
  CHECK(program.ended_as(Ending::stopping));
  CHECK(program.bytes().empty());
  CHECK(daemon.pump([&] { return drained; }));
}

TEST_CASE("over any transport, a program that does not read does not keep the daemon from stopping") {
  TransportStage daemon;
  Program program(daemon);
  program.ask("subscribe");
  REQUIRE(program.next().HasMember("result"));
  for (int i = 0; i < 24; ++i) daemon.log.append(padded_record(10'000));
  bool drained = false;
  daemon.drain(Milliseconds(20), [&] { drained = true; });
  CHECK(daemon.pump([&] { return drained; }));
  CHECK(program.ended_as(Ending::stopping));
}

TEST_CASE("over any transport, who is refused is told why") {
  TransportStage daemon;
  Program first(daemon);
  first.ask("ping");
  first.line();
  daemon.set_rule({.name = "nobody", .users = {54321}, .methods = {"read"}});
  CHECK(first.next()["error"]["code"].GetInt() == -32003);
  CHECK(first.ended_as(Ending::refused));
  CHECK(daemon.sessions->connections() == 0);
}

TEST_CASE("over any transport, who may not connect is told why, as far as one write takes it") {
  TransportStage daemon(true);
  daemon.set_rule({.name = "nobody", .users = {54321}, .methods = {"read"}});
  Program program(daemon);
  CHECK(program.next()["error"]["code"].GetInt() == -32003);
  CHECK(program.ended_as(Ending::refused));
}

TEST_CASE("over any transport, a subscriber that is too slow is disconnected if it wants that") {
  TransportStage daemon;
  Program slow(daemon);
  slow.ask("subscribe", R"({"on_overflow":"disconnect"})");
  REQUIRE(slow.next().HasMember("result"));
  while (daemon.log.first() < 100) daemon.log.append(padded_record(3000));
  REQUIRE(slow.ended_as(Ending::too_slow));
  CHECK(slow.next()["method"] == "lost");
  CHECK(slow.bytes().empty());
}

TEST_CASE("over any transport, a program that goes in the middle of everything is forgotten") {
  TransportStage daemon;
  Program program(daemon);
  program.ask("subscribe");
  REQUIRE(program.next().HasMember("result"));
  for (int i = 0; i < 20; ++i) daemon.log.append(padded_record(5000));
  program.ask("ping");
  REQUIRE(daemon.pump([&] { return daemon.sessions->behind().at(0) < 20; }));
  program.close();
  CHECK(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
}
