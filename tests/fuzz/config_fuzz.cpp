// Whatever a configuration says, it is read, or each mistake is told in a line of its own with its place.
#include <sstream>

#include "config/aribusd/config.h"
#include "tests/fuzz/fuzz.h"

namespace {

bool is_plain(const std::string& line) {
  for (const unsigned char c : line) {
    if (c < ' ' || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = aribus::config::parse_config(text, "aribusd.yaml");
  if (config) {
    require(!config->asterisk.empty(), "what is accepted names an Asterisk");
    require(!config->sockets.empty(), "and a socket");
    return 0;
  }
  std::istringstream lines(config.error().message);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (!line.starts_with("aribusd.yaml:")) std::fprintf(stderr, "%s\n", line.c_str());
    require(line.starts_with("aribusd.yaml:") || line.starts_with("and "), "a mistake has its place");
    require(is_plain(line), "a mistake is told without control characters");
  }
  require(count > 0, "what is refused has a reason");
  return 0;
}
