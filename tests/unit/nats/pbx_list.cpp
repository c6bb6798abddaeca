#include "nats/pbx_list.h"

#include "tests/catch.h"

using namespace aribus::nats;

namespace {

std::string answer(const std::string& pbx, const std::string& id, const std::string& endpoints = "") {
  return R"({"type":"io.nats.micro.v1.stats_response","name":"aribus","id":")" + id +
         R"(","version":"0.2.0","started":"T","endpoints":[)" + endpoints + R"(],"data":{"pbx":")" + pbx +
         R"(","state":"ready"}})";
}

}  // namespace

TEST_CASE("the PBXs on the bus come by their names, with their rules") {
  const std::string control =
      R"({"subject":"aribus.v1.rpc.b.control"},{"subject":"aribus.v1.rpc.any.control"})";
  CHECK(
      pbxs_text({answer("b", "2", control), answer("a", "1")}) ==
      R"({"pbxs":[{"pbx":"a","state":"ready","rules":[],"bridge":{"id":"1","version":"0.2.0","started":"T"}},)"
      R"({"pbx":"b","state":"ready","rules":["control"],"bridge":{"id":"2","version":"0.2.0","started":"T"}}]})");
}

TEST_CASE("a name that answers twice is a fault of both") {
  const std::string text = pbxs_text({answer("a", "1"), answer("b", "2"), answer("a", "3")});
  const std::string fault = R"("fault":"2 bridges answer to this name: )";
  CHECK(text.find(fault) < text.find(R"("pbx":"b")"));
  CHECK(text.find(fault) != text.rfind(fault));
  CHECK(text.rfind(fault) < text.find(R"("pbx":"b")"));
}

TEST_CASE("what is no answer of a bridge is passed over") {
  CHECK(pbxs_text({}) == R"({"pbxs":[]})");
  CHECK(pbxs_text({"", "{", "[]", "1", "{}", R"({"data":1})", R"({"data":{}})", R"({"data":{"pbx":7}})"}) ==
        R"({"pbxs":[]})");
  CHECK(pbxs_text({R"({"endpoints":[1,{"subject":2}],"data":{"pbx":"a"}})"}) ==
        R"({"pbxs":[{"pbx":"a","rules":[],"bridge":{"id":"","version":"","started":""}}]})");
}
