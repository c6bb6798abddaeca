#include "cli/clients_view.h"

#include "cli/answers.h"
#include "tests/catch.h"
#include "tests/unit/cli/printed.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::longest_line;
using aribus::test::printed;

namespace {

const WallTime view_time = *parse_time("2026-11-26T20:15:00.000Z");

}  // namespace

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
  const std::string text = printed(clients_lines(clients, view_time, 80));
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
  CHECK(longest_line(printed(clients_lines(wide, view_time, 80))) == 80);
  CHECK(printed(clients_lines(json(R"({"clients":[],"left":[]})"), view_time, 80)) ==
        "No program is connected.\n");
}
