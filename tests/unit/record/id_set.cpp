#include "record/id_set.h"

#include <chrono>

#include "record/record.h"
#include "tests/catch.h"
#include "tests/support/cpu_time.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::read_event;
using Strings = std::vector<std::string_view>;

namespace {

IdSet ids_of(std::string_view event) {
  return read_event(event, event.size(), "pbx1", WallTime{}).ids;
}

// The ids of an event of `type` with `members`.
IdSet ids_in(const std::string& type, const std::string& members) {
  return ids_of(R"({"type":")" + type + "\"," + members + "}");
}

void check_only(const IdSet& ids, IdKind kind, const Strings& expected) {
  for (size_t other = 0; other < id_kinds; ++other) {
    INFO(field_name(static_cast<IdKind>(other)));
    CHECK(ids.of(static_cast<IdKind>(other)) == (static_cast<IdKind>(other) == kind ? expected : Strings{}));
  }
}

}  // namespace

TEST_CASE("ids are kept in the order found, once each, and never empty") {
  IdSet ids;
  for (const char* id : {"b", "a", "", "b", "c", "a"}) ids.add(IdKind::channel, id);
  CHECK(ids.of(IdKind::channel) == Strings{"b", "a", "c"});
  ids.add(IdKind::bridge, "a");  // of another kind: another id
  CHECK(ids.of(IdKind::bridge) == Strings{"a"});
}

TEST_CASE("an id whose hash is known is added like any other") {
  IdSet ids, expected;
  for (size_t i = 0; i < 400; ++i) {
    const std::string id = "channel-" + std::to_string(i * 7 % 150);
    const auto kind = i % 3 == 0 ? IdKind::channel : IdKind::call;
    const uint32_t number = expected.add(kind, id);
    CHECK((i % 2 == 0 ? ids.add(kind, id, id_hash(kind, id)) : ids.add(kind, id)) == number);
  }
  CHECK(ids.size() == expected.size());
  for (const IdKind kind : {IdKind::channel, IdKind::call}) CHECK(ids.of(kind) == expected.of(kind));
  for (size_t i = 0; i < ids.size(); ++i) CHECK(ids[i].hashed().hash == hash_of(ids[i].text));
  const std::string long_id(max_id_bytes + 1, 'x');
  CHECK(ids.add(IdKind::channel, "", id_hash(IdKind::channel, "")) == 0);
  CHECK(ids.add(IdKind::channel, long_id, id_hash(IdKind::channel, long_id)) == 0);
  CHECK(ids.has(IdKind::call));
  CHECK_FALSE(ids.has(IdKind::bridge));
  ids.clear();
  CHECK_FALSE(ids.has(IdKind::call));
}

TEST_CASE("ids that are known to be new are found like others") {
  IdSet ids;
  std::vector<std::string> all;
  for (size_t i = 0; i < 1000; ++i) all.push_back("channel-" + std::to_string(i));
  const auto add_twice = [&](size_t from, size_t to) {
    for (size_t i = 0; i < to; ++i) ids.add(IdKind::channel, all[i]);
    CHECK(ids.size() == to);
    for (size_t i = from; i < to; ++i) CHECK(ids.contains(IdKind::channel, all[i]));
    CHECK_FALSE(ids.contains(IdKind::bridge, all[from]));
  };
  for (size_t i = 0; i < 10; ++i) ids.add_new(IdKind::channel, all[i], id_hash(IdKind::channel, all[i]));
  add_twice(0, 20);  // few are searched one by one
  for (size_t i = 20; i < 500; ++i) ids.add_new(IdKind::channel, all[i], id_hash(IdKind::channel, all[i]));
  CHECK(ids.contains(IdKind::channel, all[499]));
  CHECK_FALSE(ids.contains(IdKind::channel, all[500]));
  ids.add_new(IdKind::channel, all[500], id_hash(IdKind::channel, all[500]));
  add_twice(400, 1000);
  CHECK(ids.of(IdKind::channel) == Strings(all.begin(), all.end()));
}

TEST_CASE("a channel's id is lifted") {
  check_only(ids_in("StasisEnd", R"("channel":{"id":"c1","name":"PJSIP/1"})"), IdKind::channel, {"c1"});
}

TEST_CASE("the channels of a transfer and of a replacement are lifted") {
  check_only(ids_in("StasisStart", R"("channel":{"id":"c1"},"replace_channel":{"id":"c2"})"), IdKind::channel,
             {"c1", "c2"});
}

TEST_CASE("a bridge's id and its members are lifted") {
  const IdSet ids =
      ids_in("ChannelEnteredBridge",
             R"("bridge":{"id":"b1","channels":["c1","c2"],"video_source_id":"c3"},"channel":{"id":"c2"})");
  CHECK(ids.of(IdKind::bridge) == Strings{"b1"});
  CHECK(ids.of(IdKind::channel) == Strings{"c1", "c2", "c3"});
}

TEST_CASE("a playback's id and its target are lifted") {
  const IdSet on_channel = ids_in("PlaybackStarted", R"("playback":{"id":"p1","target_uri":"channel:c1"})");
  CHECK(on_channel.of(IdKind::playback) == Strings{"p1"});
  CHECK(on_channel.of(IdKind::channel) == Strings{"c1"});
  const IdSet on_bridge = ids_in("PlaybackStarted", R"("playback":{"id":"p1","target_uri":"bridge:b1"})");
  CHECK(on_bridge.of(IdKind::bridge) == Strings{"b1"});
  CHECK(on_bridge.of(IdKind::channel).empty());
  check_only(ids_in("PlaybackStarted", R"("playback":{"id":"p1","target_uri":"planet:x"})"), IdKind::playback,
             {"p1"});
}

TEST_CASE("a recording's name and its target are lifted") {
  const IdSet ids =
      ids_in("RecordingStarted", R"("recording":{"name":"a/b","format":"wav","target_uri":"bridge:b1"})");
  CHECK(ids.of(IdKind::recording) == Strings{"a/b"});
  CHECK(ids.of(IdKind::bridge) == Strings{"b1"});
}

TEST_CASE("an endpoint is technology and resource, and its channels are lifted") {
  const IdSet ids = ids_in("EndpointStateChange",
                           R"("endpoint":{"technology":"PJSIP","resource":"100","channel_ids":["c1","c2"]})");
  CHECK(ids.of(IdKind::endpoint) == Strings{"PJSIP/100"});
  CHECK(ids.of(IdKind::channel) == Strings{"c1", "c2"});
  check_only(ids_in("EndpointStateChange", R"("endpoint":{"technology":"PJSIP"})"), IdKind::endpoint, {});
}

TEST_CASE("a device's name is lifted") {
  check_only(ids_in("DeviceStateChanged", R"("device_state":{"name":"Stasis:x","state":"BUSY"})"),
             IdKind::device, {"Stasis:x"});
}

TEST_CASE("all channels of a Dial are lifted") {
  check_only(
      ids_in("Dial", R"("caller":{"id":"c1"},"peer":{"id":"c2"},"forwarded":{"id":"c3"},"dialstatus":"")"),
      IdKind::channel, {"c1", "c2", "c3"});
}

TEST_CASE("an attended transfer names all its channels and bridges") {
  const IdSet ids = ids_in(
      "BridgeAttendedTransfer",
      R"("transferer_first_leg":{"id":"c1"},"transferer_second_leg":{"id":"c2"},"transferee":{"id":"c3"},)"
      R"("transfer_target":{"id":"c4"},"transferer_first_leg_bridge":{"id":"b1","channels":["c1","c3"]},)"
      R"("transferer_second_leg_bridge":{"id":"b2","channels":[]},"destination_bridge":"b3",)"
      R"("destination_link_first_leg":{"id":"c5"},"result":"Success")");
  Strings channels = ids.of(IdKind::channel), bridges = ids.of(IdKind::bridge);
  std::ranges::sort(channels);
  std::ranges::sort(bridges);
  CHECK(channels == Strings{"c1", "c2", "c3", "c4", "c5"});
  CHECK(bridges == Strings{"b1", "b2", "b3"});
}

TEST_CASE("an event about one thing several times names it once") {
  check_only(
      ids_in("ChannelLeftBridge", R"("channel":{"id":"c1"},"bridge":{"id":"","channels":["c1","c1"]})"),
      IdKind::channel, {"c1"});
}

TEST_CASE("ids of the wrong type are no ids") {
  check_only(ids_in("StasisEnd", R"("channel":{"id":5})"), IdKind::channel, {});
  check_only(ids_in("StasisEnd", R"("channel":"c1")"), IdKind::channel, {});
}

TEST_CASE("in an unknown event things are recognised by their shape, in any depth") {
  const IdSet ids = ids_in(
      "FromTheFuture", R"("a":[{"b":{"id":"c1","name":"PJSIP/1","state":"Up"}}],)"
                       R"("d":{"id":"b1","bridge_type":"mixing","channels":["c2"]},"id":"not a channel")");
  CHECK(ids.of(IdKind::channel) == Strings{"c1", "c2"});
  CHECK(ids.of(IdKind::bridge) == Strings{"b1"});
}

TEST_CASE("a bridge of 100,000 channels is no more than a long list") {
  IdSet ids;
  const auto began = aribus::test::cpu_time();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100'000; ++i) ids.add(IdKind::channel, "channel-" + std::to_string(i));
  }
  CHECK(ids.of(IdKind::channel).size() == 100'000);
  CHECK(ids.of(IdKind::channel)[99'999] == "channel-99999");
  CHECK(aribus::test::cpu_time() - began < std::chrono::seconds(5));  // compared in pairs: minutes
}
