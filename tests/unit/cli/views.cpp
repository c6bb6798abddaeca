// What `aribus status`, `aribus clients` and `aribus pbx` print for people: all of it on a screen of 80
// columns.
#include <algorithm>

#include "cli/answers.h"
#include "cli/clients_view.h"
#include "cli/paragraph.h"
#include "cli/pbx_view.h"
#include "cli/status_view.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;

namespace {

const WallTime now = *parse_time("2026-11-26T20:15:00.000Z");

std::string printed(const std::vector<Text>& lines) {
  std::string out;
  for (const Text& line : lines) out += line.printed(false) + "\n";
  return out;
}

size_t longest_line(const std::string& text) {
  size_t longest = 0, characters = 0;
  for (const char c : text) {
    if ((c & 0xC0) != 0x80) ++characters;
    if (c == '\n') characters = 0;
    longest = std::max(longest, characters);
  }
  return longest;
}

}  // namespace

TEST_CASE("a paragraph is broken between words, and the words keep their styles") {
  const std::vector<Text> lines = paragraph(Text("one ") + Text("two three", Style::red) + " four", 12, 2);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].printed(true) == "  one \x1b[31mtwo\x1b[0m");
  CHECK(lines[1].printed(true) == "      \x1b[31mthree\x1b[0m");
  CHECK(lines[2].printed(true) == "      four");
  CHECK(paragraph("", 80, 2).empty());
}

TEST_CASE("the status fits a screen of 80 columns") {
  const Json status = json(
      R"({"aribus":"0.2.0","pid":4711,"started":"2026-11-26T17:02:00.000Z","connections":1,"subscribers":0,)"
      R"("lost_records":1,"servers":[{"name":"pbx1","state":"ready","since":"2026-11-26T17:03:00.000Z",)"
      R"("version":"22.10.1~dfsg+~cs6.17.60671434-1","apps":["inbound","dialler","voicemail","queue"],"replaced":[],)"
      R"("received":1,"requests_open":1,"rest":"http"},{"name":"pbx2","state":"down",)"
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
      1 event received; commands go over HTTP, 1 request waits for an answer
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

TEST_CASE("the clients fit a screen of 80 columns, and who lost records is seen after it has gone") {
  const Json clients = json(
      R"({"clients":[{"id":7,"pid":4711,"program":"python3","user":"alice","uid":1001,)"
      R"("socket":"/run/aribus/aribus.sock","since":"2026-11-26T17:10:00.000Z","rule":"owner","requests":12,"pending":1,)"
      R"("subscription":{"types":["StasisStart","Channel*"],"apps":["demo"]},"sent":1234567,"behind":3,"lost":0},)"
      R"({"id":8,"pid":5,"program":null,"user":null,"uid":1002,"socket":"/run/aribus/aribus.sock",)"
      R"("since":"2026-11-26T20:14:00.000Z","rule":"readers","requests":1,"pending":0,"subscription":null,"sent":0,)"
      R"("behind":0,"lost":0},{"id":9,"pid":6,"program":"fifteen-letters","user":"nine-long","uid":1003,)"
      R"("socket":"/run/aribus/aribus.sock","since":"2026-11-26T20:14:00.000Z","rule":"nine-long","requests":1,)"
      R"("pending":0,"subscription":{},"sent":0,"behind":0,"lost":0}],"left":[{"id":3,"pid":4700,"program":"node",)"
      R"("user":"bob","uid":1004,"socket":"/run/aribus/aribus.sock","since":"2026-11-26T20:00:00.000Z","rule":"readers",)"
      R"("requests":2,"subscription":{"exclude":"Dial"},"sent":20,"lost":333,"until":"2026-11-26T20:05:00.000Z",)"
      R"("reason":"on_overflow: disconnect"}]})");
  REQUIRE(check_clients(clients));
  const std::string text = printed(clients_lines(clients, now, 80));
  CHECK(text == R"(PROGRAM             PID USER      RULE      CONNECTED FOR  BEHIND    SENT   LOST
python3            4711 alice     owner     3 h 05 min          3 1234567      0
    subscribed to StasisStart, Channel*; applications: demo; 12 requests, 1 of
        them not answered yet; socket /run/aribus/aribus.sock
?                     5 1002      readers   1 min 00 s          0       0      0
    not subscribed; 1 request; socket /run/aribus/aribus.sock
fifteen-letters       6 nine-long nine-long 1 min 00 s          0       0      0
    subscribed to all records; 1 request; socket /run/aribus/aribus.sock

LEFT                PID USER      RULE      WHEN                     SENT   LOST
node               4700 bob       readers   10 min 00 s ago            20    333
    on_overflow: disconnect; from 2026-11-26T20:00:00.000Z to
        2026-11-26T20:05:00.000Z; subscribed to not Dial; 2 requests; socket
        /run/aribus/aribus.sock
)");
  CHECK(longest_line(text) == 80);
  const std::string long_names(200, 'x');
  const Json wide = json(R"({"clients":[{"program":")" + long_names + R"(","user":")" + long_names +
                         R"(","rule":")" + long_names + R"(","since":"2020-01-01T00:00:00.000Z"}]})");
  CHECK(longest_line(printed(clients_lines(wide, now, 80))) == 80);
  CHECK(printed(clients_lines(json(R"({"clients":[],"left":[]})"), now, 80)) == "No program is connected.\n");
}

TEST_CASE("the PBXs on the bus fit a screen of 80 columns, and faults are seen") {
  const Json list = json(
      R"({"pbxs":[{"pbx":"berlin","state":"ready","aribusd":"0.2.0","servers":[{"name":"b1","state":"ready","version":"22.10.1",)"
      R"("apps":["demo","inbound"]},{"name":"b2","state":"down","apps":["demo"],"reason":"connection refused"}],)"
      R"("records":{"publishing":true,"last":"8f3a:40","behind":2,"lost":0},"rules":["control","reader"],)"
      R"("bridge":{"id":"X","version":"0.2.0","started":"2026-11-26T20:00:00.000Z"}},)"
      R"({"pbx":"hamburg","state":"down","reason":"aribusd has closed the connection",)"
      R"("records":{"publishing":false,"reason":"aribusd is not there","lost":333},"rules":[],)"
      R"("bridge":{"id":"Y","version":"0.2.0","started":"2026-11-26T20:00:00.000Z"},"fault":"2 bridges answer to this name"}]})");
  const std::string text = printed(pbx_lines(list, 80));
  CHECK(text == R"(PBX                       STATE      ARIBUSD      ASTERISKS     BEHIND      LOST
berlin                    ready      0.2.0        1 of 2             2         0
    b1: ready, Asterisk 22.10.1, applications: demo, inbound
    b2: down, applications: demo; connection refused
    commands of the rules: control, reader; aribus-nats 0.2.0 since
        2026-11-26T20:00:00.000Z
hamburg                   down                    0 of 0             ?       333
    2 bridges answer to this name
    aribusd: aribusd has closed the connection
    no records are published: aribusd is not there
    no commands; aribus-nats 0.2.0 since 2026-11-26T20:00:00.000Z
)");
  CHECK(longest_line(text) == 80);
}

TEST_CASE("whatever answers on the bus, the list of PBXs is printed") {
  CHECK(printed(pbx_lines(json(R"({"pbxs":[]})"), 80)) == "No PBX is on the bus: no aribus-nats answers.\n");
  const std::string long_names(200, 'x');
  for (const std::string& one :
       std::vector<std::string>{R"({})", R"({"pbx":7,"servers":{},"records":[],"rules":"a","bridge":1})",
                                R"({"servers":[1,{}],"records":{"publishing":1}})",
                                R"({"pbx":")" + long_names + R"(","state":")" + long_names +
                                    R"(","aribusd":")" + long_names + R"("})"}) {
    const std::string text = printed(pbx_lines(json(R"({"pbxs":[1,)" + one + "]}"), 80));
    INFO(text);
    CHECK(longest_line(text) == 80);
  }
}
