#include "nats/discovery.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using aribus::test::json;

TEST_CASE("`status` says which Asterisks are ready") {
  const auto state = read_status(json(
      R"({"aribus":"0.2.0","started":"2026-11-22T20:00:00.000Z","configuration":{"file":"f","read":"2026-11-23T20:00:00.000Z"},)"
      R"("servers":[{"name":"a","connected":true,"state":"ready","version":"22.1","apps":["demo"],"requests_open":3},)"
      R"({"name":"b","connected":true,"state":"syncing","apps":[]},{"name":"c","connected":false,"state":"down","reason":"refused"}],)"
      R"("bus":{"stream":"8f3a","first":1,"next":43}})"));
  REQUIRE(state);
  CHECK(state->answers);
  CHECK(state->ready == std::vector<std::string>{"a"});
  CHECK(state->server_count == 3);
  CHECK(state->configuration == "2026-11-23T20:00:00.000Z");
  CHECK(state->servers ==
        R"([{"name":"a","state":"ready","version":"22.1","apps":["demo"]},)"
        R"({"name":"b","state":"syncing","apps":[]},{"name":"c","state":"down","reason":"refused"}])");
  const auto behind_at = [](const DaemonState& daemon, const Place& last, bool all = true) {
    return behind(daemon, {.last = last, .all = all});
  };
  CHECK(behind_at(*state, {"8f3a", 40}) == 2);
  CHECK(behind_at(*state, {"8f3a", 42}) == 0);
  CHECK(behind_at(*state, {"8f3a", 50}) == 0);  // newer than `status`
  CHECK_FALSE(behind_at(*state, {"other", 40}));
  CHECK_FALSE(behind_at({}, {"8f3a", 40}));
  CHECK(behind_at(*state, {"8f3a", 42}, false) == 0);
  CHECK_FALSE(behind_at(*state, {"8f3a", 40}, false));  // 41 and 42 may be of types that are left out
  CHECK_FALSE(read_status(json("{}")));
  CHECK_FALSE(read_status(json(R"({"servers":[]})")));
}

TEST_CASE("the state of a PBX is ready, not_ready or down") {
  DaemonState daemon{.answers = true, .version = "0.2.0", .stream = "8f3a", .next = 43, .ready = {"a"}};
  const auto data = [&](const Published& published = {.publishes = true, .last = {"8f3a", 40}}) {
    return pbx_data("pbx1", daemon, published);
  };
  CHECK(data() == R"({"pbx":"pbx1","state":"ready","aribusd":"0.2.0","servers":[],)"
                  R"("records":{"publishing":true,"last":"8f3a:40","behind":2,"lost":0}})");
  daemon.ready.clear();
  CHECK(find_string(json(data()), "state") == "not_ready");
  daemon = {.reason = "it is not there"};
  CHECK(data({.reason = "no NATS", .lost = 7}) ==
        R"({"pbx":"pbx1","state":"down","reason":"it is not there",)"
        R"("records":{"publishing":false,"reason":"no NATS","lost":7}})");
}

TEST_CASE("`$SRV` is answered as services of NATS do") {
  const Identity identity{"pbx1", "ID1", "0.2.0", "2026-11-22T20:00:00.000Z"};
  CommandFigures figures;
  figures.done = 6;
  figures.failed = 1;
  figures.not_sent = 2;
  figures.unknown = 1;
  figures.took_us = 1000;
  const std::vector<Endpoint> endpoints{{"control", "aribus.v1.rpc.pbx1.control", "aribus", &figures}};
  const std::string head = R"("name":"aribus","id":"ID1","version":"0.2.0","metadata":{"pbx":"pbx1"})";
  CHECK(ping_response(identity) == R"({"type":"io.nats.micro.v1.ping_response",)" + head + "}");
  CHECK(
      info_response(identity, endpoints) ==
      R"({"type":"io.nats.micro.v1.info_response",)" + head +
          R"(,"description":"PBX pbx1: commands for Asterisk, as JSON-RPC","endpoints":[)"
          R"({"name":"control","subject":"aribus.v1.rpc.pbx1.control","queue_group":"aribus","metadata":{}}]})");
  CHECK(
      stats_response(identity, endpoints, "{}") ==
      R"({"type":"io.nats.micro.v1.stats_response",)" + head +
          R"(,"started":"2026-11-22T20:00:00.000Z","endpoints":[)"
          R"({"name":"control","subject":"aribus.v1.rpc.pbx1.control","queue_group":"aribus","num_requests":10,)"
          R"("num_errors":4,"last_error":"","processing_time":1000000,"average_processing_time":100000,"data":{}}],)"
          R"("data":{}})");
  CHECK(endpoint_name("call center") == "call_20center");
}
