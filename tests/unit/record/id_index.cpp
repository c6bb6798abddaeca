#include "record/id_index.h"

#include "tests/catch.h"

using namespace aribus::record;
using Numbers = std::vector<uint64_t>;

TEST_CASE("numbers are found by the ids of a record") {
  IdIndex index;
  index.add(IdKind::channel, "c1", 7);
  index.add(IdKind::channel, "c1", 3);
  index.add(IdKind::bridge, "c1", 5);
  index.add(IdKind::channel, "c2", 9);
  IdSet ids;
  CHECK(index.find(ids).empty());
  ids.add(IdKind::channel, "c1");
  CHECK(index.find(ids) == Numbers{3, 7});
  ids.add(IdKind::channel, "c2");
  CHECK(index.find(ids) == Numbers{3, 7, 9});
  index.remove(IdKind::channel, "c1", 7);
  index.remove(IdKind::channel, "c1", 7);
  index.remove(IdKind::channel, "other", 3);
  CHECK(index.find(ids) == Numbers{3, 9});
}

TEST_CASE("an id of more bytes than an id may have is none") {
  IdSet ids;
  ids.add(IdKind::channel, std::string(max_id_bytes + 1, 'x'));
  CHECK(ids.size() == 0);
  ids.add(IdKind::channel, std::string(max_id_bytes, 'x'));
  CHECK(ids.size() == 1);
}
