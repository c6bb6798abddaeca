#include "state/id_directory.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::record::IdKind;
using aribus::state::IdDirectory;

namespace {

record::Record on(const std::string& server, IdKind kind, const std::string& id) {
  record::Record record = test::record_of("A", server);
  record.ids.add(kind, id);
  return record;
}

}  // namespace

TEST_CASE("where an id lives is learnt from records") {
  IdDirectory directory;
  CHECK_FALSE(directory.find(IdKind::channel, "c1"));
  directory.learn(on("pbx1", IdKind::channel, "c1"));
  directory.learn(on("pbx2", IdKind::bridge, "b1"));
  directory.learn(on("pbx2", IdKind::playback, "p1"));
  directory.learn(on("pbx2", IdKind::recording, "r1"));
  CHECK(directory.find(IdKind::channel, "c1") == "pbx1");
  CHECK(directory.find(IdKind::bridge, "b1") == "pbx2");
  CHECK(directory.find(IdKind::playback, "p1") == "pbx2");
  CHECK(directory.find(IdKind::recording, "r1") == "pbx2");
  CHECK(directory.size() == 4);
}

TEST_CASE("where something was is forgotten with its server") {
  IdDirectory directory;
  directory.learn(on("pbx1", IdKind::channel, "c1"));
  directory.learn(on("pbx2", IdKind::channel, "c2"));
  directory.forget("pbx1");
  CHECK_FALSE(directory.find(IdKind::channel, "c1"));
  CHECK(directory.find(IdKind::channel, "c2") == "pbx2");
  CHECK(directory.size() == 1);
}

TEST_CASE("an id of one kind is not one of another") {
  IdDirectory directory;
  directory.learn(on("pbx1", IdKind::channel, "x"));
  CHECK_FALSE(directory.find(IdKind::bridge, "x"));
  directory.learn(on("pbx2", IdKind::bridge, "x"));
  CHECK(directory.find(IdKind::channel, "x") == "pbx1");
}

TEST_CASE("endpoints and devices are on every server: they are not learnt") {
  IdDirectory directory;
  directory.learn(on("pbx1", IdKind::endpoint, "PJSIP/100"));
  directory.learn(on("pbx1", IdKind::device, "PJSIP/100"));
  CHECK(directory.size() == 0);
}

TEST_CASE("an id that was on several servers was last where the newest record tells of it") {
  IdDirectory directory;
  directory.learn(on("pbx1", IdKind::bridge, "lobby"));
  CHECK(directory.find(IdKind::bridge, "lobby") == "pbx1");
  directory.learn(on("pbx2", IdKind::bridge, "lobby"));
  CHECK(directory.find(IdKind::bridge, "lobby") == "pbx2");
  directory.forget("pbx1");
  CHECK(directory.find(IdKind::bridge, "lobby") == "pbx2");
  CHECK(directory.size() == 1);
}

TEST_CASE("the end of something on one server does not say that it is there and not on another") {
  for (const std::string type : {"ChannelDestroyed", "command.resolved"}) {
    IdDirectory directory;
    record::Record end = test::record_of(type, "pbx1");
    end.ids.add(IdKind::channel, "c1");
    directory.learn(end);
    CHECK(directory.find(IdKind::channel, "c1") == "pbx1");
    directory.learn(on("pbx2", IdKind::channel, "c1"));
    directory.learn(end);
    CHECK(directory.find(IdKind::channel, "c1") == "pbx2");
  }
}

TEST_CASE("of more ids than the bound the longest known are forgotten") {
  IdDirectory directory(3);
  for (const char* id : {"c1", "c2", "c3", "c2", "c4"}) directory.learn(on("pbx1", IdKind::channel, id));
  CHECK(directory.size() == 3);
  CHECK_FALSE(directory.find(IdKind::channel, "c1"));
  CHECK(directory.find(IdKind::channel, "c2") == "pbx1");
  CHECK(directory.find(IdKind::channel, "c4") == "pbx1");
  for (int i = 0; i < 1000; ++i) directory.learn(on("pbx1", IdKind::channel, "x" + std::to_string(i)));
  CHECK(directory.size() == 3);
}
