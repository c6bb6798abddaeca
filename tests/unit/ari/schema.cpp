#include "ari/schema.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tests/catch.h"

using namespace aribus::ari;

namespace {

std::set<std::string_view> names_in_path(std::string_view path) {
  std::set<std::string_view> names;
  for (size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    names.insert(path.substr(at + 1, path.find('}', at) - at - 1));
  }
  return names;
}

}  // namespace

TEST_CASE("the tables are sorted by name, without duplicates") {
  CHECK(std::ranges::adjacent_find(models(), std::ranges::greater_equal(), &ModelType::name) ==
        models().end());
  CHECK(std::ranges::adjacent_find(operations(), std::ranges::greater_equal(), &Operation::name) ==
        operations().end());
  CHECK(models().size() > 50);
  CHECK(operations().size() > 80);
}

TEST_CASE("every entry of the tables is found by its name, and nothing else is") {
  for (const ModelType& model : models()) CHECK(find_model(model.name) == &model);
  for (const Operation& operation : operations()) CHECK(find_operation(operation.name) == &operation);
  CHECK(find_model("") == nullptr);
  CHECK(find_model("Chanel") == nullptr);
  CHECK(find_model("zzz") == nullptr);
  CHECK(find_operation("channels") == nullptr);
  CHECK(find_operation("") == nullptr);
}

TEST_CASE("the names in a path are exactly the operation's required path parameters") {
  for (const Operation& operation : operations()) {
    INFO(operation.name);
    std::set<std::string_view> declared;
    for (const Parameter& parameter : operation.parameters) {
      if (parameter.place != Place::path) continue;
      INFO(parameter.name);
      CHECK(parameter.required);
      CHECK(parameter.type == Type::string);
      CHECK_FALSE(parameter.multiple);
      declared.insert(parameter.name);
    }
    CHECK(declared == names_in_path(operation.path));
  }
}

TEST_CASE("an operation is well-formed") {
  for (const Operation& operation : operations()) {
    INFO(operation.name);
    CHECK(std::set<std::string_view>{"GET", "POST", "PUT", "DELETE"}.contains(operation.method));
    CHECK(operation.path.starts_with('/'));
    std::set<std::string_view> names;
    for (const Parameter& parameter : operation.parameters) {
      INFO(parameter.name);
      CHECK(names.insert(parameter.name).second);
      CHECK(parameter.minimum <= parameter.maximum);
      CHECK(operation.find(parameter.name) == &parameter);
    }
    CHECK(operation.find("no such parameter") == nullptr);
    CHECK((operation.answer.type == Type::model) == (operation.answer.model != nullptr));
    CHECK_FALSE(names.contains("server"));  // aribus' own parameter, of every operation
  }
}

TEST_CASE("a model is well-formed") {
  for (const ModelType& model : models()) {
    INFO(model.name);
    std::set<std::string_view> names;
    for (const Field& field : model.fields) {
      INFO(field.name);
      CHECK(names.insert(field.name).second);
      CHECK((field.type == Type::model) == (field.model != nullptr));
      CHECK(model.find(field.name) == &field);
    }
    if (model.event) CHECK(names.contains("type"));
  }
}

TEST_CASE("the operations of every day are there with their methods") {
  const std::vector<std::pair<std::string_view, std::string_view>> expected = {
      {"applications.list", "GET"},
      {"asterisk.getInfo", "GET"},
      {"bridges.addChannel", "POST"},
      {"bridges.create", "POST"},
      {"bridges.destroy", "DELETE"},
      {"bridges.get", "GET"},
      {"bridges.list", "GET"},
      {"bridges.play", "POST"},
      {"bridges.removeChannel", "POST"},
      {"channels.answer", "POST"},
      {"channels.continueInDialplan", "POST"},
      {"channels.create", "POST"},
      {"channels.dial", "POST"},
      {"channels.get", "GET"},
      {"channels.getChannelVar", "GET"},
      {"channels.hangup", "DELETE"},
      {"channels.list", "GET"},
      {"channels.originate", "POST"},
      {"channels.play", "POST"},
      {"channels.record", "POST"},
      {"channels.ring", "POST"},
      {"channels.sendDTMF", "POST"},
      {"channels.setChannelVar", "POST"},
      {"deviceStates.update", "PUT"},
      {"endpoints.list", "GET"},
      {"events.userEvent", "POST"},
      {"playbacks.stop", "DELETE"},
      {"recordings.getStored", "GET"},
      {"recordings.getStoredFile", "GET"},
      {"recordings.stop", "POST"},
      {"sounds.list", "GET"},
  };
  for (const auto& [name, method] : expected) {
    INFO(name);
    const Operation* operation = find_operation(name);
    REQUIRE(operation != nullptr);
    CHECK(operation->method == method);
  }
}

TEST_CASE("the events of every call are there") {
  for (const char* name :
       {"StasisStart", "StasisEnd", "ChannelCreated", "ChannelDestroyed", "ChannelStateChange",
        "ChannelDtmfReceived", "ChannelHangupRequest", "ChannelEnteredBridge", "BridgeCreated",
        "PlaybackFinished", "RecordingFinished", "Dial", "DeviceStateChanged"}) {
    INFO(name);
    const ModelType* model = find_model(name);
    REQUIRE(model != nullptr);
    CHECK(model->event);
  }
  REQUIRE(find_model("Channel") != nullptr);
  CHECK_FALSE(find_model("Channel")->event);
}
