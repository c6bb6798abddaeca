#include "nats/request.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using aribus::test::json;

namespace {

// The request, which is good.
Request good(std::string_view text) {
  std::string id;
  Result<Request> request = read_request(text, id);
  INFO(text);
  REQUIRE(request);
  return std::move(*request);
}

Error refused(std::string_view text, std::string_view id_wanted) {
  std::string id;
  const Result<Request> request = read_request(text, id);
  INFO(text);
  REQUIRE_FALSE(request);
  CHECK(id == id_wanted);
  return request.error();
}

}  // namespace

TEST_CASE("a request from NATS has its method and its parameters, whatever its id") {
  std::string id;
  const auto request =
      read_request(R"({"jsonrpc":"2.0","id":"a\"b","method":"ping","params":{"a":1.5}})", id);
  REQUIRE(request);
  CHECK(id == R"("a\"b")");
  CHECK(request->method == "ping");
  CHECK(to_text(request->params) == R"({"a":1.5})");
  CHECK(to_text(good(R"({"jsonrpc":"2.0","method":"ping"})").params) == "{}");
  CHECK(to_text(good(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":null})").params) == "{}");
}

TEST_CASE("what can't go over NATS is refused with the request's id") {
  CHECK(refused("[]", "null").kind == ErrorKind::invalid_request);
  CHECK(refused(R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "null").kind == ErrorKind::invalid_request);
  CHECK(refused(R"({"jsonrpc":"2.0","id":1,"method":"subscribe"})", "1").kind == ErrorKind::unknown_method);
  CHECK(refused(R"({"jsonrpc":"2.0","id":2,"method":"unsubscribe"})", "2").kind == ErrorKind::unknown_method);
  CHECK(refused(R"({"id":"x","method":"ping"})", R"("x")").kind == ErrorKind::invalid_request);
  CHECK(refused(R"({"jsonrpc":"2.0","id":7,"method":"ping","params":)", "7").kind == ErrorKind::malformed);
  CHECK(refused("", "null").kind == ErrorKind::malformed);
}

TEST_CASE("any PBX is asked without a key and without a server") {
  CHECK(check_for_any(good(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")));
  for (const std::string name : {"key", "server"}) {
    const auto checked =
        check_for_any(good(R"({"jsonrpc":"2.0","id":1,"method":"hangup","params":{")" + name + R"(":"a"}})"));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == ErrorKind::invalid_params);
    CHECK(find_string(json(checked.error().data), "parameter") == name);
  }
}

TEST_CASE("a key is a rule's own") {
  const auto key_of = [](const std::string& key, std::string_view rule) {
    Request request = good(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"key":)" + key + "}}");
    const auto kept = keep_key_apart(request, rule);
    return kept ? to_text(*find(request.params, "key")) : kept.error().message;
  };
  CHECK(key_of(R"("k")", "control") == R"("control/k")");
  CHECK(key_of(R"("k")", "reader") == R"("reader/k")");
  CHECK(key_of(R"("b/c")", "a") != key_of(R"("c")", "a/b"));
  CHECK(key_of(R"("c")", "a%2Fb") != key_of(R"("c")", "a/b"));
  CHECK(key_of("7", "control") == "7");          // for the daemon to refuse
  CHECK(key_of(R"("")", "control") == R"("")");  // likewise
  const std::string longest(120, 'x');
  CHECK(key_of('"' + longest + '"', "control") == "\"control/" + longest + '"');
  CHECK(key_of('"' + longest + "x\"", "control") ==
        "key: a string of at most 120 bytes is expected, not of 121: aribus-nats puts 'control/' in front of "
        "it");
  CHECK(key_of(R"("k")", std::string(200, 'r')).starts_with("key: a string of at most 0 bytes"));
  Request without = good(R"({"jsonrpc":"2.0","id":1,"method":"a"})");
  CHECK(keep_key_apart(without, "control"));
  CHECK(to_text(without.params) == "{}");
}

TEST_CASE("an answer gets the program's own id, and tells what became of the request") {
  const auto told = [](std::string_view line) {
    const auto answer = read_answer(line);
    REQUIRE(answer);
    CHECK(answer->number == 12);
    return std::pair(answer->outcome, answer_text(R"("mine")", *answer));
  };
  CHECK(told(R"({"jsonrpc":"2.0","id":12,"result":{"id":12}})") ==
        std::pair(Outcome::done, std::string(R"({"jsonrpc":"2.0","id":"mine","result":{"id":12}})")));
  const auto outcome_of_code = [&](const std::string& code) {
    return told(R"({"jsonrpc":"2.0","id":12,"error":{"code":)" + code + R"(,"message":"m"}})").first;
  };
  CHECK(outcome_of_code("-32000") == Outcome::failed);
  CHECK(outcome_of_code("-32001") == Outcome::not_sent);
  CHECK(outcome_of_code("-32002") == Outcome::unknown);
  CHECK(outcome_of_code("-32602") == Outcome::failed);
}

TEST_CASE("a line that answers no request is none") {
  for (const std::string_view line :
       {R"({"jsonrpc":"2.0","id":null,"error":{"code":-32003,"message":"m"}})",
        R"({"jsonrpc":"2.0","method":"event","params":{}})", R"({"jsonrpc":"2.0","id":12})", "", "{"})
    CHECK_FALSE(read_answer(line));
}
