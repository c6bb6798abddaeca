// Memory of ids that Asterisk chooses, or programs.
#include "state/id_directory.h"
#include "state/model.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::state;

namespace {

std::string playback(const std::string& type, const std::string& id) {
  return R"({"type":")" + type +
         R"(","application":"a","timestamp":"2026-01-01T00:00:00.000+0000","playback":{"id":")" + id +
         R"(","media_uri":"sound:x","target_uri":"channel:c1","language":"en","state":"done"}})";
}

}  // namespace

TEST_CASE("ids that are longer than ids may be are not remembered") {
  Model model;
  uint64_t seq = 0;
  const auto see = [&](const std::string& event) {
    model.apply(test::read_event(event, event.size(), "pbx1", wall_now()), ++seq);
  };
  const std::string longest(record::max_id_bytes, 'x');
  see(playback("PlaybackStarted", longest));
  see(playback("PlaybackStarted", longest + "x"));
  CHECK(model.of(IdKind::playback).size() == 1);
  see(playback("PlaybackFinished", longest + "x"));
  CHECK_FALSE(model.touched_since(1, IdKind::playback, longest + "x"));
  see(playback("PlaybackFinished", longest));
  CHECK(model.touched_since(4, IdKind::playback, longest));
  CHECK(model.bytes() == 0);
}

TEST_CASE("the ids of live things count towards max_bytes") {
  Model model;
  const std::string event = playback("PlaybackStarted", std::string(500, 'x'));
  model.apply(test::read_event(event, event.size(), "pbx1", wall_now()), 1);
  CHECK(model.bytes() > 1000);
}

TEST_CASE("where ids live is remembered up to a number of bytes") {
  IdDirectory directory(1000, 10'000);
  for (int i = 0; i < 1000; ++i) {
    record::Record record = test::record_of("A", "pbx1");
    record.ids.add(IdKind::channel, std::to_string(i) + std::string(400, 'x'));
    directory.learn(record);
  }
  CHECK(directory.size() <= 10'000 / 400);
  CHECK(directory.find(IdKind::channel, "999" + std::string(400, 'x')) == "pbx1");
  directory.forget("pbx1");
  CHECK(directory.size() == 0);
}
