// Configurations of the daemon as texts, and what is said of them.
#pragma once

#include <string>

#include "config/aribusd/config.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

// One server with the given lines more or instead.
inline std::string with(const std::string& lines) {
  return "asterisk:\n  - username: aribus\n    password: s3cret\n    apps: [demo]\n" + lines;
}

// The mistakes that `text`, read from a file, has: a line each, without the file's name.
inline std::string mistakes_in(const std::string& text) {
  const TempDir directory;
  const std::string file = directory.write("c.yaml", text);
  const auto config = config::load_config(file);
  INFO(text);
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().kind == ErrorKind::invalid_params);
  std::string message = config.error().message;
  REQUIRE(message.starts_with(file + ":"));
  for (size_t at = 0; (at = message.find(file, at)) != std::string::npos;) message.erase(at, file.size());
  return message;
}

}  // namespace aribus::test
