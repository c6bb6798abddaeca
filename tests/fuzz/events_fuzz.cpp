// Whatever a message of the event stream is, it becomes a record, whose line is JSON; and what a reader has
// read before changes nothing.
//
// The first byte of an input says by how much the text was cut.
#include <string>

#include "json/json_tape.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/helpers.h"

namespace {

using namespace aribus;

std::string line_of(record::EventReader& reader, std::string_view text, size_t total_bytes) {
  record::Record record;
  reader.read(text, total_bytes, "pbx1", record);
  return test::to_line(record, 7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto now = [] { return WallTime(Milliseconds(1'795'000'000'000)); };
  static record::EventReader warm(now);
  if (size < 1) return 0;
  // In memory of its own, so that a sanitizer sees who reads beyond it.
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t total_bytes = text.size() + data[0] / 128;
  record::EventReader fresh(now);
  const std::string line = line_of(fresh, text, total_bytes);
  // Its shape is learned the second time, and used the third time.
  for (int i = 0; i < 2; ++i) {
    require(line_of(fresh, text, total_bytes) == line, "the second and third time are as the first");
  }
  for (int i = 0; i < 3; ++i) {
    require(line_of(warm, text, total_bytes) == line, "what was read before changes nothing");
  }
  require(line.ends_with('\n') && line.find('\n') == line.size() - 1, "it is one line");
  JsonTape tape;
  require(tape.read(std::string_view(line).substr(0, line.size() - 1)).valid(), "and JSON");
  return 0;
}
