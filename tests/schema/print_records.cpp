// Prints the records of events, as aribusd sends them: those in the files given (one event a line), then of
// each type that ARI declares one with all its fields and one with those required, the daemon's own, and odd
// ones.
//
// Usage: print_records FILE ...
#include <fstream>
#include <iostream>

#include "record/record.h"
#include "tests/unit/ari/sample.h"
#include "tests/unit/described_sample.h"
#include "tests/unit/helpers.h"

namespace {

// Takes from `object`, of `model`, what is not required, in any depth.
void strip(aribus::JsonValue& object, const aribus::ari::ModelType& model) {
  for (const aribus::ari::Field& field : model.fields) {
    const std::string name(field.name);
    if (!field.required) {
      object.RemoveMember(name.c_str());
    } else if (field.model != nullptr && !field.list) {
      strip(object[name.c_str()], *field.model);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seq = 0;
  const auto print = [&seq](std::string_view event) {
    const auto received = aribus::wall_now();
    const auto record = aribus::test::read_event(event, event.size(), "pbx1", received);
    std::cout << aribus::test::to_line(record, ++seq);
  };
  for (int i = 1; i < argc; ++i) {
    std::ifstream events(argv[i]);
    if (!events) {
      std::cerr << "print_records: can't read " << argv[i] << "\n";
      return 1;
    }
    for (std::string line; std::getline(events, line);) print(line);
  }
  for (const aribus::ari::ModelType& model : aribus::ari::models()) {
    if (!model.event) continue;
    const std::string whole = aribus::test::sample(model);
    print(whole);
    auto least = aribus::parse_json(whole);
    strip(*least, model);
    print(aribus::to_text(*least));
  }
  aribus::test::each_own_record(
      [&](const aribus::record::Record& own) { std::cout << aribus::test::to_line(own, ++seq); });
  // What is odd is a record as well.
  for (const char* odd : {
           "no JSON",
           "\xff",
           "[]",
           R"({"type":5})",
           R"({"type":"NewsFromTomorrow","x":1,"application":7})",
           R"({"type":"NewsFromTomorrow","time":"late","channel":{"id":"c1","name":"x","state":"Up"}})",
           R"({"type":"server.connected"})",  // Asterisk has no such event
           R"({"type":"Malformed"})",
           R"({"type":"StasisEnd","channel":"c1"})",
           R"({"type":"StasisStart","timestamp":"yesterday"})",
           R"({"type":"ChannelDtmfReceived","digit":null,"seq":5,"devices":"all"})",
       }) {
    print(odd);
  }
  return 0;
}
