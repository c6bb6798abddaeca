#include "nats/member_link.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using namespace std::chrono_literals;

namespace {

const MemberLink::Clock::time_point start{};

MemberLink link_of(std::string rule = "ivr", size_t max_request_bytes = 1000) {
  return MemberLink({.rule = std::move(rule),
                     .subject = {"pbx1", "ivr", "sales%20de", "w1"},
                     .lease = 10s,
                     .max_request_bytes = max_request_bytes},
                    start);
}

void take(MemberLink& link, uint64_t number, std::string data, uint64_t received = 0) {
  const auto taken = link.take({.number = number, .received = received, .data = std::move(data)}, start);
  INFO((taken ? "" : taken.error().message));
  REQUIRE(taken);
}

// All that the link sends now, and the number of the last message.
std::string sent(MemberLink& link, uint64_t& number, size_t max_bytes = 1 << 16) {
  std::string all;
  while (const auto message = link.next(max_bytes)) {
    CHECK(message->number == number + 1);
    number = message->number;
    all += message->data;
  }
  return all;
}

constexpr const char* ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})"
                             "\n";

}  // namespace

TEST_CASE("the subjects of a member") {
  const auto subject = MemberSubject::parse("aribus.v1.member.pbx1.ivr.sales%20de.w1");
  REQUIRE(subject);
  CHECK(subject->pbx == "pbx1");
  CHECK(subject->rule == "ivr");
  CHECK(subject->group == "sales%20de");
  CHECK(subject->member == "w1");
  CHECK(subject->to_member("0af") == "aribus.v1.to-member.pbx1.ivr.sales%20de.w1.0af");
  CHECK(accepting_subject("pbx1", "ivr") == "aribus.v1.to-member.pbx1.ivr");
  for (const auto* wrong : {"aribus.v1.member.pbx1.ivr.sales", "aribus.v1.member.pbx1.ivr.sales.w1.more",
                            "aribus.v1.rpc.pbx1.ivr", ""})
    CHECK_FALSE(MemberSubject::parse(wrong));
}

TEST_CASE("requests go to the daemon as they are, however the messages cut them") {
  MemberLink link = link_of();
  const std::string requests = std::string(ping) + "\n" + ping;
  take(link, 1, requests.substr(0, 10));
  CHECK(link.to_daemon().empty());
  take(link, 2, requests.substr(10, 60));
  take(link, 3, requests.substr(70));
  CHECK(link.to_daemon() == std::string(ping) + ping);
}

TEST_CASE("a missing or repeated message of the member is noticed") {
  for (const uint64_t number : {0, 1, 3, 7}) {
    MemberLink link = link_of();
    take(link, 1, ping);
    const auto taken = link.take({.number = number}, start);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::malformed);
  }
}

TEST_CASE("a member subscribes only as what its subject says") {
  MemberLink link = link_of();
  uint64_t last = 0;
  const std::string good =
      R"({"jsonrpc":"2.0","id":"s","method":"subscribe","params":{"group":"sales de","member":"w1","since":"a:1"}})"
      "\n";
  take(link, 1, good);
  CHECK(link.to_daemon() == good);
  link.to_daemon().clear();
  for (const auto* params :
       {R"({})", R"({"group":"sales de"})", R"({"group":"sales de","member":"w2"})", R"({"member":"w1"})",
        R"({"group":"other","member":"w1"})", R"({"group":7,"member":"w1"})", R"([])"}) {
    INFO(params);
    take(link, last == 0 ? 2 : last + 2,
         std::string(R"({"jsonrpc":"2.0","id":5,"method":"subscribe","params":)") + params + "}\n");
    CHECK(link.to_daemon().empty());
    const std::string answer = sent(link, last);
    CHECK(answer.starts_with(R"({"jsonrpc":"2.0","id":5,"error":{"code":-32602,)"));
    CHECK(answer.ends_with("\n"));
  }
}

TEST_CASE("what is no single request is refused, and costs nothing else") {
  MemberLink link = link_of();
  uint64_t last = 0;
  take(link, 1,
       std::string("[") + R"({"jsonrpc":"2.0","id":1,"method":"subscribe"})" + "]\nnonsense\n" + ping);
  CHECK(link.to_daemon() == ping);
  const std::string answers = sent(link, last);
  CHECK(answers.find(R"("id":null,"error":{"code":-32600)") != std::string::npos);
  CHECK(answers.find(R"("id":null,"error":{"code":-32700)") != std::string::npos);
}

TEST_CASE("keys of rules are kept apart, and requests with them are the same otherwise") {
  MemberLink link = link_of("ivr");
  uint64_t last = 0;
  take(link, 1,
       R"({"jsonrpc":"2.0","id":"é","method":"originate","params":{"key":"a","endpoint":"x"}})"
       "\n");
  CHECK(link.to_daemon() ==
        R"({"jsonrpc":"2.0","id":"é","method":"originate","params":{"endpoint":"x","key":"ivr/a"}})"
        "\n");
  link.to_daemon().clear();
  take(link, 2,
       R"({"jsonrpc":"2.0","method":"originate","params":{"key":"b"}})"
       "\n");
  CHECK(link.to_daemon() == R"({"jsonrpc":"2.0","method":"originate","params":{"key":"ivr/b"}})"
                            "\n");
  link.to_daemon().clear();
  take(
      link, 3,
      R"({"jsonrpc":"2.0","id":3,"method":"originate","params":{"key":")" + std::string(128, 'k') + "\"}}\n");
  CHECK(link.to_daemon().empty());
  CHECK(sent(link, last).starts_with(R"({"jsonrpc":"2.0","id":3,"error":{"code":-32602,)"));
}

TEST_CASE("an answer of the bridge never comes within a line of the daemon") {
  MemberLink link = link_of();
  uint64_t last = 0;
  link.daemon_wrote("{\"half\":");
  take(link, 1, "nonsense\n");
  CHECK(sent(link, last) == "{\"half\":");
  link.daemon_wrote("1}\n{\"next\":");
  const std::string text = sent(link, last);
  CHECK(text.starts_with("1}\n{\"jsonrpc\":\"2.0\",\"id\":null,\"error\""));
  CHECK(text.ends_with("}\n{\"next\":"));
}

TEST_CASE("what is too large for a message goes in several, without a hole") {
  MemberLink link = link_of();
  uint64_t last = 0;
  const std::string text(100'000, 'x');
  link.daemon_wrote(text);
  CHECK(sent(link, last, 30'000) == text);
  CHECK(last == 4);
}

TEST_CASE("the daemon is read only as far as the member acknowledges") {
  MemberLink link = link_of();
  uint64_t last = 0;
  const std::string block(1 << 16, 'x');
  while (link.has_room()) {
    link.daemon_wrote(block);
    (void)sent(link, last);
  }
  CHECK(last * block.size() == MemberLink::max_unacknowledged_bytes);
  // It still gets answers to its signs of life, without data.
  take(link, 1, "");
  const auto answer = link.next(1000);
  REQUIRE(answer);
  CHECK(answer->data.empty());
  CHECK(answer->number == last + 1);
  CHECK(answer->received == 1);
  CHECK_FALSE(link.has_room());
  take(link, 2, ping, 3);
  CHECK(link.has_room());
}

TEST_CASE("many small messages are bounded, too") {
  MemberLink link = link_of();
  uint64_t last = 0;
  while (link.has_room()) {
    link.daemon_wrote("{}\n");
    (void)sent(link, last);
  }
  CHECK(last == MemberLink::max_unacknowledged);
}

TEST_CASE("acknowledgements of what was not sent, or was acknowledged before, are refused") {
  for (const uint64_t received : {0, 3}) {
    MemberLink link = link_of();
    uint64_t last = 0;
    take(link, 1, "");
    (void)sent(link, last);
    take(link, 2, "", 1);
    (void)sent(link, last);
    CHECK(last == 2);
    CHECK_FALSE(link.take({.number = 3, .received = received}, start));
  }
}

TEST_CASE("a sign of life is answered once, with what there is") {
  MemberLink link = link_of();
  CHECK_FALSE(link.next(1000));
  take(link, 1, "");
  link.daemon_wrote("{}\n");
  auto answer = link.next(1000);
  REQUIRE(answer);
  CHECK(answer->data == "{}\n");
  CHECK(answer->received == 1);
  CHECK_FALSE(link.next(1000));
  take(link, 2, ping);
  CHECK_FALSE(link.next(1000));  // the daemon answers it
}

TEST_CASE("a lease runs from the last message, and not while the bridge was deaf") {
  MemberLink link = link_of();
  CHECK(link.lease_end() == start + 10s);
  REQUIRE(link.take({.number = 1}, start + 4s));
  CHECK(link.lease_end() == start + 14s);
  link.was_deaf(60s);
  CHECK(link.lease_end() == start + 74s);
  CHECK_FALSE(link.take({.number = 3}, start + 5s));  // no sign of life
  CHECK(link.lease_end() == start + 74s);
}

TEST_CASE("a member that sends without an end is refused") {
  MemberLink link = link_of("ivr", 1000);
  take(link, 1, std::string(1000, 'x'));
  const auto longer = link.take({.number = 2, .data = "x"}, start);
  REQUIRE_FALSE(longer);
  CHECK(longer.error().kind == ErrorKind::too_much);

  MemberLink flooded = link_of("ivr", 1 << 20);
  std::string many;
  while (many.size() < (1 << 20)) many += ping;
  Result<void> taken;
  uint64_t number = 0;
  while (taken && number < 100) taken = flooded.take({.number = ++number, .data = many}, start);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().kind == ErrorKind::too_much);
  CHECK(number <= 6);
}
