// Every field of ARI's models that names a channel, bridge, playback, recording, endpoint or device reaches
// the envelope: the tables are walked, so that a model or field which comes with a newer Asterisk has to be
// judged here.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "record/normalizer.h"
#include "tests/catch.h"
#include "tests/unit/ari/sample.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using ari::Field;
using ari::ModelType;
using ari::Type;

namespace {

// Names that such a field may have.
const std::regex may_name(
    "(.*_)?(ids?|names?|uniqueid|uri|channels?|bridges?|playbacks?|recordings?|endpoints?|"
    "devices?|resource|technology|creator|aor|from|to|caller|called|peer|forward|dialstring|"
    "address|destination)");

struct Lifted {
  std::string_view model;
  std::string_view field;
  IdKind kind;
};
constexpr Lifted lifted[] = {
    {"Application", "channel_ids", IdKind::channel},
    {"Application", "bridge_ids", IdKind::bridge},
    {"Application", "endpoint_ids", IdKind::endpoint},
    {"Application", "device_names", IdKind::device},
    {"Bridge", "id", IdKind::bridge},
    {"Bridge", "channels", IdKind::channel},
    {"Bridge", "video_source_id", IdKind::channel},
    {"BridgeAttendedTransfer", "destination_bridge", IdKind::bridge},
    {"BridgeVideoSourceChanged", "old_video_source_id", IdKind::channel},
    {"Channel", "id", IdKind::channel},
    {"DeviceState", "name", IdKind::device},
    {"Endpoint", "technology", IdKind::endpoint},  // with the resource
    {"Endpoint", "resource", IdKind::endpoint},
    {"Endpoint", "channel_ids", IdKind::channel},
    {"LiveRecording", "name", IdKind::recording},
    {"LiveRecording", "target_uri", IdKind::channel},  // or a bridge
    {"Playback", "id", IdKind::playback},
    {"Playback", "target_uri", IdKind::channel},  // likewise
    {"RTPstat", "channel_uniqueid", IdKind::channel},
    {"StoredRecording", "name", IdKind::recording},
};

struct Excluded {
  std::string_view model;  // "": of any
  std::string_view field;
  std::string_view reason;
};
constexpr Excluded excluded[] = {
    {"", "asterisk_id", "names the Asterisk"},
    {"AdditionalParam", "parameter_name", "a header of SIP"},
    {"Application", "name", "an application"},
    {"ApplicationMoveFailed", "destination", "an application"},
    {"Bridge", "technology", "a module's name"},
    {"Bridge", "creator", "what sort of thing made it"},
    {"Bridge", "name", "a title: ids are what commands take"},
    {"CallBroadcast", "caller", "a caller's number"},
    {"CallBroadcast", "called", "a caller's number"},
    {"CallerID", "name", "a person's name"},
    {"Channel", "name", "a title: ids are what commands take"},
    {"Channel", "protocol_id", "an id of SIP"},
    {"ConfigInfo", "name", "the Asterisk's name"},
    {"ContactInfo", "aor", "an address of record; the endpoint stands beside it"},
    {"ContactInfo", "uri", "an address of SIP"},
    {"Dial", "dialstring", "what was dialled, in the dialplan's notation"},
    {"Dial", "forward", "what was dialled instead, in the dialplan's notation"},
    {"DialplanCEP", "app_name", "an application of the dialplan"},
    {"LogChannel", "channel", "a log"},
    {"Mailbox", "name", "a mailbox"},
    {"Module", "name", "a module"},
    {"Peer", "address", "an address of IP"},
    {"Playback", "media_uri", "what is played"},
    {"Playback", "next_media_uri", "what is played"},
    {"RESTHeader", "name", "a header of HTTP"},
    {"RESTQueryStringParameter", "name", "a parameter"},
    {"RESTRequest", "", "an echo of a request"},
    {"RESTResponse", "", "an echo of a request"},
    {"RequiredDestination", "protocol_id", "an id of SIP"},
    {"RequiredDestination", "destination", "an address of SIP"},
    {"Sound", "id", "a sound"},
    {"SystemInfo", "entity_id", "names the Asterisk"},
    {"TextMessage", "from", "an address; the endpoint stands beside it"},
    {"TextMessage", "to", "an address; the endpoint stands beside it"},
};

const Lifted* find_lifted(const ModelType& model, std::string_view field) {
  const auto at = std::ranges::find_if(
      lifted, [&](const Lifted& entry) { return entry.model == model.name && entry.field == field; });
  return at == std::end(lifted) ? nullptr : at;
}

bool is_excluded(const ModelType& model, std::string_view field) {
  return std::ranges::any_of(excluded, [&](const Excluded& entry) {
    return (entry.model.empty() || entry.model == model.name) &&
           (entry.field.empty() || entry.field == field);
  });
}

// Objects in which every text that names something is another, and what is to be lifted from them.
class Writer {
 public:
  std::map<IdKind, std::set<std::string>> expected;

  void write(JsonWriter& writer, const ModelType& model) {
    writer.StartObject();
    for (const Field& field : model.fields) {
      write_key(writer, field.name);
      if (field.list) writer.StartArray();
      write(writer, model, field);
      if (field.list) writer.EndArray();
    }
    writer.EndObject();
  }

 private:
  void write(JsonWriter& writer, const ModelType& model, const Field& field) {
    if (field.type == Type::model) return write(writer, *field.model);
    if (field.type != Type::string) return test::write_sample(writer, field);
    if (model.event && field.name == "type") return write_string(writer, model.name);
    const std::string text = "text" + std::to_string(++count_);
    const Lifted* entry = find_lifted(model, field.name);
    if (entry == nullptr) return write_string(writer, text);
    if (field.name == "technology") return write_string(writer, "PJSIP");
    const bool resource = field.name == "resource", target = field.name == "target_uri";
    const bool on_bridge = target && count_ % 2 == 0;
    expected[on_bridge ? IdKind::bridge : entry->kind].insert((resource ? "PJSIP/" : "") + text);
    write_string(writer, (on_bridge ? "bridge:" : target ? "channel:" : "") + text);
  }

  int count_ = 0;
};

}  // namespace

TEST_CASE("every field that may name something is lifted, or left out for a reason") {
  for (const ModelType& model : ari::models()) {
    for (const Field& field : model.fields) {
      if (field.type != Type::string || !std::regex_match(std::string(field.name), may_name)) continue;
      INFO(model.name << "." << field.name);
      CHECK((find_lifted(model, field.name) != nullptr) != is_excluded(model, field.name));
    }
  }
}

TEST_CASE("what is lifted or left out is declared") {
  for (const Lifted& entry : lifted) {
    INFO(entry.model << "." << entry.field);
    const ModelType* model = ari::find_model(entry.model);
    REQUIRE(model != nullptr);
    CHECK(model->find(entry.field) != nullptr);
  }
  for (const Excluded& entry : excluded) {
    INFO(entry.model << "." << entry.field);
    const ModelType* model = ari::find_model(entry.model.empty() ? "Event" : entry.model);
    REQUIRE(model != nullptr);
    CHECK((entry.field.empty() || model->find(entry.field) != nullptr));
    CHECK_FALSE(entry.reason.empty());
  }
}

TEST_CASE("whatever a model names, in any depth, is lifted, and nothing else is") {
  for (const ModelType& model : ari::models()) {
    INFO(model.name);
    Writer values;
    const std::string text = render([&](JsonWriter& writer) { values.write(writer, model); });
    INFO(text);
    IdSet ids;
    std::string unused;
    JsonTape tape;
    Normalizer(unused, ids).write(tape.read(text), ari::Type::model, false, find_rules(model.name));
    for (size_t i = 0; i < id_kinds; ++i) {
      const auto kind = static_cast<IdKind>(i);
      INFO(field_name(kind));
      const auto found = ids.of(kind);
      CHECK(std::set<std::string>(found.begin(), found.end()) == values.expected[kind]);
    }
  }
}
