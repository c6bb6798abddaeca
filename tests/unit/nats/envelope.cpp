#include "nats/envelope.h"

#include "tests/catch.h"

using namespace aribus::nats;

namespace {

std::string event(const std::string& record) {
  return R"({"jsonrpc":"2.0","method":"event","params":)" + record + "}";
}

}  // namespace

TEST_CASE("of a record the bridge reads what its subject needs, and copies the rest") {
  const std::string record =
      R"({"seq":1042,"time":"2026-11-22T21:46:17.690Z","server":"pbx 1","app":"","type":"StasisStart","channels":["c"],"server":"x"})";
  const std::string line = event(record);
  const Envelope envelope = read_envelope(line);
  CHECK(envelope.kind == Envelope::Kind::record);
  CHECK(envelope.text == record);
  CHECK(envelope.seq == 1042);
  CHECK(envelope.server == "pbx 1");
  CHECK(envelope.app.empty());
  CHECK(envelope.type == "StasisStart");
}

TEST_CASE("names in a record are read as JSON, and only those of the envelope") {
  const std::string line = event(
      R"({"seq":18446744073709551615,"server":"p\u00e9\"","app":"a\\b","x":{"type":"no","seq":3},"type":"T"})");
  const Envelope envelope = read_envelope(line);
  CHECK(envelope.seq == UINT64_MAX);
  CHECK(envelope.server == "p\xc3\xa9\"");
  CHECK(envelope.app == "a\\b");
  CHECK(envelope.type == "T");
}

TEST_CASE("a lost notification says from where to where") {
  const std::string line = R"({"jsonrpc":"2.0","method":"lost","params":{"from":5,"to":9,"records":5}})";
  const Envelope envelope = read_envelope(line);
  CHECK(envelope.kind == Envelope::Kind::lost);
  CHECK(envelope.from == 5);
  CHECK(envelope.seq == 9);
}

TEST_CASE("what is neither is passed over") {
  for (const std::string& line :
       {std::string(), std::string("x"), std::string(R"({"jsonrpc":"2.0","id":1,"result":{}})"), event("{}"),
        event(R"({"seq":1})"), event("{"), event(R"({"seq":-1,"type":"T"})"), event("[]"),
        std::string(R"({"jsonrpc":"2.0","method":"creating","params":{"request":2,"channelId":"c"}})")}) {
    INFO(line);
    CHECK(read_envelope(line).kind == Envelope::Kind::other);
  }
}

TEST_CASE("a record that is too large for a message keeps its envelope") {
  const std::string record =
      R"({"seq":7,"time":"t","server":"s","app":"a","type":"T","channels":["c1","c2"],"channel":{"id":"c1"}})";
  CHECK(
      truncated(record, 1000) ==
      R"({"seq":7,"time":"t","server":"s","app":"a","type":"T","channels":["c1","c2"],"truncated":true,"bytes":)" +
          std::to_string(record.size()) + "}");
  CHECK(truncated(record, 100) ==
        R"({"seq":7,"time":"t","server":"s","app":"a","type":"T","truncated":true,"bytes":)" +
            std::to_string(record.size()) + "}");
  CHECK(truncated("[", 100).empty());
}
