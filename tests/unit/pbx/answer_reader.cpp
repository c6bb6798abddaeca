#include "pbx/answer_reader.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::pbx;

namespace {

HttpResponse response(size_t bytes) {
  HttpResponse made;
  made.status = 200;
  made.body = '"' + std::string(bytes, 'x') + '"';
  return made;
}

const Question text{{ari::Type::string, false, nullptr}, "GET", "/x"};

}  // namespace

TEST_CASE("answers are read one at a time, and users take turns") {
  Loop loop;
  AnswerReader reader(loop);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(reader.read(1, response(100'000), text, [&](const Result<ResultText>&) { order.push_back(1); }));
  }
  REQUIRE(reader.read(2, response(100'000), text, [&](const Result<ResultText>& result) {
    order.push_back(2);
    CHECK(result.ok());
  }));
  CHECK(reader.is_busy());
  REQUIRE(test::pump(loop, [&] { return order.size() == 11; }));
  CHECK_FALSE(reader.is_busy());
  CHECK((order[1] == 2 || order[2] == 2));  // not behind the ten
}

TEST_CASE("what waits to be read has a bound, of which one user has a quarter when several of his wait") {
  Loop loop;
  AnswerReader reader(loop);
  size_t done = 0, taken = 0;
  const auto read = [&](uint64_t user) {
    const bool fits = reader.read(user, response(8 << 20), text, [&](const Result<ResultText>&) { ++done; });
    taken += fits ? 1 : 0;
    return fits;
  };
  while (read(1)) REQUIRE(taken < 20);
  CHECK(taken >= 1);
  CHECK(taken <= 4);
  CHECK(read(2));
  REQUIRE(test::pump(loop, [&] { return done == taken; }));
  CHECK(read(1));
  REQUIRE(test::pump(loop, [&] { return done == taken; }));
}
