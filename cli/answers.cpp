#include "cli/answers.h"

#include <algorithm>
#include <string>

namespace aribus::cli {
namespace {

Error unexpected(std::string_view what, const std::string& how) {
  return Error{
      ErrorKind::malformed, "aribusd answered something unexpected: " + std::string(what) + ": " + how, {}};
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::string:
      return "a string";
    case Type::number:
      return "a number";
    case Type::boolean:
      return "true or false";
    case Type::object:
      return "an object";
    case Type::strings:
      return "a list of strings";
    case Type::objects:
      break;
  }
  return "a list of objects";
}

bool has_type(const JsonValue& value, Type type) {
  const auto all = [&](Type inner) {
    return value.IsArray() && std::ranges::all_of(value.GetArray(), [&](const JsonValue& item) {
             return has_type(item, inner);
           });
  };
  switch (type) {
    case Type::string:
      return value.IsString();
    case Type::number:
      return value.IsNumber();
    case Type::boolean:
      return value.IsBool();
    case Type::object:
      return value.IsObject();
    case Type::strings:
      return all(Type::string);
    case Type::objects:
      break;
  }
  return all(Type::object);
}

// expect() of each object in the list `name` of `answer`, which was checked.
Result<void> expect_each(std::string_view what, const JsonValue& answer, std::string_view name,
                         std::initializer_list<Member> members) {
  const JsonValue* list = find(answer, name);
  if (list == nullptr) return {};
  for (const JsonValue& item : list->GetArray()) {
    if (auto good = expect(what, item, members); !good) return good;
  }
  return {};
}

}  // namespace

Result<void> expect(std::string_view what, const JsonValue& answer, std::initializer_list<Member> members) {
  if (!answer.IsObject()) return unexpected(what, "it is no object");
  for (const Member& member : members) {
    const JsonValue* value = find(answer, member.name);
    if (value == nullptr && !member.required) continue;
    if (value == nullptr) return unexpected(what, "it lacks `" + std::string(member.name) + "`");
    if (!has_type(*value, member.type)) {
      return unexpected(what,
                        "`" + std::string(member.name) + "` is not " + std::string(name_of(member.type)));
    }
  }
  return {};
}

Result<void> check_status(const JsonValue& answer) {
  constexpr std::string_view what = "status";
  auto good = expect(what, answer,
                     {{"aribus", Type::string},
                      {"pid", Type::number},
                      {"started", Type::string},
                      {"configuration", Type::object},
                      {"connections", Type::number},
                      {"subscribers", Type::number},
                      {"servers", Type::objects, true},
                      {"bus", Type::object},
                      {"loop", Type::object}});
  if (!good) return good;
  return expect_each(what, answer, "servers",
                     {{"name", Type::string, true},
                      {"state", Type::string, true},
                      {"since", Type::string},
                      {"version", Type::string},
                      {"apps", Type::strings},
                      {"reason", Type::string},
                      {"replaced", Type::strings},
                      {"rest", Type::string}});
}

Result<void> check_subscribed(const JsonValue& answer) {
  constexpr std::string_view what = "subscribe";
  auto good = expect(what, answer,
                     {{"reason", Type::string}, {"warnings", Type::strings}, {"snapshot", Type::object}});
  const JsonValue* snapshot = good ? find(answer, "snapshot") : nullptr;
  if (snapshot == nullptr) return good;
  return expect(what, *snapshot, {{"channels", Type::objects}, {"bridges", Type::objects}});
}

Result<void> check_clients(const JsonValue& answer) {
  return expect("daemon.clients", answer, {{"clients", Type::objects, true}, {"left", Type::objects}});
}

Result<void> check_groups(const JsonValue& answer) {
  constexpr std::string_view what = "group.list";
  auto good = expect(what, answer, {{"groups", Type::objects, true}});
  if (!good) return good;
  return expect_each(what, answer, "groups",
                     {{"name", Type::string, true},
                      {"apps", Type::strings},
                      {"members", Type::objects, true},
                      {"calls", Type::objects, true}});
}

Result<void> check_reloaded(const JsonValue& answer) {
  return expect("daemon.reload", answer,
                {{"applied", Type::boolean, true},
                 {"reason", Type::string},
                 {"warnings", Type::strings},
                 {"changed", Type::strings},
                 {"restart", Type::strings}});
}

Result<void> check_description(const JsonValue& answer) {
  constexpr std::string_view what = "rpc.discover";
  auto good = expect(what, answer, {{"methods", Type::objects, true}, {"components", Type::object}});
  if (!good) return good;
  return expect_each(what, answer, "methods",
                     {{"name", Type::string, true},
                      {"summary", Type::string},
                      {"description", Type::string},
                      {"params", Type::objects}});
}

}  // namespace aribus::cli
