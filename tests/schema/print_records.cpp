// Prints the records of events, as aribusd sends them: those in the files given (one event a line), and then
// one of each type that ARI declares, in its declared shape.
//
// Usage: print_records FILE ...
#include <fstream>
#include <iostream>

#include "record/record.h"
#include "tests/unit/ari/sample.h"

int main(int argc, char** argv) {
  uint64_t seq = 0;
  const auto print = [&seq](std::string_view event) {
    const auto received = aribus::wall_now();
    std::cout << to_line(aribus::record::read_event(event, event.size(), "pbx1", received), ++seq);
  };
  for (int i = 1; i < argc; ++i) {
    std::ifstream events(argv[i]);
    if (!events) {
      std::cerr << "print_records: can't read " << argv[i] << "\n";
      return 1;
    }
    for (std::string line; std::getline(events, line);) print(line);
  }
  for (const aribus::ari::Model& model : aribus::ari::models()) {
    if (model.event) print(aribus::test::sample(model));
  }
  // What is odd is a record as well.
  for (const char* odd :
       {"no JSON", R"({"type":"NewsFromTomorrow","x":1})", R"({"type":"StasisEnd","channel":"c1"})"})
    print(odd);
  return 0;
}
