// What aribusd says of itself, and what it does.
#include "json/json.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/repeated_key.h"
#include "tests/support/simulator.h"

using namespace aribus;
using namespace aribus::test;

namespace {

Json described(const std::string& what) {
  return parse_json(run({ARIBUSD, "--describe", what})).value();
}

const JsonValue& result_schema(const Json& openrpc, std::string_view method) {
  for (const JsonValue& candidate : openrpc["methods"].GetArray()) {
    if (find_string(candidate, "name") == method) return candidate["result"]["schema"];
  }
  throw std::runtime_error("no method " + std::string(method));
}

// Where `value` has a member that `schema` does not name, or lacks one that it requires; or "".
std::string difference(const JsonValue& value, const JsonValue& schema, const std::string& where) {
  if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) {
      if (auto found = difference(item, schema["items"], where + "[]"); !found.empty()) return found;
    }
  }
  const JsonValue* properties = find(schema, "properties");
  if (!value.IsObject() || properties == nullptr) return {};
  if (const JsonValue* required = find(schema, "required")) {
    for (const JsonValue& name : required->GetArray()) {
      if (find(value, as_view(name)) == nullptr)
        return where + "." + std::string(as_view(name)) + " is missing";
    }
  }
  if (const std::string key = repeated_key(value); !key.empty()) return where + "." + key + " is there twice";
  for (const auto& member : value.GetObject()) {
    const std::string at = where + "." + std::string(as_view(member.name));
    const JsonValue* its = find(*properties, as_view(member.name));
    if (its == nullptr) return at + " is not described";
    if (auto found = difference(member.value, *its, at); !found.empty()) return found;
  }
  return {};
}

}  // namespace

TEST_CASE("aribusd describes itself without a configuration") {
  for (const char* what : {"openrpc", "records", "asyncapi"}) CHECK(described(what).IsObject());
  const TemporaryDirectory directory;
  Process wrong({ARIBUSD, "--describe", "everything"}, directory / "output");
  CHECK(wrong.wait(std::chrono::seconds(30)) == 2);
  CHECK_THAT(read_file(directory / "output"),
             ContainsSubstring("one of openrpc, records, asyncapi is expected"));
}

TEST_CASE("rpc.discover answers the description that is printed") {
  const Simulator asterisk;
  const Daemon daemon({asterisk.server()});
  Program program(daemon.connect());
  CHECK(program.call("rpc.discover") == described("openrpc"));
}

TEST_CASE("the daemon's own methods answer what is described, no more and no less") {
  const Simulator asterisk;
  const Daemon daemon({asterisk.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  const Json openrpc = described("openrpc");
  const std::pair<const char*, const char*> calls[] = {
      {"hello", "{}"},
      {"ping", "{}"},
      {"status", "{}"},
      {"subscribe", "{}"},
      {"subscribe", R"({"since":"nonsense"})"},
      {"daemon.clients", "{}"},
      {"group.list", "{}"},
      {"unsubscribe", "{}"},
      {"daemon.reload", "{}"},
  };
  for (const auto& [method, params] : calls) {
    const Json answer = program.call(method, params);
    INFO(method << ": " << to_text(answer));
    CHECK(difference(answer, result_schema(openrpc, method), method).empty());
  }
}
