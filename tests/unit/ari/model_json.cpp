// The typed models, events and operations.
#include <fstream>

#include "ari/generated/events.h"
#include "ari/generated/operations.h"
#include "tests/unit/ari/sample.h"
#include "tests/unit/net/listening.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// Each member of `ours` is in `theirs`, and the same; times may be written differently.
bool agrees(const JsonValue& ours, const JsonValue& theirs) {
  if (ours.IsObject() && theirs.IsObject()) {
    for (const auto& member : ours.GetObject()) {
      const JsonValue* other = find(theirs, as_view(member.name));
      if (other == nullptr || !agrees(member.value, *other)) return false;
    }
    return true;
  }
  if (ours.IsArray() && theirs.IsArray() && ours.Size() == theirs.Size()) {
    for (rapidjson::SizeType i = 0; i < ours.Size(); ++i) {
      if (!agrees(ours[i], theirs[i])) return false;
    }
    return true;
  }
  if (ours.IsString() && theirs.IsString()) {
    const auto time = parse_time(as_view(theirs));
    return as_view(ours) == as_view(theirs) || (time && as_view(ours) == to_rfc3339(*time));
  }
  return ours == theirs;
}

std::string written(const AnyEvent& event) {
  return std::visit(
      [](const auto& of_type) {
        if constexpr (std::is_same_v<std::decay_t<decltype(of_type)>, UnknownEvent>) {
          return of_type.json.text;
        } else {
          return to_json(of_type);
        }
      },
      event);
}

std::string fault_of(std::string_view event) {
  const auto parsed = parse_event(event);
  return parsed ? "" : parsed.error().message;
}

// Reads, writes and compares a model with all its members.
template <typename T>
void check_round_trip(std::string_view name) {
  INFO(name);
  const Json whole = json(sample(*find_model(name)));
  const auto model = from_json<T>(whole);
  REQUIRE(model.ok());
  const Json again = json(to_json(*model));
  CHECK(agrees(again, whole));
  CHECK(again.MemberCount() == whole.MemberCount());
}

}  // namespace

TEST_CASE(
    "every event that was recorded from a real Asterisk is read into its struct, and written as it was") {
  for (const char* file : {"events-22.jsonl", "events-16.jsonl"}) {
    std::ifstream lines(std::string(ARIBUS_SOURCE_DIR "/tests/data/") + file);
    size_t events = 0;
    for (std::string line; std::getline(lines, line); ++events) {
      const auto event = parse_event(line);
      INFO(line);
      REQUIRE(event.ok());
      REQUIRE_FALSE(std::holds_alternative<UnknownEvent>(*event));
      REQUIRE(agrees(json(written(*event)), json(line)));
    }
    CHECK(events > 1000);
  }
}

TEST_CASE("every event that is declared has its struct") {
  size_t events = 0;
  for (const ModelType& model : models()) {
    if (!model.event) continue;
    INFO(model.name);
    const std::string whole = sample(model);
    const auto event = parse_event(whole);
    REQUIRE(event.ok());
    REQUIRE_FALSE(std::holds_alternative<UnknownEvent>(*event));
    const Json again = json(written(*event));
    CHECK(agrees(again, json(whole)));
    CHECK(again.MemberCount() == json(whole).MemberCount());
    ++events;
  }
  CHECK(events == std::variant_size_v<AnyEvent> - 1);
}

TEST_CASE("what operations answer is read and written whole") {
  check_round_trip<Application>("Application");
  check_round_trip<AsteriskInfo>("AsteriskInfo");
  check_round_trip<AsteriskPing>("AsteriskPing");
  check_round_trip<Bridge>("Bridge");
  check_round_trip<Channel>("Channel");
  check_round_trip<ConfigTuple>("ConfigTuple");
  check_round_trip<DeviceState>("DeviceState");
  check_round_trip<Endpoint>("Endpoint");
  check_round_trip<LiveRecording>("LiveRecording");
  check_round_trip<LogChannel>("LogChannel");
  check_round_trip<Mailbox>("Mailbox");
  check_round_trip<Module>("Module");
  check_round_trip<Playback>("Playback");
  check_round_trip<RTPstat>("RTPstat");
  check_round_trip<Sound>("Sound");
  check_round_trip<StoredRecording>("StoredRecording");
  check_round_trip<Variable>("Variable");
}

TEST_CASE("an event's fields are typed") {
  const auto event = parse_event(
      R"({"type":"PlaybackFinished","application":"demo","timestamp":"2026-11-22T21:46:17.690+0100","playback":)"
      R"({"id":"p1","media_uri":"sound:x","target_uri":"channel:c1","language":"en","state":"failed"}})");
  REQUIRE(event.ok());
  const auto* finished = std::get_if<PlaybackFinished>(&*event);
  REQUIRE(finished != nullptr);
  CHECK(finished->application == "demo");
  CHECK(to_rfc3339(finished->timestamp) == "2026-11-22T20:46:17.690Z");
  CHECK(finished->playback.state.value() == PlaybackState::failed);
  CHECK_FALSE(finished->playback.next_media_uri);
}

TEST_CASE("a value that nobody declared has room beside those that are") {
  const auto playback = from_json<Playback>(
      json(R"({"id":"p","media_uri":"m","target_uri":"t","language":"en","state":"melting"})"));
  REQUIRE(playback.ok());
  CHECK(playback->state.value() == PlaybackState::other);
  CHECK(playback->state.text() == "melting");
  CHECK_THAT(to_json(*playback), ContainsSubstring(R"("state":"melting")"));
  CHECK(Open<ChannelState>(ChannelState::dialing_offhook).text() == "Dialing Offhook");
  CHECK(Open<ChannelState>("Pre-ring").value() == ChannelState::pre_ring);
}

TEST_CASE("an event of an unknown type keeps all it came with") {
  const std::string text = R"({"type":"NewsFromTomorrow","x":[1]})";
  const auto event = parse_event(text);
  REQUIRE(event.ok());
  const auto* unknown = std::get_if<UnknownEvent>(&*event);
  REQUIRE(unknown != nullptr);
  CHECK(unknown->type == "NewsFromTomorrow");
  CHECK(unknown->json.text == text);
}

TEST_CASE("what is not as declared is named with its place") {
  CHECK(fault_of("{") != "");
  CHECK(fault_of("[]") == "an object with a string `type` is expected");
  const std::string head =
      R"({"type":"StasisStart","application":"demo","timestamp":"2026-11-22T21:46:17.690Z",)";
  CHECK(fault_of(head + R"("args":["a",5],"channel":{}})") ==
        "args[1]: a string is expected, not a value of type integer");
  CHECK(fault_of(head + R"("args":[],"channel":{"id":"c"}})") == "channel.protocol_id: missing");
  CHECK(fault_of(head + R"("args":[],"channel":"c"})") ==
        "channel: an object is expected, not a value of type string");
  CHECK(fault_of(R"({"type":"StasisStart","application":"demo","timestamp":"yesterday"})") ==
        "timestamp: a time is expected, not a value of type string");
}

TEST_CASE("typed operations send what they are given and give what is answered") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url(), no_apps);
  REQUIRE(connect(loop, *listening.client).ok());
  Client& client = *listening.client;
  std::string body;
  asterisk.set_script([&](auto& peer, const std::string&) { peer.answer(200, body); });

  body = sample(*find_model("Channel"));
  std::optional<Result<Channel>> channel;
  ChannelsOriginate params;
  params.endpoint = "PJSIP/100";
  params.app = "demo";
  params.timeout = 20;
  params.variables = JsonText{R"({"A":"b"})"};
  client.channels().originate(params, [&](auto got) { channel = std::move(got); });
  CHECK_FALSE(channel);  // never from within the call
  REQUIRE(pump(loop, [&] { return channel.has_value(); }));
  REQUIRE(channel->ok());
  CHECK((*channel)->id == "sample");
  const std::string request = asterisk.requests.back();
  CHECK(request.starts_with("POST /ari/channels HTTP"));
  const Json sent = json(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
  CHECK(to_text(sent) == R"({"endpoint":"PJSIP/100","app":"demo","timeout":20,"variables":{"A":"b"}})");

  body = "[" + sample(*find_model("Bridge")) + "]";
  std::optional<Result<std::vector<Bridge>>> bridges;
  client.bridges().list([&](auto got) { bridges = std::move(got); });
  REQUIRE(pump(loop, [&] { return bridges.has_value(); }));
  REQUIRE(bridges->ok());
  CHECK((*bridges)->size() == 1);

  body = R"([{"id":5}])";
  client.bridges().list([&](auto got) { bridges = std::move(got); });
  bridges.reset();
  REQUIRE(pump(loop, [&] { return bridges.has_value(); }));
  CHECK(bridges->error().kind == ErrorKind::malformed);
  CHECK(bridges->error().message.starts_with("[0]: id: a string is expected"));

  body = "";
  std::optional<Result<void>> done;
  client.channels().answer("a/b", [&](auto got) { done = std::move(got); });
  REQUIRE(pump(loop, [&] { return done.has_value(); }));
  CHECK(done->ok());
  CHECK(asterisk.requests.back().starts_with("POST /ari/channels/a%2Fb/answer "));

  body = "RIFF\x01";
  std::optional<Result<Binary>> bytes;
  client.recordings().getStoredFile("r", [&](auto got) { bytes = std::move(got); });
  REQUIRE(pump(loop, [&] { return bytes.has_value(); }));
  CHECK((*bytes)->bytes == body);
}

TEST_CASE("a typed operation that Asterisk refuses tells its status and message") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url(), no_apps);
  REQUIRE(connect(loop, *listening.client).ok());
  asterisk.set_script(
      [](auto& peer, const std::string&) { peer.answer(404, R"({"message":"Channel not found"})"); });
  std::optional<Result<Channel>> channel;
  listening.client->channels().get("nobody", [&](auto got) { channel = std::move(got); });
  REQUIRE(pump(loop, [&] { return channel.has_value(); }));
  CHECK(channel->error().kind == ErrorKind::refused);
  CHECK(channel->error().message == "Asterisk refused: Channel not found (404)");
  CHECK_THAT(channel->error().data, ContainsSubstring(R"("status":404)"));
}

TEST_CASE("a typed parameter that can't be JSON is refused, and nothing is sent") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url(), no_apps);
  REQUIRE(connect(loop, *listening.client).ok());
  asterisk.requests.clear();
  std::optional<Result<Channel>> channel;
  ChannelsOriginate params;
  params.endpoint = "PJSIP/\xFF";
  listening.client->channels().originate(params, [&](auto got) { channel = std::move(got); });
  CHECK_FALSE(channel);
  REQUIRE(pump(loop, [&] { return channel.has_value(); }));
  CHECK(channel->error().kind == ErrorKind::invalid_params);
  params.endpoint = "PJSIP/100";
  params.variables = JsonText{"{"};
  channel.reset();
  listening.client->channels().originate(params, [&](auto got) { channel = std::move(got); });
  REQUIRE(pump(loop, [&] { return channel.has_value(); }));
  CHECK(channel->error().kind == ErrorKind::invalid_params);
  CHECK(asterisk.requests.empty());
}
