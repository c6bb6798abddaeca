// Every method and every parameter is described, and what is described exists.
#include "control/methods/method_descriptions.h"

#include <cctype>
#include <regex>
#include <set>

#include "session/all_methods.h"
#include "session/describe.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;

namespace {

constexpr size_t max_bytes = 200;

// All methods of a daemon.
const MethodTable::Methods& methods() {
  return session::declared_methods().all();
}

// The names of a method's parameters, those of all commands among them.
std::vector<std::string_view> parameters_of(const Method& method) {
  std::vector<std::string_view> names;
  for (const ari::Parameter& parameter : method.parameters) names.push_back(parameter.name);
  if (method.run) names.insert(names.end(), {"server", "key"});
  if (method.run && method.access_level != control::AccessLevel::read) names.emplace_back("epoch");
  return names;
}

// The words in `backticks` in a text.
std::set<std::string> names_in(std::string_view text) {
  static const std::regex in_backticks("`([^`]*)`");
  std::set<std::string> names;
  for (std::cregex_iterator at(text.begin(), text.end(), in_backticks), end; at != end; ++at)
    names.insert((*at)[1]);
  return names;
}

// All names of members that a JSON Schema has.
void add_members(const JsonValue& schema, std::set<std::string, std::less<>>& names) {
  if (schema.IsArray()) {
    for (const JsonValue& item : schema.GetArray()) add_members(item, names);
  }
  if (!schema.IsObject()) return;
  if (const JsonValue* properties = find(schema, "properties")) {
    for (const auto& member : properties->GetObject()) names.emplace(as_view(member.name));
  }
  for (const auto& member : schema.GetObject()) add_members(member.value, names);
}

// What a text may name besides parameters: methods, models, events and their fields, notifications.
const std::set<std::string, std::less<>>& known_names() {
  static const auto known = [] {
    std::set<std::string, std::less<>> names{"event", "lost", "creating", "assigned", "released", "left"};
    for (const auto& [name, method] : methods()) {
      names.insert(name);
      if (!method.answer_schema.empty()) add_members(json(method.answer_schema), names);
    }
    for (const ari::ModelType& model : ari::models()) {
      names.emplace(model.name);
      for (const ari::Field& field : model.fields) names.emplace(field.name);
    }
    return names;
  }();
  return known;
}

// The letters of a text, small.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0)
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return letters;
}

// What is wrong with what is said of `name`, the method or one of its parameters; "" when nothing is.
std::string fault_in(const Method& method, std::string_view name, std::string_view text) {
  if (letters_of(text).empty()) return "it is empty";
  const std::string_view last_word = name.substr(name.rfind('.') + 1);
  if (letters_of(text) == letters_of(name) || letters_of(text) == letters_of(last_word))
    return "it only repeats the name";
  if (std::isupper(static_cast<unsigned char>(text.front())) == 0 && !text.starts_with('\'') &&
      !text.starts_with("true: "))
    return "it begins with no capital";
  if (!text.ends_with('.')) return "it ends without a full stop";
  if (text.size() > max_bytes) return "it has " + std::to_string(text.size()) + " bytes";
  const auto parameters = parameters_of(method);
  for (const std::string& named : names_in(text)) {
    const bool is_parameter = std::ranges::find(parameters, named) != parameters.end();
    if (!is_parameter && !known_names().contains(named)) return "there is no " + named;
  }
  return {};
}

// Calls `use(method, parameter)` for everything that is to be described; `parameter` is "" for methods.
template <typename Use>
void for_all(Use use) {
  for (const auto& [name, method] : methods()) {
    use(method, std::string_view());
    for (const std::string_view parameter : parameters_of(method)) use(method, parameter);
  }
}

}  // namespace

TEST_CASE("every method and every parameter is described") {
  size_t count = 0;
  for_all([&](const Method& method, std::string_view parameter) {
    INFO(method.name << " " << parameter);
    const MethodDescription* description = description_of(method, parameter);
    CHECK(description != nullptr);
    if (description == nullptr) return;
    CHECK(fault_in(method, parameter.empty() ? method.name : parameter, description->text) == "");
    ++count;
  });
  CHECK(count > 700);
}

TEST_CASE("OpenRPC describes every method and every parameter, and a summary is the first sentence") {
  const Json document = json(*session::describe("openrpc"));
  const auto is_described = [](const JsonValue& described) {
    INFO(find_string(described, "name"));
    CHECK_FALSE(find_string(described, "description").empty());
  };
  for (const JsonValue& method : document["methods"].GetArray()) {
    INFO(find_string(method, "name"));
    is_described(method);
    const std::string_view summary = find_string(method, "summary");
    CHECK(find_string(method, "description").starts_with(summary));
    CHECK(summary.ends_with('.'));
    for (const JsonValue& parameter : method["params"].GetArray()) {
      if (find_string(parameter, "$ref").empty()) is_described(parameter);
    }
  }
  for (const auto& common : document["components"]["contentDescriptors"].GetObject())
    is_described(common.value);
}

TEST_CASE("every description is of something that exists, and is the only one") {
  std::set<const MethodDescription*> used;
  for_all([&](const Method& method, std::string_view parameter) {
    used.insert(description_of(method, parameter));
  });
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const MethodDescription& description : method_descriptions()) {
    INFO(description.method << " " << description.parameter);
    CHECK(used.contains(&description));
    CHECK(seen.emplace(description.method, description.parameter).second);
  }
}

TEST_CASE("what is wrong with a description is found") {
  const Method& record = methods().find("channels.record")->second;
  const auto fault = [&](std::string_view text) { return fault_in(record, "channelId", text); };
  CHECK(fault("Id of the channel, see `name`, `channels.list` and `StasisStart`.").empty());
  CHECK(fault("") == "it is empty");
  CHECK(fault("Channel id.") == "it only repeats the name");
  CHECK(fault("id of the channel.") == "it begins with no capital");
  CHECK(fault("Id of the channel") == "it ends without a full stop");
  CHECK(fault("See `channels.lst`.") == "there is no channels.lst");
  CHECK(fault("See `bridgeId`.") == "there is no bridgeId");  // it is another method's
  CHECK(fault(std::string(max_bytes, 'X') + ".") == "it has 201 bytes");
}

TEST_CASE("what fits most closely is said; of a verb what is said of its operations") {
  const auto text = [](std::string_view method, std::string_view parameter) {
    return description_of(methods().find(method)->second, parameter)->method;
  };
  CHECK(text("channels.answer", "channelId") == "*");
  CHECK(text("channels.get", "channelId") == "channels.get");
  CHECK(text("channels.originateWithId", "timeout") == "channels.originate*");
  CHECK(text("bridges.create", "variables") == "bridges.create");
  CHECK(text("originate", "timeout") == "channels.originate*");
  CHECK(text("play", "announcer_format") == "bridges.play*");
  CHECK(text("play", "channelId") == "play");
  CHECK(text("hangup", "") == "channels.hangup");
  CHECK(description_of(Method{.name = "channels.fly"}) == nullptr);
  CHECK(description_of(methods().find("ping")->second, "height") == nullptr);
}
