// Each type of the daemon's own records is the same everywhere: in what is written, in its schema and in the
// documents.
#include "record/own_records.h"

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "tests/catch.h"
#include "tests/support/repeated_key.h"
#include "tests/unit/described_sample.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::json;

namespace {

using Names = std::set<std::string>;

// The members of each type behind the ids.
std::map<std::string, Names> written() {
  std::map<std::string, Names> types;
  test::each_own_record([&](const Record& record) {
    Names& names = types[record.type];
    const Json fields = json("{" + record.fields.substr(record.fields.empty() ? 0 : 1) + "}");
    for (const auto& member : fields.GetObject()) names.emplace(as_view(member.name));
  });
  return types;
}

// The table of docs/protocol.md: by type what its second column says.
std::map<std::string, std::string> documented() {
  std::ifstream file(ARIBUS_SOURCE_DIR "/docs/protocol.md");
  std::map<std::string, std::string> types;
  bool inside = false;
  const std::regex row(R"(\| `([\w.]+)` \|([^|]*)\|.*)");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (line == "The daemon's own records:") inside = true;
    if (inside && line.starts_with("```")) break;
    if (inside && std::regex_match(line, match, row)) types[match[1]] = match[2];
  }
  return types;
}

}  // namespace

TEST_CASE("a record of the daemon's own has no key twice, and can be read back") {
  JsonTape tape;
  Record again;
  size_t count = 0;
  test::each_own_record([&](const Record& record) {
    const std::string text = test::record_text(record, ++count);
    INFO(text);
    CHECK(test::repeated_key(json(text)).empty());
    CHECK(read_text(tape, text, again) == count);
    CHECK(test::record_text(again, count) == text);
    CHECK(again.members == record.members);
  });
  CHECK(count == own_types().size());
}

TEST_CASE("an own record's schema names what is written") {
  const std::map<std::string, Names> all = written();
  for (const OwnType& own : own_types()) {
    INFO(own.name);
    const Json schema = json(own.schema());
    CHECK(find_string(schema["properties"]["type"], "const") == own.name);
    Names described;
    for (const auto& member : schema["properties"].GetObject()) described.emplace(as_view(member.name));
    described.erase("type");
    CHECK(described == all.at(std::string(own.name)));
  }
}

TEST_CASE("docs/protocol.md tells of every type of own records, and of no other") {
  const std::map<std::string, std::string> told = documented();
  const std::map<std::string, Names> all = written();
  Names types, rows;
  for (const auto& [type, members] : all) types.insert(type);
  for (const auto& [type, text] : told) rows.insert(type);
  CHECK(types == rows);
  for (const auto& [type, members] : all) {
    const auto row = told.find(type);
    if (row == told.end()) continue;
    for (const std::string& name : members) {
      INFO(type << ": " << name);
      CHECK(row->second.find("`" + name + "`") != std::string::npos);
    }
  }
}

TEST_CASE("the types that are known are the daemon's own and ARI's events") {
  Names expected;
  for (const OwnType& own : own_types()) expected.emplace(own.name);
  for (const ari::ModelType& model : ari::models()) {
    if (model.event) expected.emplace(model.name);
  }
  CHECK(Names(known_types().begin(), known_types().end()) == expected);
  CHECK(known_types().size() == expected.size());
}
