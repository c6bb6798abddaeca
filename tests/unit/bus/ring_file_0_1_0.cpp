// A ring file that aribusd 0.1.0 wrote is resumed. tests/data/ring-0.1.0 holds one, and the lines that a
// program on the socket got meanwhile. It was made with the smallest ring, which had wrapped several times.
#include <cstdlib>
#include <fstream>

#include <unistd.h>

#include "bus/record_log.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;

namespace {

constexpr const char* data = ARIBUS_SOURCE_DIR "/tests/data/ring-0.1.0/";

std::string unpacked(const test::TempDir& directory, const std::string& name) {
  const std::string path = directory.path(name);
  REQUIRE(std::system(("gzip -dc " + (data + name) + ".gz >" + path + " && chmod 600 " + path).c_str()) == 0);
  return path;
}

}  // namespace

TEST_CASE("the ring file of aribusd 0.1.0 is resumed with its stream and all of its records") {
  if (::sysconf(_SC_PAGESIZE) != 4096) return test::leave_out("a machine with other pages wrote the file");
  const test::TempDir directory;
  std::ifstream file(unpacked(directory, "lines.jsonl"));
  std::string subscribed;  // the answer to `subscribe`
  std::getline(file, subscribed);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line + "\n");
  const uint64_t first_line = find(*find(test::json(lines.front()), "params"), "seq")->GetUint64();

  auto made = RecordLog::make(
      {.ring_bytes = RecordLog::min_ring_bytes, .path = unpacked(directory, "bus.log")}, test::framing);
  REQUIRE(made.ok());
  RecordLog& log = *made;
  CHECK(log.not_resumed_because() == "");
  REQUIRE(log.resumed());
  CHECK_THAT(subscribed, ContainsSubstring("\"" + log.stream() + ":"));
  REQUIRE(log.first() == 391);
  REQUIRE(log.next() == 507);
  CHECK(log.readable_from(log.first()) == log.first());
  CHECK(log.readable_until(log.first()) == log.next());
  // The last record tells that the daemon ended: it came when the program was disconnected already.
  const uint64_t end = first_line + lines.size();
  REQUIRE(end == log.next() - 1);
  for (uint64_t seq = log.first(); seq < end; ++seq) CHECK(log.line(seq) == lines[seq - first_line]);
  CHECK_THAT(std::string(log.record_text(end)), ContainsSubstring(R"("type":"server.disconnected")"));
  CHECK(log.append(test::record_of("StasisStart")) == 507);
}
