#include "pbx/incarnation.h"

#include "json/json_tape.h"
#include "record/own_records.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::pbx;
using aribus::record::IdKind;
using Shown = Incarnation::Shown;

namespace {

std::string at_ms(int ms) {
  return "2026-11-22T21:46:17." + std::to_string(ms) + "Z";
}
std::string channel_made_at(int made_ms) {
  return R"({"id":"c1","name":"PJSIP/1","state":"Up","creationtime":")" + at_ms(made_ms) + "\"}";
}
std::string bridge_made_at(int made_ms) {
  return R"({"id":"b1","technology":"","channels":["c1"],"creationtime":")" + at_ms(made_ms) + "\"}";
}
std::string playback(const std::string& target = "channel:c1") {
  return R"({"id":"p1","media_uri":"sound:x","target_uri":")" + target + R"(","state":"playing"})";
}
std::string recording() {
  return R"({"name":"vm","format":"wav","state":"done","target_uri":"channel:c1"})";
}

record::Record event_of(const std::string& type, const std::string& fields, const std::string& app = "demo") {
  const std::string text = R"({"type":")" + type + R"(","application":")" + app + "\"," + fields + "}";
  return test::read_event(text, text.size(), "pbx1", wall_now());
}
record::Record of_channel(const std::string& type, int made_ms, const std::string& app = "demo") {
  return event_of(type, R"("args":[],"cause":16,"cause_txt":"x","channel":)" + channel_made_at(made_ms), app);
}
record::Record of_bridge(const std::string& type, int made_ms, const std::string& app = "demo") {
  return event_of(type, "\"bridge\":" + bridge_made_at(made_ms), app);
}
record::Record of_playback(const std::string& type, const std::string& app = "demo",
                           const std::string& target = "channel:c1") {
  return event_of(type, "\"playback\":" + playback(target), app);
}
record::Record of_recording(const std::string& type) {
  return event_of(type, "\"recording\":" + recording());
}

// What is known of one Asterisk.
struct Known {
  state::Model model;
  Incarnations incarnations;

  void made(IdKind kind, const std::string& id, const std::string& answer, bool told) {
    JsonTape tape;
    incarnations.made(kind, id, tape.read(answer), told);
  }
  void see(const record::Record& record) {
    incarnations.see(record, model);
    model.apply(record, 1);
  }
  [[nodiscard]] Incarnation next(IdKind kind, const std::string& id) const {
    return incarnations.next(kind, id, model);
  }
};

}  // namespace

TEST_CASE("of an id that nothing is known of every record that shows the object is about the new one") {
  Incarnation one(IdKind::channel, "c1");
  CHECK(one.is_of_new(of_channel("ChannelDestroyed", 100)));
  CHECK(one.shown_by(channel_made_at(100)) == Shown::new_one);
  Incarnation played(IdKind::playback, "p1");
  CHECK(played.is_of_new(of_playback("PlaybackFinished")));
}

TEST_CASE("a record that only names the id proves nothing") {
  Incarnation one(IdKind::channel, "c1");
  record::Record gone = record::own_record(record::StateGone{}, "pbx1", wall_now());
  gone.ids.add(IdKind::channel, "c1");
  CHECK_FALSE(one.is_of_new(gone));
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackStarted")));  // on it
  CHECK_FALSE(one.is_of_new(of_bridge("BridgeCreated", 100)));
  Incarnation dialled(IdKind::channel, "c1");
  CHECK(dialled.is_of_new(event_of("Dial", R"("dialstatus":"","peer":)" + channel_made_at(100))));
}

TEST_CASE("a channel that was made later than the one known is the new one") {
  Known known;
  known.see(of_channel("StasisStart", 100));
  Incarnation one = known.next(IdKind::channel, "c1");
  CHECK(one.shown_by(channel_made_at(100)) == Shown::another);
  for (const char* type : {"ChannelStateChange", "ChannelHangupRequest", "StasisEnd", "ChannelDestroyed",
                           "ChannelDestroyed", "ChannelVarset"}) {
    INFO(type);
    CHECK_FALSE(one.is_of_new(of_channel(type, 100)));
  }
  CHECK(one.is_of_new(of_channel("ChannelStateChange", 101)));
  CHECK(one.shown_by(channel_made_at(101)) == Shown::new_one);
}

TEST_CASE("one that has ended before the command began is remembered") {
  Known known;
  known.see(of_channel("StasisStart", 100));
  known.see(of_channel("ChannelDestroyed", 100));
  REQUIRE(known.model.find(IdKind::channel, "c1") == nullptr);
  Incarnation one = known.next(IdKind::channel, "c1");
  CHECK_FALSE(one.is_of_new(of_channel("ChannelDestroyed", 100, "another")));
  CHECK_FALSE(one.is_of_new(of_channel("ChannelHangupRequest", 100)));
  CHECK(one.is_of_new(of_channel("StasisStart", 150)));
}

TEST_CASE("one that is not heard of any more is remembered") {
  Known known;
  known.see(of_channel("StasisStart", 100));
  record::Record gone = record::own_record(record::StateGone{}, "pbx1", wall_now());
  gone.ids.add(IdKind::channel, "c1");
  known.see(gone);
  REQUIRE(known.model.find(IdKind::channel, "c1") == nullptr);
  Incarnation one = known.next(IdKind::channel, "c1");
  CHECK(one.shown_by(channel_made_at(100)) == Shown::another);
  CHECK_FALSE(one.is_of_new(of_channel("ChannelDestroyed", 100)));
  CHECK(one.is_of_new(of_channel("StasisStart", 150)));
}

TEST_CASE("one that a command has made counts before an event has told of it") {
  Known known;
  known.made(IdKind::channel, "c1", channel_made_at(200), false);
  Incarnation one = known.next(IdKind::channel, "c1");
  CHECK_FALSE(one.is_of_new(of_channel("StasisStart", 200)));
  CHECK(one.is_of_new(of_channel("StasisStart", 300)));
  known.see(of_channel("StasisStart", 100));  // an older one's, late
  Incarnation two = known.next(IdKind::channel, "c1");
  CHECK_FALSE(two.is_of_new(of_channel("ChannelDestroyed", 100)));
  CHECK_FALSE(two.is_of_new(of_channel("ChannelDestroyed", 200)));
  known.see(of_channel("ChannelDestroyed", 100));
  known.see(of_channel("ChannelDestroyed", 100, "another"));
  Incarnation three = known.next(IdKind::channel, "c1");
  CHECK_FALSE(three.is_of_new(of_channel("StasisStart", 200)));
  CHECK(three.shown_by(channel_made_at(200)) == Shown::another);
  known.see(of_channel("ChannelDestroyed", 200));
  CHECK(known.next(IdKind::channel, "c1").shown_by(channel_made_at(200)) == Shown::new_one);
}

TEST_CASE("when the clock is put back, the end of the earlier one tells") {
  Known known;
  known.see(of_channel("StasisStart", 500));
  Incarnation one = known.next(IdKind::channel, "c1");
  CHECK_FALSE(one.is_of_new(of_channel("ChannelStateChange", 300)));
  CHECK_FALSE(one.is_of_new(of_channel("ChannelDestroyed", 500)));
  CHECK(one.is_of_new(of_channel("ChannelStateChange", 300)));
  CHECK(known.next(IdKind::channel, "c1").shown_by(channel_made_at(300)) == Shown::new_one);
}

TEST_CASE("what the command's own answer shows is the new one, and nothing else") {
  Known known;
  known.see(of_channel("StasisStart", 500));
  Incarnation one = known.next(IdKind::channel, "c1");
  one.answered(channel_made_at(300));  // the clock was put back
  CHECK_FALSE(one.is_of_new(of_channel("ChannelDestroyed", 500)));
  CHECK_FALSE(one.is_of_new(of_channel("ChannelDestroyed", 600)));
  CHECK(one.is_of_new(of_channel("ChannelDestroyed", 300)));
}

TEST_CASE("of two made in one millisecond the new one is what follows the end of the first") {
  Known known;
  known.see(of_bridge("BridgeCreated", 100));
  Incarnation one = known.next(IdKind::bridge, "b1");
  CHECK(one.shown_by(bridge_made_at(100)) == Shown::another);
  CHECK_FALSE(one.is_of_new(of_bridge("BridgeCreated", 100, "late")));
  CHECK_FALSE(one.is_of_new(of_bridge("BridgeDestroyed", 100)));
  CHECK_FALSE(one.is_of_new(of_bridge("BridgeDestroyed", 100, "late")));  // its copy of the same
  CHECK(one.shown_by(bridge_made_at(100)) == Shown::new_one);
  CHECK(one.is_of_new(of_bridge("BridgeCreated", 100)));

  known.see(of_channel("StasisStart", 100));
  Incarnation call = known.next(IdKind::channel, "c1");
  CHECK_FALSE(call.is_of_new(of_channel("ChannelDestroyed", 100)));
  CHECK_FALSE(call.is_of_new(of_channel("StasisEnd", 100)));  // behind its end
  call.answered(channel_made_at(100));
  CHECK(call.is_of_new(of_channel("ChannelDestroyed", 100)));
}

TEST_CASE("nothing of a playback counts while an earlier one lives, until that ends") {
  Known known;
  known.see(of_playback("PlaybackStarted"));
  Incarnation one = known.next(IdKind::playback, "p1");
  CHECK(one.shown_by(playback()) == Shown::either);
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackFinished")));
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackFinished", "another")));  // its copy of the same
  CHECK(one.shown_by(playback()) == Shown::new_one);
  CHECK(one.is_of_new(of_playback("PlaybackFinished")));
  CHECK(one.is_of_new(of_playback("PlaybackFinished", "another")));
}

TEST_CASE("the copy of an end that another application was told of before is no end of the new one") {
  Known known;
  known.see(of_playback("PlaybackStarted"));
  known.see(of_playback("PlaybackFinished"));
  Incarnation one = known.next(IdKind::playback, "p1");
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackFinished", "another")));
  CHECK(one.is_of_new(of_playback("PlaybackFinished", "another")));
  CHECK(one.is_of_new(of_playback("PlaybackFinished")));
  known.see(of_playback("PlaybackFinished", "another"));
  CHECK(known.next(IdKind::playback, "p1").is_of_new(of_playback("PlaybackFinished", "another")));
}

TEST_CASE("a playback that starts, or plays elsewhere, is the new one") {
  Known known;
  known.see(of_playback("PlaybackStarted"));
  Incarnation one = known.next(IdKind::playback, "p1");
  CHECK(one.is_of_new(of_playback("PlaybackStarted")));
  CHECK(one.is_of_new(of_playback("PlaybackFinished")));
  Incarnation two = known.next(IdKind::playback, "p1");
  CHECK(two.shown_by(playback("bridge:b1")) == Shown::new_one);
  CHECK(two.is_of_new(of_playback("PlaybackFinished", "demo", "bridge:b1")));
  CHECK_FALSE(two.is_of_new(of_playback("PlaybackFinished")));
}

TEST_CASE("a recording is told from an earlier one of its name as a playback is") {
  for (const char* end : {"RecordingFinished", "RecordingFailed"}) {
    Known known;
    known.see(of_recording("RecordingStarted"));
    Incarnation one = known.next(IdKind::recording, "vm");
    CHECK_FALSE(one.is_of_new(of_recording(end)));
    CHECK(one.is_of_new(of_recording("RecordingFailed")));
  }
}

TEST_CASE("a playback that was made, and of which no event has told, is an earlier one") {
  Known known;
  known.made(IdKind::playback, "p1", playback(), false);
  Incarnation one = known.next(IdKind::playback, "p1");
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackStarted")));
  CHECK_FALSE(one.is_of_new(of_playback("PlaybackFinished")));
  CHECK(one.is_of_new(of_playback("PlaybackStarted")));
  known.see(of_playback("PlaybackStarted"));
  known.see(of_playback("PlaybackFinished"));
  CHECK(known.next(IdKind::playback, "p1").is_of_new(of_playback("PlaybackFinished")));
  known.made(IdKind::playback, "p1", playback(),
             true);  // the events were faster than the answer
  CHECK(known.next(IdKind::playback, "p1").is_of_new(of_playback("PlaybackFinished")));
}

TEST_CASE("what is remembered is bounded, and forgotten when the event stream is cut") {
  Known known;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = std::to_string(i);
    known.made(IdKind::channel, id, channel_made_at(100), false);
    known.made(IdKind::playback, id, playback(), false);
  }
  CHECK(known.incarnations.size() == 4096);
  known.see(record::own_record(record::ServerDisconnected{}, "pbx1", wall_now()));
  CHECK(known.incarnations.size() == 0);
}

TEST_CASE("what is on another channel or bridge than the command's own answer says is another one") {
  for (const IdKind kind : {IdKind::playback, IdKind::recording}) {
    const bool plays = kind == IdKind::playback;
    const auto on = [&](const std::string& target) {
      return std::string(plays ? R"({"id":"p1",)" : R"({"name":"p1",)") + R"("target_uri":")" + target +
             R"(","state":"done"})";
    };
    const auto end = [&](const std::string& target) {
      return plays ? event_of("PlaybackFinished", R"("playback":)" + on(target))
                   : event_of("RecordingFinished", R"("recording":)" + on(target));
    };
    Incarnation one(kind, "p1");
    one.answered(on("channel:c1"));
    CHECK_FALSE(one.is_of_new(end("bridge:c1")));
    CHECK(one.shown_by(on("channel:c2")) == Shown::another);
    CHECK(one.shown_by(on("channel:c1")) == Shown::new_one);
    CHECK(one.is_of_new(end("channel:c1")));
  }
  Incarnation call(IdKind::channel, "c1");
  call.answered(channel_made_at(100));
  CHECK(call.shown_by(channel_made_at(200)) == Shown::another);
}
