#include "nats/subject.h"

#include "tests/catch.h"

using namespace aribus::nats;

TEST_CASE("what is no token of a subject is escaped, and an empty one is an underscore") {
  CHECK(token("StasisStart") == "StasisStart");
  CHECK(token("server.gap") == "server%2Egap");
  CHECK(token("a b*>") == "a%20b%2A%3E");
  CHECK(token("50%") == "50%25");
  CHECK(token("\xc3\xa9") == "%C3%A9");
  CHECK(token("") == "_");
  CHECK(record_subject("pbx1", "", "my app", "lost") == "aribus.v1.rec.pbx1._.my%20app.lost");
  CHECK(records_of("pbx1") == "aribus.v1.rec.pbx1.>");
}

TEST_CASE("no name makes a subject that NATS can't take") {
  const std::string name(3000, '/');
  CHECK(record_subject("pbx1", name, name, name).size() < 3100);
}
