// What one program, or one user, can take of the daemon.
#include <algorithm>

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/catch.h"
#include "tests/unit/session/busy.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::pbx::ResultText;
using aribus::test::Busy;
using aribus::test::Daemon;
using aribus::test::json;
using aribus::test::Program;

namespace {

constexpr int invalid_params = -32602;
constexpr int too_much = -32004;
constexpr int malformed = -32700;

int code_of(const Json& answer) {
  const JsonValue* error = find(answer, "error");
  return error == nullptr ? 0 : find(*error, "code")->GetInt();
}

// "[x,x,…]"
std::string list_of(size_t count, const std::string& item) {
  std::string text = "[";
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + item;
  return text + "]";
}

std::string numbered_ids(size_t count) {
  std::string text = "[";
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
  return text + "]";
}

std::string request(const std::string& method, int id, const std::string& params = "{}") {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" +
         params + "}";
}

std::string batch_of(const std::string& method, int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + request(method, i);
  return text + "]";
}

void add_method(Daemon& daemon, const std::string& name, std::function<ResultText()> answer) {
  daemon.methods.add({.name = name,
                      .access_level = control::AccessLevel::read,
                      .run_here = [answer = std::move(answer)](const JsonValue&, const control::Caller&) {
                        return Result<ResultText>(answer());
                      }});
}

const control::AccessRule reader{.name = "reader", .methods = {"read"}};

}  // namespace

TEST_CASE("a filter has a bound on its names, and on each name") {
  Daemon daemon;
  Program program(daemon);
  for (const std::string name : {"servers", "apps", "channels", "bridges", "endpoints"}) {
    INFO(name);
    program.ask("subscribe", R"({")" + name + R"(":)" + numbered_ids(1024) + "}");
    CHECK(code_of(program.next()) == 0);
    program.ask("subscribe", R"({")" + name + R"(":)" + numbered_ids(1025) + "}");
    const Json refused = program.next();
    CHECK(code_of(refused) == invalid_params);
    CHECK_THAT(to_text(refused), ContainsSubstring(name + ": at most 1024 values are expected, not 1025"));
    program.ask("subscribe", R"({")" + name + R"(":[")" + std::string(513, 'x') + R"("]})");
    CHECK(code_of(program.next()) == invalid_params);
  }
  program.ask("subscribe", R"({"types":)" + numbered_ids(257) + "}");
  CHECK_THAT(to_text(program.next()), ContainsSubstring("types: at most 256 values are expected, not 257"));
  program.ask("subscribe", R"({"exclude":["a",")" + std::string(129, 'x') + R"("]})");
  CHECK_THAT(to_text(program.next()),
             ContainsSubstring("exclude: a glob of at most 128 bytes is expected, not 'xxx"));
}

TEST_CASE("an id in a command has a bound") {
  Busy daemon;
  Program program(daemon);
  const auto with_id = [](size_t bytes) { return R"({"channelId":")" + std::string(bytes, 'x') + R"("})"; };
  program.ask("channels.answer", with_id(513));
  CHECK(code_of(program.next()) == invalid_params);
  program.ask("channels.answer", with_id(512));
  CHECK(daemon.arrived(1));
}

TEST_CASE("a request has a bound on its values: many small ones take long") {
  Daemon daemon;
  Program program(daemon);
  for (const std::string& line : {list_of(200'000, "0"), list_of(100'000, "{}"),
                                  request("ping", 1, R"({"x":)" + list_of(100'000, "[]") + "}")}) {
    program.say(line);
    CHECK(code_of(program.next()) == malformed);
  }
  program.ask("ping", R"({"x":")" + std::string(900'000, 'x') + R"("})");  // a long text is no such thing
  CHECK(code_of(program.next()) == invalid_params);
}

TEST_CASE("the requests of a batch take turns with other programs") {
  Daemon daemon;
  int done = 0;
  add_method(daemon, "long", [&] {
    ++done;
    const uint64_t began = uv_hrtime();
    while (uv_hrtime() - began < 1'000'000) {
    }
    return ResultText("1");
  });
  Program greedy(daemon);
  Program other(daemon);
  greedy.say(batch_of("long", 200));
  REQUIRE(daemon.pump([&] { return done > 0; }));
  other.ask("ping");
  CHECK(other.next()["result"] == "pong");
  CHECK(done < 50);
  CHECK(greedy.next().Size() == 200);
  CHECK(done == 200);
}

TEST_CASE("the answer to a batch has a bound: what no longer fits is not begun") {
  constexpr size_t unsent = 100'000;
  Daemon daemon({.max_unsent_bytes = unsent});
  int done = 0;
  add_method(daemon, "large", [&] {
    ++done;
    return ResultText('"' + std::string(40'000, 'x') + '"');
  });
  Program program(daemon);
  program.say(batch_of("large", 100));
  const Json answers = program.next();
  REQUIRE(answers.Size() == 100);
  for (int i = 0; i < 100; ++i) {
    const JsonValue& answer = answers[static_cast<rapidjson::SizeType>(i)];
    CHECK(answer["id"].GetInt() == i);
    CHECK(answer.HasMember(i < 3 ? "result" : "error"));
    if (i >= 3) CHECK(answer["error"]["code"].GetInt() == too_much);
  }
  CHECK(done == 3);
  program.ask("large");
  CHECK(code_of(program.next()) == 0);
}

TEST_CASE("a batch that is being handled when the daemon stops is answered to its end") {
  Daemon daemon;
  int done = 0;
  add_method(daemon, "long", [&] {
    ++done;
    const uint64_t began = uv_hrtime();
    while (uv_hrtime() - began < 1'000'000) {
    }
    return ResultText("1");
  });
  Program program(daemon);
  program.say(batch_of("long", 200));
  REQUIRE(daemon.pump([&] { return done > 0; }));
  bool drained = false;
  daemon.drain(Milliseconds(10'000), [&] { drained = true; });
  const Json answers = program.next();
  REQUIRE(answers.Size() == 200);
  CHECK(answers[0]["result"].GetInt() == 1);
  CHECK(answers[199]["error"]["code"].GetInt() == -32001);
  CHECK(daemon.pump([&] { return drained; }));
}

TEST_CASE("a large answer lies in memory once for all who wait for it") {
  Daemon daemon;
  const auto text = std::make_shared<const std::string>('"' + std::string(4 << 20, 'x') + '"');
  add_method(daemon, "large", [&] { return ResultText(text); });
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 30; ++i) {
    programs.push_back(std::make_unique<Program>(daemon));
    programs.back()->ask("large");
  }
  REQUIRE(daemon.pump([&] { return text.use_count() > 30; }));  // all of them hold it, none a copy
  for (const auto& program : programs) {
    const Json answer = program->next();
    REQUIRE(answer.HasMember("result"));
    CHECK(answer["result"].GetStringLength() == 4 << 20);
  }
  CHECK(text.use_count() < 10);
}

TEST_CASE("the unread answers of one user have a bound, over all its connections") {
  Daemon daemon({.max_user_bytes = 8 << 20});
  int made = 0;
  add_method(daemon, "large", [&] {
    ++made;
    return ResultText('"' + std::string(2 << 20, static_cast<char>('a' + made)) + '"');
  });
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 20; ++i) {
    programs.push_back(std::make_unique<Program>(daemon));
    programs.back()->ask("large");
  }
  REQUIRE(daemon.pump([&] { return made == 20; }));
  int refused = 0;
  for (const auto& program : programs) refused += code_of(program->next()) == too_much ? 1 : 0;
  CHECK(refused >= 15);
  CHECK(refused < 20);
  programs.front()->ask("large");  // all is read
  CHECK(code_of(programs.front()->next()) == 0);
}

TEST_CASE("one answer that is larger than the bound is given to a user who holds nothing else") {
  Daemon daemon({.max_user_bytes = 1 << 20});
  add_method(daemon, "large", [&] { return ResultText('"' + std::string(4 << 20, 'x') + '"'); });
  Program program(daemon);
  program.ask("large");
  CHECK(code_of(program.next()) == 0);
}

TEST_CASE("unfinished lines of one user have a bound, over all its connections") {
  Daemon daemon({.max_user_bytes = 1 << 20});
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 40; ++i) {
    programs.push_back(std::make_unique<Program>(daemon));
    programs.back()->send(std::string(200'000, 'x'));
  }
  int skipped = 0;
  for (const auto& program : programs) {
    program->send("\n");
    const int code = code_of(program->next());
    CHECK((code == too_much || code == malformed));
    skipped += code == too_much ? 1 : 0;
  }
  CHECK(skipped >= 30);
  programs.front()->ask("ping");
  CHECK(programs.front()->next()["result"] == "pong");
}

TEST_CASE("commands that wait hold little, and have a bound") {
  Busy daemon({.max_line_bytes = 100'000});
  Program program(daemon);
  program.ask("channels.get", R"({"channelId":"c1"})", "0");
  REQUIRE(daemon.arrived(1));
  const auto set = [&](int id, const std::string& name) {
    program.say(request(
        "channels.setChannelVar", id,
        R"({"channelId":"c1","variable":")" + name + R"(","value":")" + std::string(50'000, 'x') + R"("})"));
  };
  for (int i = 1; i <= 3; ++i) set(i, "A");
  set(4, "A");
  const Json refused = program.next();
  CHECK(refused["id"].GetInt() == 4);
  CHECK(code_of(refused) == too_much);
  // What will be refused does not wait.
  program.say(request("channels.answer", 5, R"({"channelId":"c1","nonsense":1})"));
  CHECK(code_of(program.next()) == invalid_params);
  daemon.waiting.front()->answer(200, "{}");
  for (int i = 0; i <= 3; ++i) {
    CHECK(program.next()["id"].GetInt() == i);
    if (i == 3) break;
    REQUIRE(daemon.arrived(static_cast<size_t>(i) + 2));
    daemon.waiting.back()->answer(204, "");
  }
}

TEST_CASE("many who connect at once are taken a few in a turn") {
  Daemon daemon;
  std::vector<Fd> sockets;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(daemon.path.begin(), daemon.path.end(), address.sun_path);
  for (int i = 0; i < 200; ++i) {
    sockets.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(sockets.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
  }
  uint64_t most = 0;
  for (int turn = 0; turn < 1000 && daemon.sessions->accepted() < 200; ++turn) {
    const uint64_t before = daemon.sessions->accepted();
    uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
    most = std::max(most, daemon.sessions->accepted() - before);
  }
  CHECK(daemon.sessions->accepted() == 200);
  CHECK(most <= 16);
}

TEST_CASE("who may not connect is told so and costs no session") {
  Daemon daemon;
  daemon.set_rule({.name = "nobody", .users = {54321}, .methods = {"read"}});
  for (int i = 0; i < 3; ++i) {
    Program program(daemon);
    CHECK(code_of(program.next()) == -32003);
    CHECK(program.ended());
    CHECK(daemon.sessions->connections() == 0);
  }
  CHECK(daemon.sessions->turned_away() == 3);
}

TEST_CASE("a user gets half of the connections that others leave, and some are kept for admin") {
  Daemon daemon({}, 11);
  daemon.set_rule(reader);
  std::vector<std::unique_ptr<Program>> programs;
  const auto connect = [&] {
    programs.push_back(std::make_unique<Program>(daemon));
    programs.back()->ask("ping");
    return code_of(programs.back()->next());
  };
  for (int i = 0; i < 5; ++i) CHECK(connect() == 0);
  CHECK(connect() == too_much);
  CHECK(daemon.sessions->connections() == 5);
  daemon.set_rule({.name = "many", .methods = {"read"}, .connections = 100});  // as the rule says
  for (int i = 0; i < 5; ++i) CHECK(connect() == 0);
  CHECK(connect() == too_much);
  daemon.set_rule({.name = "admin", .methods = {"read", "control", "admin"}});
  CHECK(connect() == 0);
  CHECK(connect() == too_much);
  CHECK(daemon.sessions->connections() == 11);
}

TEST_CASE("the answers of batches that wait for one of their commands have a bound") {
  Busy daemon({.max_unsent_bytes = 100'000});
  int made = 0;
  add_method(daemon, "large", [&] {
    ++made;
    return ResultText('"' + std::string(40'000, 'x') + '"');
  });
  Program program(daemon);
  for (int i = 0; i < 20; ++i) {
    program.say("[" + request("channels.get", 1, R"({"channelId":"c)" + std::to_string(i) + R"("})") + "," +
                request("large", 2) + "]");
  }
  for (int i = 0; i < 17; ++i) CHECK(program.next().Size() == 2);  // refused, both of each
  REQUIRE(daemon.arrived(3));
  CHECK(made == 3);
  for (auto* waiting : daemon.waiting) waiting->answer(200, "{}");
  for (int i = 0; i < 3; ++i) CHECK(program.next().Size() == 2);
  program.ask("large");
  CHECK(code_of(program.next()) == 0);
}

TEST_CASE("small answers count as well, and so do small requests") {
  Busy daemon({.max_user_bytes = 200'000});
  daemon.sessions->set_access(
      control::Access({{.name = "r", .methods = {"read", "control"}, .connections = 100}}));
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 40; ++i) {
    programs.push_back(std::make_unique<Program>(daemon));
    for (int j = 0; j < 3; ++j) {
      programs.back()->say(request("channels.setChannelVar", j,
                                   R"({"channelId":"c)" + std::to_string(i * 10 + j) +
                                       R"(","variable":"A","value":")" + std::string(12'000, 'x') + R"("})"));
    }
  }
  // Some reach Asterisk, and all others are refused or not even read.
  REQUIRE(daemon.arrived(10));
  for (int turn = 0; turn < 200; ++turn) uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
  CHECK(daemon.waiting.size() < 80);
}

TEST_CASE("the rest of a large record waits once for all who have not read it") {
  Daemon daemon({}, 1024, 8 << 20);
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 20; ++i) {
    programs.push_back(std::make_unique<Program>(daemon));
    programs.back()->ask("subscribe");
    programs.back()->line();
  }
  daemon.log.append(aribus::test::padded_record(1'500'000));
  const std::string line(daemon.log.line(1));
  for (const auto& program : programs) CHECK(program->line() + "\n" == line);
}
