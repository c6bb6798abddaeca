#include "session/subscription.h"

#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::session;
using aribus::test::json;
using aribus::test::padded_record;
using aribus::test::record_of;

namespace {

bus::RecordLog log_of(int records = 0) {
  auto made = bus::RecordLog::make({.ring_bytes = bus::RecordLog::min_ring_bytes}, test::framing);
  REQUIRE(made.ok());
  for (int i = 0; i < records; ++i) made->append(record_of(i % 3 == 0 ? "Third" : "Other"));
  return std::move(*made);
}

Subscription subscribe(const bus::RecordLog& log, std::string_view params = "{}") {
  auto made = Subscription::make(json(params), log, control::Dispatcher(test::asterisk_methods()),
                                 *test::a_caller().principal.rule);
  REQUIRE(made.ok());
  return std::move(*made);
}
Subscription since(const bus::RecordLog& log, const std::string& cursor) {
  return subscribe(log, R"({"since":")" + cursor + "\"}");
}
std::string at(const bus::RecordLog& log, uint64_t seq) {
  return bus::Cursor{log.stream(), seq}.text();
}

// What is delivered when each write takes at most `share` bytes.
std::string deliver(Subscription& subscription, size_t max_bytes, size_t share,
                    size_t* most_pieces = nullptr) {
  std::string out;
  std::vector<iovec> pieces;
  for (int rounds = 0; !subscription.up_to_date(); ++rounds) {
    REQUIRE(rounds < 100'000);
    subscription.gather(max_bytes, pieces);
    std::string offered;
    for (const iovec& piece : pieces) offered.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (most_pieces != nullptr) *most_pieces = std::max(*most_pieces, pieces.size());
    const size_t count = std::min(share, offered.size());
    out += offered.substr(0, count);
    out += subscription.advance(count);
  }
  return out;
}

std::string expected(const bus::RecordLog& log, uint64_t from, const std::string& type = "") {
  std::string out;
  for (uint64_t seq = from; seq < log.next(); ++seq) {
    if (type.empty() || log.line(seq).find('"' + type + '"') != std::string_view::npos) out += log.line(seq);
  }
  return out;
}

}  // namespace

TEST_CASE("without `since` delivery begins with what comes next") {
  bus::RecordLog log = log_of(3);
  Subscription subscription = subscribe(log, "null");
  CHECK(json(subscription.result().str()) == json(R"({"cursor":")" + at(log, 3) + "\"}"));
  CHECK(subscription.up_to_date());
  log.append(record_of("New"));
  CHECK_FALSE(subscription.up_to_date());
  CHECK(deliver(subscription, 100'000, 100'000) == log.line(4));
  CHECK(subscription.cursor().seq == 4);
}

TEST_CASE("a cursor of this stream resumes behind it") {
  const bus::RecordLog log = log_of(5);
  for (uint64_t seq = 0; seq <= 5; ++seq) {
    Subscription subscription = since(log, at(log, seq));
    CHECK(json(subscription.result().str()) ==
          json(R"({"cursor":")" + at(log, seq) + R"(","resumed":true})"));
    CHECK(deliver(subscription, 100'000, 100'000) == expected(log, seq + 1));
  }
}

TEST_CASE("a cursor that can't be honoured is no error: it says why, and delivery begins now") {
  bus::RecordLog log = log_of();
  for (int i = 0; i < 500; ++i) log.append(padded_record(500));
  REQUIRE(log.first() > 10);
  const std::pair<std::string, const char*> cases[] = {
      {"ffffffffffff:3", "started afresh"},
      {at(log, log.next()), "ahead"},
      {log.stream() + ":18446744073709551615", "ahead"},
      {at(log, log.first() - 2), "no longer holds"},
      {at(log, 0), "no longer holds"},
      {"garbage", "<stream>:<seq>"},
      {log.stream() + ":x", "<stream>:<seq>"},
      {"", "<stream>:<seq>"},
  };
  for (const auto& [cursor, why] : cases) {
    INFO(cursor);
    const Subscription subscription = since(log, cursor);
    const Json result = json(subscription.result().str());
    REQUIRE(find(result, "resumed") != nullptr);
    CHECK_FALSE(find(result, "resumed")->GetBool());
    CHECK_THAT(std::string(find_string(result, "reason")), ContainsSubstring(why));
    CHECK(find_string(result, "cursor") == log.cursor().text());
    CHECK(subscription.up_to_date());
  }
  CHECK(json(since(log, at(log, log.first() - 1)).result().str())["resumed"].GetBool());
}

TEST_CASE("from the oldest record on: what is gone is told first, and is no loss of this subscriber's") {
  bus::RecordLog log = log_of();
  Subscription whole = subscribe(log, R"({"from":"oldest"})");
  CHECK(whole.up_to_date());
  for (int i = 0; i < 3; ++i) log.append(padded_record(500));
  Subscription all = subscribe(log, R"({"from":"oldest"})");
  CHECK(json(all.result().str()) == json(R"({"cursor":")" + at(log, 0) + "\"}"));
  CHECK(all.take_lost().empty());
  CHECK(deliver(all, 1'000'000, 1'000'000) == expected(log, 1));

  for (int i = 0; i < 500; ++i) log.append(padded_record(500));
  const uint64_t first = log.first();
  REQUIRE(first > 10);
  const auto lost = [](uint64_t from, uint64_t to) {
    return R"({"jsonrpc":"2.0","method":"lost","params":{"from":)" + std::to_string(from) + R"(,"to":)" +
           std::to_string(to) + R"(,"records":)" + std::to_string(to - from + 1) + "}}\n";
  };
  for (const char* other : {"", R"(,"since":"ffffffffffff:3")", R"(,"since":"garbage")"}) {
    INFO(other);
    Subscription some =
        subscribe(log, std::string(R"({"from":"oldest","on_overflow":"disconnect")") + other + "}");
    CHECK(find_string(json(some.result().str()), "cursor") == at(log, 0));
    CHECK((find(json(some.result().str()), "resumed") == nullptr) == (std::string(other).empty()));
    CHECK(some.take_lost() == lost(1, first - 1));
    CHECK_FALSE(some.must_disconnect());
    CHECK(some.lost() == 0);
    CHECK(deliver(some, 1'000'000, 1'000'000) == expected(log, first));
  }
  // Who has seen a part has lost the rest.
  Subscription late = subscribe(log, R"({"from":"oldest","since":")" + at(log, 3) + "\"}");
  CHECK(json(late.result().str()) == json(R"({"cursor":")" + at(log, 3) + R"(","resumed":true})"));
  CHECK(late.take_lost() == lost(4, first - 1));
  CHECK(late.lost() == first - 4);
  // The ring goes on while it reads.
  for (int i = 0; i < 500; ++i) log.append(padded_record(500));
  Subscription slow = subscribe(log, R"({"from":"oldest","on_overflow":"disconnect"})");
  const uint64_t then = log.first();
  for (int i = 0; i < 10; ++i) log.append(padded_record(500));
  CHECK(slow.take_lost() == lost(1, log.first() - 1));
  CHECK(slow.must_disconnect());
  CHECK(slow.lost() == log.first() - then);
}

TEST_CASE("wrong parameters are refused by name") {
  const bus::RecordLog log = log_of();
  const auto message = [&](std::string_view params) {
    const auto made = Subscription::make(json(params), log, control::Dispatcher(test::asterisk_methods()),
                                         *test::a_caller().principal.rule);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().kind == ErrorKind::invalid_params);
    return made.error().message;
  };
  CHECK_THAT(message(R"({"typs":["A"]})"), ContainsSubstring("did you mean 'types'?"));
  CHECK_THAT(message(R"({"types":5})"), ContainsSubstring("types: a string or an array"));
  CHECK_THAT(message(R"({"types":[5]})"), ContainsSubstring("types: a string or an array"));
  CHECK_THAT(message(R"({"since":5})"), ContainsSubstring("since: a string"));
  CHECK_THAT(message(R"({"on_overflow":"ignore"})"), ContainsSubstring("one of lost, disconnect"));
  CHECK_THAT(message(R"({"from":"start"})"), ContainsSubstring("one of newest, oldest"));
  CHECK_THAT(message(R"({"from":"oldest","snapshot":true})"), ContainsSubstring("ask for one of them"));
  CHECK_THAT(message("[]"), ContainsSubstring("object"));
}

TEST_CASE("cut at every byte, what is delivered is exactly the stream") {
  const bus::RecordLog log = log_of(6);
  const std::string all = expected(log, 1), thirds = expected(log, 1, "Third");
  REQUIRE(thirds.size() < all.size());
  for (size_t share = 0; share <= all.size() + 1; ++share) {
    std::vector<iovec> pieces;
    for (const bool filtered : {false, true}) {
      Subscription subscription =
          subscribe(log, R"({"since":")" + at(log, 0) + (filtered ? R"(","types":"Third"})" : "\"}"));
      subscription.gather(100'000, pieces);
      std::string offered;
      for (const iovec& piece : pieces)
        offered.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      REQUIRE(offered == (filtered ? thirds : all));
      const size_t count = std::min(share, offered.size());
      std::string out = offered.substr(0, count);
      out += subscription.advance(count);
      REQUIRE((out.empty() || out.back() == '\n'));
      out += deliver(subscription, 100'000, 100'000);
      REQUIRE(out == (filtered ? thirds : all));
    }
  }
}

TEST_CASE("with small shares and small bounds, what is delivered is exactly the stream") {
  const bus::RecordLog log = log_of(40);
  for (const size_t max_bytes : {1, 200, 500, 100'000}) {
    for (const size_t share : {1, 7, 150, 100'000}) {
      Subscription all = since(log, at(log, 0));
      CHECK(deliver(all, max_bytes, share) == expected(log, 1));
      Subscription some = subscribe(log, R"({"types":["Third"],"since":")" + at(log, 0) + "\"}");
      CHECK(deliver(some, max_bytes, share) == expected(log, 1, "Third"));
    }
  }
}

TEST_CASE("neighbours are one piece, others are not, and there are at most 256 of them") {
  bus::RecordLog log = log_of(10);
  size_t pieces = 0;
  Subscription all = since(log, at(log, 0));
  (void)deliver(all, 100'000, 100'000, &pieces);
  CHECK(pieces == 1);
  Subscription some = subscribe(log, R"({"types":["Third"],"since":")" + at(log, 0) + "\"}");
  pieces = 0;
  (void)deliver(some, 100'000, 100'000, &pieces);
  CHECK(pieces == 4);
  auto big = bus::RecordLog::make({.ring_bytes = 1 << 20}, test::framing);
  for (int i = 0; i < 1800; ++i) big->append(record_of(i % 3 == 0 ? "Third" : "Other"));
  Subscription many = subscribe(*big, R"({"types":["Third"],"since":")" + at(*big, 0) + "\"}");
  pieces = 0;
  CHECK(deliver(many, 10'000'000, 10'000'000, &pieces) == expected(*big, 1, "Third"));
  CHECK(pieces == 256);
}

TEST_CASE("records that do not match are passed over without a byte") {
  const bus::RecordLog log = log_of(10);
  Subscription subscription = subscribe(log, R"({"types":"Nothing","since":")" + at(log, 0) + "\"}");
  CHECK(deliver(subscription, 100, 100).empty());
  CHECK(subscription.cursor().seq == 10);
}

TEST_CASE("a reader that fell off the ring is told exactly what it lost") {
  bus::RecordLog log = log_of(3);
  Subscription subscription = since(log, at(log, 1));
  CHECK(subscription.take_lost().empty());
  for (int i = 0; i < 500; ++i) log.append(padded_record(500));
  REQUIRE(log.first() > 10);
  const std::string lost = subscription.take_lost();
  CHECK(lost.ends_with("\n"));
  const Json notification = json(lost);
  CHECK(find_string(notification, "method") == "lost");
  CHECK(find(notification, "id") == nullptr);
  const JsonValue& params = *find(notification, "params");
  CHECK(find(params, "from")->GetUint64() == 2);
  CHECK(find(params, "to")->GetUint64() == log.first() - 1);
  CHECK(find(params, "records")->GetUint64() == log.first() - 2);
  CHECK(subscription.take_lost().empty());
  CHECK(deliver(subscription, 10'000, 10'000) == expected(log, log.first()));
}

TEST_CASE("only a subscriber that asked for it is disconnected after a loss") {
  for (const char* on_overflow : {"", R"("on_overflow":"lost")", R"("on_overflow":"disconnect")"}) {
    INFO(on_overflow);
    bus::RecordLog log = log_of(3);
    Subscription subscription = subscribe(log, "{" + std::string(on_overflow) + "}");
    CHECK(subscription.take_lost().empty());
    CHECK_FALSE(subscription.must_disconnect());
    for (int i = 0; i < 500; ++i) log.append(padded_record(500));
    CHECK_FALSE(subscription.take_lost().empty());
    CHECK(subscription.must_disconnect() == std::string_view(on_overflow).ends_with("\"disconnect\""));
  }
}

TEST_CASE("who goes on over records that can't be read is told which, and gets all others") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  const auto open = [&] {
    auto made =
        bus::RecordLog::make({.ring_bytes = bus::RecordLog::min_ring_bytes, .path = path}, test::framing);
    REQUIRE(made.ok());
    return std::move(*made);
  };
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));  // the file's header
  std::vector<uint64_t> places;
  {
    bus::RecordLog log = open();
    for (int i = 0; i < 9; ++i) log.append(record_of(i % 2 == 0 ? "Even" : "Odd"));
    for (uint64_t seq = 1; seq <= 9; ++seq) places.push_back(page + log.entry(seq).offset);
  }
  for (const uint64_t seq : {4, 5, 9}) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(places[seq - 1] + 10));
    file << '\n';
  }
  const bus::RecordLog log = open();
  const auto lost = [](uint64_t from, uint64_t to) {
    return R"({"jsonrpc":"2.0","method":"lost","params":{"from":)" + std::to_string(from) + R"(,"to":)" +
           std::to_string(to) + R"(,"records":)" + std::to_string(to - from + 1) + "}}\n";
  };
  const auto deliver_all = [&](const std::string& params) {
    Subscription subscription = subscribe(log, params);
    std::string out;
    std::vector<iovec> pieces;
    while (!subscription.up_to_date()) {
      out += subscription.take_lost();
      CHECK_FALSE(subscription.must_disconnect());
      if (subscription.up_to_date()) break;
      subscription.gather(100'000, pieces);
      size_t bytes = 0;
      for (const iovec& piece : pieces) {
        out.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        bytes += piece.iov_len;
      }
      CHECK(subscription.advance(bytes).empty());
    }
    return out;
  };
  const auto since = [&](uint64_t seq, const std::string& rest) {
    return R"({"on_overflow":"disconnect","since":")" + at(log, seq) + '"' + rest + "}";
  };
  const auto line = [&](uint64_t seq) { return std::string(log.line(seq)); };
  const std::string end = line(6) + line(7) + line(8) + lost(9, 9);
  CHECK(deliver_all(since(1, "")) == line(2) + line(3) + lost(4, 5) + end);
  CHECK(deliver_all(since(3, "")) == lost(4, 5) + end);
  CHECK(deliver_all(since(4, "")) == lost(5, 5) + end);
  CHECK(deliver_all(since(5, "")) == end);
  CHECK(deliver_all(since(1, R"(,"types":["Odd"])")) ==
        line(2) + lost(4, 5) + line(6) + line(8) + lost(9, 9));
  CHECK(deliver_all(since(1, R"(,"exclude":["Odd"])")) == line(3) + lost(4, 5) + line(7) + lost(9, 9));
  CHECK(deliver_all(since(1, R"(,"apps":["demo"])")) == line(2) + line(3) + lost(4, 5) + end);
  CHECK(deliver_all(since(9, "")).empty());
}
