#include "cli/pbx_view.h"

#include "tests/catch.h"
#include "tests/unit/cli/printed.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::longest_line;
using aribus::test::printed;

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
