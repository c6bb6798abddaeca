// Operations whose `variables` are names, not an object of values.
#include "control/methods/defaults.h"
#include "tests/catch.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::json;

TEST_CASE("an operation that asks for variables by name takes their names") {
  Loop loop;
  const test::TestServer server(loop, test::client_options(test::nowhere));
  for (const ari::Operation& operation : ari::operations()) {
    const ari::Parameter* variables = operation.find("variables");
    if (variables == nullptr || variables->type != ari::Type::string) continue;
    INFO(operation.name);
    for (const char* names : {R"("A")", R"(["A","B"])"}) {
      Json params = json(R"({"variables":)" + std::string(names) + "}");
      CHECK(prepare(operation, params, server).ok());
      CHECK(to_text(*find(params, "variables")) == names);
    }
  }
}
