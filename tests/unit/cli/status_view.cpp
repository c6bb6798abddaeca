#include "cli/status_view.h"

#include "cli/answers.h"
#include "tests/catch.h"
#include "tests/unit/cli/printed.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::printed;

namespace {

const WallTime now = *parse_time("2026-11-26T20:15:00.000Z");

}  // namespace

TEST_CASE("the status fits a screen of 80 columns") {
  const Json status = json(
      R"({"aribus":"0.2.0","pid":4711,"started":"2026-11-26T17:02:00.000Z","connections":1,"subscribers":0,)"
      R"("lost_records":1,"servers":[{"name":"pbx1","state":"ready","since":"2026-11-26T17:03:00.000Z",)"
      R"("version":"22.10.1~dfsg+~cs6.17.60671434-1","apps":["inbound","dialler","voicemail","queue"],"replaced":[],)"
      R"("received":1,"calls":2,"requests_open":1,"rest":"http"},{"name":"pbx2","state":"down",)"
      R"("since":"2026-11-26T20:14:00.000Z","apps":[],"reason":"the password of the user 'aribus' is wrong: compare )"
      R"(it with ari.conf, and then reload aribusd; trying again","replaced":["inbound"],"received":2,)"
      R"("requests_open":0,"rest":"websocket"}],"bus":{"stream":"8f3a1c0e52d7","first":1,"next":1042,)"
      R"("ring_bytes":67108864,"used_bytes":1048576},"loop":{"longest_turn_us":81234,"longest_turn_lately_us":900}})");
  REQUIRE(check_status(status));
  CHECK(printed(status_lines(status, now, 80)) ==
        R"(aribusd 0.2.0, process 4711, running for 3 h 13 min
1 connection of programs, 0 subscribers
1 record lost by programs that were too slow ('aribus clients' says which)

Asterisk
  pbx1: ready for 3 h 12 min, Asterisk 22.10.1~dfsg+~cs6.17.60671434-1,
      applications: inbound, dialler, voicemail, queue
      2 calls; 1 event received; commands go over HTTP, 1 request waits for an
          answer
  pbx2: down for 1 min 00 s
      the password of the user 'aribus' is wrong: compare it with ari.conf, and
          then reload aribusd; trying again
      taken by another client: inbound ('aribus call reclaim' takes it back)
      2 events received; commands go over the WebSocket, 0 requests wait for an
          answer

Bus
  1041 records kept, 1 to 1041 of the stream 8f3a1c0e52d7; 1.0 MiB of 64.0 MiB
      used

Loop
  longest turn 81.2 ms, lately 0.9 ms
)");
}
