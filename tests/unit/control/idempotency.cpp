// Commands with a key.
#include "control/idempotency.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::json;

namespace {

constexpr PrincipalId alice = 1000, bob = 1001;
using Answers = std::vector<Result<ResultText>>;
const IdempotencyStore::Time start = std::chrono::steady_clock::now();

Reply into(Answers& answers) {
  return [&answers](Result<ResultText> answer) { answers.push_back(std::move(answer)); };
}

// Carries out the command `key` and answers it.
void act(IdempotencyStore& store, const std::string& key, const Result<ResultText>& answer,
         PrincipalId user = alice) {
  Answers answers;
  REQUIRE(store.begin(user, key, 1, into(answers), start));
  store.finish(user, key, answer, start);
  REQUIRE(answers.empty());
}

// What a repeat is answered at once; nothing when it is to be carried out or has to wait.
std::optional<Result<ResultText>> repeated(IdempotencyStore& store, const std::string& key,
                                           IdempotencyStore::Time now = start, uint64_t fingerprint = 1,
                                           PrincipalId user = alice) {
  Answers answers;
  const bool is_first = store.begin(user, key, fingerprint, into(answers), now);
  if (is_first) store.finish(user, key, Error{ErrorKind::not_connected, "put back", {}}, now);
  return is_first || answers.empty() ? std::nullopt : std::optional(answers.front());
}

}  // namespace

TEST_CASE("a repeat gets the first answer") {
  IdempotencyStore store;
  act(store, "k", ResultText("7"));
  REQUIRE(repeated(store, "k"));
  CHECK(**repeated(store, "k") == "7");
  CHECK_FALSE(repeated(store, "other"));
}

TEST_CASE("a repeat while the first is under way waits for its answer") {
  IdempotencyStore store;
  Answers answers;
  CHECK(store.begin(alice, "k", 1, into(answers), start));
  CHECK_FALSE(store.begin(alice, "k", 1, into(answers), start));
  CHECK_FALSE(store.begin(alice, "k", 1, into(answers), start));
  CHECK(answers.empty());
  store.finish(alice, "k", ResultText("7"), start);  // the first one is answered by its dispatcher
  REQUIRE(answers.size() == 2);
  for (const auto& answer : answers) CHECK(*answer == "7");
}

TEST_CASE("a key of another command is refused") {
  IdempotencyStore store;
  act(store, "k", ResultText("7"));
  const auto answer = repeated(store, "k", start, 2);
  REQUIRE(answer);
  CHECK(answer->error().kind == ErrorKind::invalid_params);
  CHECK_THAT(answer->error().message, ContainsSubstring("another method or other parameters"));
}

TEST_CASE("what was refused by Asterisk is not done again, what was not sent may be") {
  IdempotencyStore store;
  act(store, "refused", Error{ErrorKind::refused, "no", {}});
  CHECK(repeated(store, "refused"));
  for (const ErrorKind kind :
       {ErrorKind::not_connected, ErrorKind::invalid_params, ErrorKind::too_much, ErrorKind::too_old}) {
    act(store, "k", Error{kind, "not sent", {}});
    CHECK_FALSE(repeated(store, "k"));
  }
  CHECK(store.size() == 1);
}

TEST_CASE("a repeat tells what became of a command whose outcome was unknown") {
  IdempotencyStore store;
  act(store, "k", Error{ErrorKind::outcome_unknown, "no answer", R"({"command":"abc"})"});
  CHECK(json(repeated(store, "k")->error().data) == json(R"({"command":"abc"})"));
  store.resolve("other", "done");
  store.resolve("", "done");
  CHECK(json(repeated(store, "k")->error().data) == json(R"({"command":"abc"})"));
  store.resolve("abc", "not_done");
  const Error error = repeated(store, "k")->error();
  CHECK(error.kind == ErrorKind::outcome_unknown);
  CHECK(json(error.data) == json(R"({"command":"abc","outcome":"not_done"})"));
}

TEST_CASE("an answer is kept for ten minutes") {
  IdempotencyStore store;
  act(store, "k", ResultText("7"));
  CHECK(repeated(store, "k", start + std::chrono::minutes(9)));
  CHECK_FALSE(repeated(store, "k", start + std::chrono::minutes(30)));
  CHECK(store.size() == 0);
  CHECK(store.bytes() == 0);
}

TEST_CASE("no more answers are kept than the bounds say, the newest of them") {
  IdempotencyStore few({.max_keys = 3});
  for (const char* key : {"a", "b", "c", "d"}) act(few, key, ResultText("7"));
  CHECK(few.size() <= 3);
  CHECK_FALSE(repeated(few, "a"));
  CHECK(repeated(few, "d"));
  IdempotencyStore small({.max_bytes = 1000, .max_answer_bytes = 600});
  for (const char* key : {"a", "b", "c"}) act(small, key, ResultText(std::string(400, 'x')));
  CHECK(small.bytes() <= 1000);
  CHECK_FALSE(repeated(small, "a"));
  CHECK(repeated(small, "c"));
  act(small, "large", ResultText(std::string(601, 'x')));
  CHECK_FALSE(repeated(small, "large"));
}

TEST_CASE("commands under way with keys are bounded too") {
  IdempotencyStore store({.max_keys = 2});
  Answers answers;
  CHECK(store.begin(alice, "a", 1, into(answers), start));
  CHECK(store.begin(alice, "b", 1, into(answers), start));
  CHECK_FALSE(store.begin(alice, "c", 1, into(answers), start));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().kind == ErrorKind::too_much);
  store.finish(alice, "a", ResultText("7"), start);
  CHECK(store.begin(alice, "c", 1, into(answers), start));  // the answered one makes room
}

TEST_CASE("each user has keys of its own") {
  IdempotencyStore store;
  act(store, "k", ResultText("7"), alice);
  CHECK_FALSE(repeated(store, "k", start, 2, bob));  // and no refusal for the other parameters
  act(store, "k", ResultText("8"), bob);
  CHECK(**repeated(store, "k", start, 1, alice) == "7");
  CHECK(**repeated(store, "k", start, 1, bob) == "8");
}

TEST_CASE("who has many keys drives out his own, not another user's") {
  IdempotencyStore by_number({.max_keys = 100});
  act(by_number, "order", ResultText("made1"), alice);
  for (int i = 0; i < 1000; ++i) act(by_number, "k" + std::to_string(i), ResultText("7"), bob);
  REQUIRE(repeated(by_number, "order", start, 1, alice));
  CHECK(**repeated(by_number, "order", start, 1, alice) == "made1");
  CHECK(by_number.size() <= 100);
  CHECK(repeated(by_number, "k999", start, 1, bob));
  IdempotencyStore by_bytes({.max_bytes = 100'000, .max_answer_bytes = 10'000});
  for (int i = 0; i < 9; ++i) act(by_bytes, "a" + std::to_string(i), ResultText("made"), alice);
  for (int i = 0; i < 100; ++i)
    act(by_bytes, "k" + std::to_string(i), ResultText(std::string(5000, 'x')), bob);
  CHECK(by_bytes.bytes() <= 100'000);
  for (int i = 0; i < 9; ++i) CHECK(repeated(by_bytes, "a" + std::to_string(i), start, 1, alice));
}

TEST_CASE("what is under way of one user leaves room for others") {
  IdempotencyStore store({.max_keys = 10, .max_under_way = 4});
  Answers answers;
  int under_way = 0;
  for (int i = 0; i < 6; ++i) {
    if (store.begin(bob, std::to_string(i), 1, into(answers), start)) ++under_way;
  }
  CHECK(under_way == 4);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].error().kind == ErrorKind::too_much);
  CHECK(store.begin(alice, "1", 1, into(answers), start));
}

TEST_CASE("what a command says does not depend on the order of its parameters") {
  const auto of = [](std::string_view method, std::string_view params) {
    return fingerprint_of(method, json(params));
  };
  CHECK(of("m", R"({"a":1,"b":{"x":[1,2],"y":null}})") == of("m", R"({"b":{"y":null,"x":[1,2]},"a":1})"));
  CHECK(of("m", R"({"a":[1,2]})") != of("m", R"({"a":[2,1]})"));
  CHECK(of("m", R"({"a":1})") != of("n", R"({"a":1})"));
  CHECK(of("m", R"({"a":1})") != of("m", R"({"a":"1"})"));
}

TEST_CASE("a repeat has the id of the first one; a command that is carried out again does not") {
  IdempotencyStore store;
  Answers answers;
  CHECK(store.begin(alice, "k", 1, into(answers), start, "x"));
  CHECK(store.id_of(alice, "k", 1, start) == "x");
  store.finish(alice, "k", ResultText("7"), start);
  CHECK(store.id_of(alice, "k", 1, start) == "x");
  CHECK(store.id_of(alice, "k", 2, start).empty());
  CHECK(store.id_of(bob, "k", 1, start).empty());
  CHECK(store.id_of(alice, "k", 1, std::chrono::steady_clock::now() + std::chrono::minutes(11)).empty());
}
