#include "tests/call/coverage.h"

#include <map>
#include <optional>

#include "record/normalizer.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

constexpr std::string_view tested_versions[] = {"22", "16"};

// What is known of an operation or event: the cell of the table for each version.
using Cells = std::map<std::string_view, std::string>;
using Registry = std::map<std::string_view, Cells>;

Registry& operations_shown() {
  static Registry registry;
  return registry;
}

Registry& events_shown() {
  static Registry registry;
  return registry;
}

// Events that can't be had, and why.
struct Unseen {
  std::string_view type;
  std::string_view why;
};
constexpr Unseen unseen[] = {
    // https://docs.asterisk.org/Configuration/Interfaces/Asterisk-REST-Interface-ARI/ARI-Outbound-Websockets
    {"ApplicationRegistered",
     "no: sent only on WebSockets that Asterisk opens; in these tests aribus opens them"},
    {"ApplicationUnregistered",
     "no: sent only on WebSockets that Asterisk opens; in these tests aribus opens them"},
    {"MissingParams", "no: Asterisk refuses a WebSocket that names no application with 400 instead"},
    {"RESTResponse", "no: answers requests on the WebSocket; in these tests requests use HTTP"},
};

std::string_view why_unseen(std::string_view type) {
  for (const Unseen& event : unseen) {
    if (event.type == type) return event.why;
  }
  return {};
}

// The ids that a record of a type has, by the names of the envelope.
struct RequiredIds {
  std::string_view type;
  std::vector<std::string_view> lists;
};
const std::vector<RequiredIds>& required_ids() {
  static const std::vector<RequiredIds> table{
      {"ApplicationMoveFailed", {"channels"}},
      {"BridgeAttendedTransfer", {"channels", "bridges"}},
      {"BridgeBlindTransfer", {"channels", "bridges"}},
      {"BridgeCreated", {"bridges"}},
      {"BridgeDestroyed", {"bridges"}},
      {"BridgeMerged", {"bridges"}},
      {"BridgeVideoSourceChanged", {"bridges"}},
      {"CallBroadcast", {"channels"}},
      {"CallClaimed", {"channels"}},
      {"ChannelEnteredBridge", {"channels", "bridges"}},
      {"ChannelLeftBridge", {"channels", "bridges"}},
      {"ChannelTransfer", {"channels"}},
      {"ChannelUserevent", {}},  // may be about nothing
      {"ChannelVarset", {}},     // may be about a global variable
      {"ContactStatusChange", {"endpoints"}},
      {"DeviceStateChanged", {"devices"}},
      {"Dial", {"channels"}},
      {"EndpointStateChange", {"endpoints"}},
      {"PeerStatusChange", {"endpoints"}},
      {"PlaybackContinuing", {"playbacks"}},
      {"PlaybackFinished", {"playbacks"}},
      {"PlaybackStarted", {"playbacks"}},
      {"RecordingFailed", {"recordings"}},
      {"RecordingFinished", {"recordings"}},
      {"RecordingStarted", {"recordings"}},
      {"StasisEnd", {"channels"}},
      {"StasisStart", {"channels"}},
      {"TextMessageReceived", {"endpoints"}},
  };
  return table;
}

std::vector<std::string_view> required_ids_of(std::string_view type) {
  for (const RequiredIds& row : required_ids()) {
    if (row.type == type) return row.lists;
  }
  if (type.starts_with("Channel")) return {"channels"};
  return {};
}

void check_value(const JsonValue& value, const ari::ResultType& declared) {
  if (declared.type == ari::Type::model) {
    std::string text;
    record::IdSet ids;
    JsonTape tape;
    record::Normalizer normalizer(text, ids);
    normalizer.write(tape.read(to_text(value)), declared.type, false,
                     record::find_rules(declared.model->name));
    CHECK(normalizer.fault() == "");
  } else {
    CHECK(ari::has_type(value, declared.type));
  }
}

void check_answer(const JsonValue& answer, const ari::ResultType& declared) {
  INFO(to_text(answer).substr(0, 2000));
  if (declared.type == ari::Type::none) {
    CHECK(answer.IsNull());
  } else if (declared.type == ari::Type::binary) {
    CHECK_FALSE(text_at(answer, "content_type").empty());
    CHECK(text_at(answer, "encoding") == "base64");
    CHECK_FALSE(text_at(answer, "data").empty());
  } else if (declared.list) {
    REQUIRE(answer.IsArray());
    for (const JsonValue& item : answer.GetArray()) check_value(item, declared);
  } else {
    check_value(answer, declared);
  }
}

std::string cell(const Registry& registry, std::string_view name, std::string_view version,
                 std::string_view absent_in) {
  if (!has(version, absent_in)) return "not there";
  const auto found = registry.find(name);
  if (found == registry.end()) return std::string(why_unseen(name));
  const auto at = found->second.find(version);
  return at == found->second.end() ? "not seen" : at->second;
}

std::string row(const Registry& registry, std::string_view name, std::string_view since,
                std::string_view absent_in) {
  std::string text = "| `" + std::string(name) + "` | ";
  if (!since.empty()) {
    text += since;
  } else {
    text += absent_in.empty() ? "16.28 or earlier" : "later than " + std::string(absent_in);
  }
  for (const std::string_view version : tested_versions)
    text += " | " + cell(registry, name, version, absent_in);
  return text + " |\n";
}

}  // namespace

bool has(std::string_view version, std::string_view absent_in) {
  // The versions are "22" and "16", `absent_in` is one of theirs in full or empty.
  return absent_in.empty() || !absent_in.starts_with(version);
}

Operations::Operations(std::initializer_list<std::string_view> done, std::initializer_list<Refusal> refused)
    : names_(done), refusals_(refused) {
  for (const Refusal& refusal : refused) {
    names_.insert(refusal.operation);
    operations_shown()[refusal.operation][refusal.version] =
        "refused: " + std::to_string(refusal.status) + " " + std::string(refusal.message);
  }
  for (const std::string_view name : names_) {
    for (const std::string_view version : tested_versions) operations_shown()[name].emplace(version, "yes");
  }
}

bool Calls::has(std::string_view name) const {
  return test::has(stage_.asterisk.version, ari::find_operation(name)->absent_in);
}

Json Calls::operator()(std::string_view name, std::initializer_list<Argument> arguments) {
  INFO(name);
  REQUIRE(shown_.names_.contains(name));
  called_.insert(name);
  Json answer = stage_.program.call(std::string(name), object(arguments));
  check_answer(answer, ari::find_operation(name)->answer);
  return answer;
}

void Calls::until_accepted(std::string_view name, std::initializer_list<Argument> arguments) {
  INFO(name);
  REQUIRE(shown_.names_.contains(name));
  called_.insert(name);
  const std::string params = object(arguments);
  std::optional<Result<Json>> answer;
  CHECK(soon([&] {
    answer.emplace(stage_.program.client().call(std::string(name), params));
    return answer->ok();
  }));
  if (answer->ok()) check_answer(**answer, ari::find_operation(name)->answer);
}

void Calls::refused(std::string_view name, std::initializer_list<Argument> arguments) {
  for (const Refusal& refusal : shown_.refusals_) {
    if (refusal.operation != name || refusal.version != stage_.asterisk.version) continue;
    const Error error = stage_.program.refused(std::string(name), object(arguments));
    INFO(name << ": " << error.message);
    CHECK(error.kind == ErrorKind::refused);
    CHECK_THAT(error.data, ContainsSubstring("\"status\":" + std::to_string(refusal.status)));
    CHECK_THAT(error.data, ContainsSubstring("\"message\":" + Argument::quoted(refusal.message)));
    called_.insert(name);
    return;
  }
  FAIL("it was not said that " << name << " is refused");
}

void Calls::check_complete() const {
  for (const std::string_view name : shown_.names_) {
    INFO(name);
    CHECK((!has(name) || called_.contains(name)));
  }
}

Events::Events(std::initializer_list<std::string_view> types, std::initializer_list<std::string_view> only_22)
    : types_(types), only_22_(only_22) {
  for (const std::string_view type : types) {
    for (const std::string_view version : tested_versions) events_shown()[type][version] = "yes";
  }
  for (const std::string_view type : only_22) events_shown()[type]["22"] = "yes";
}

void check_record(const JsonValue& record) {
  INFO(to_text(record));
  CHECK(find(record, "known") == nullptr);
  CHECK(find(record, "invalid") == nullptr);
  for (const std::string_view list : required_ids_of(find_string(record, "type"))) {
    INFO(list);
    const JsonValue* ids = find(record, list);
    CHECK((ids != nullptr && ids->IsArray() && !ids->Empty()));
  }
}

void Events::check_seen(const Stage& stage) const {
  std::set<std::string> seen;
  for (const Json& record : stage.program.records()) {
    check_record(record);
    seen.insert(text_at(record, "type"));
  }
  const auto check = [&](const std::set<std::string_view>& types) {
    for (const std::string_view type : types) {
      INFO(type);
      const ari::ModelType* model = ari::find_model(type);
      REQUIRE(model != nullptr);
      CHECK((!has(stage.asterisk.version, model->absent_in) || seen.contains(std::string(type))));
    }
  };
  check(types_);
  if (stage.asterisk.version == "22") check(only_22_);
}

std::vector<std::string> gaps_in_coverage() {
  std::vector<std::string> gaps;
  for (const ari::Operation& operation : ari::operations()) {
    if (!operations_shown().contains(operation.name)) gaps.emplace_back(operation.name);
  }
  for (const auto& [name, cells] : operations_shown()) {
    if (ari::find_operation(name) == nullptr) gaps.emplace_back(name);
  }
  for (const ari::ModelType& model : ari::models()) {
    if (model.event && !events_shown().contains(model.name) && why_unseen(model.name).empty()) {
      gaps.emplace_back(model.name);
    }
  }
  for (const auto& [type, cells] : events_shown()) {
    const ari::ModelType* model = ari::find_model(type);
    if (model == nullptr || !model->event) gaps.emplace_back(type);
  }
  return gaps;
}

std::string coverage_document() {
  std::string text = R"(# What is tested with real Asterisks

The table lists every operation and every event that Asterisk 22.10 or 16.28 declares, with the result of the tests in
`tests/call`, which `scripts/test` runs with both versions. A test fails if it no longer sees what this table says, or
finds an operation or event that is not listed. `ARIBUS_WRITE_COVERAGE=1 call_test "[coverage]"` writes this file.

- *since*: the first version of each branch that has it, as Asterisk declares. If Asterisk does not declare that, which
  of the two versions have it.
- *yes*: the operation was called, did what it is for, and returned what ARI declares; or the event arrived, is what ARI
  declares, and carries the required ids.
- *refused*: these Asterisks don't support it and refuse it with this status and message. Debian's packages lack the
  module for mailboxes (`res_ari_mailboxes`).
- *not there*: this version does not have it. aribus answers the operation with -32005.

## Operations

| operation | since | Asterisk 22.10 | Asterisk 16.28 |
|---|---|---|---|
)";
  for (const ari::Operation& operation : ari::operations()) {
    text += row(operations_shown(), operation.name, operation.since, operation.absent_in);
  }
  text += "\n## Events\n\n| event | since | Asterisk 22.10 | Asterisk 16.28 |\n|---|---|---|---|\n";
  for (const ari::ModelType& model : ari::models()) {
    if (model.event) text += row(events_shown(), model.name, "", model.absent_in);
  }
  return text;
}

}  // namespace aribus::test
