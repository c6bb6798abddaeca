#include "config/aribusd/credentials.h"

#include <cstdlib>

#include <unistd.h>

namespace aribus::config {

std::string credential_file(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") return {};
  if (const char* given = std::getenv("CREDENTIALS_DIRECTORY")) return std::string(given) + "/" + name;
  for (const std::string& file : {credential_source(name), credential_in_use(name)}) {
    if (::access(file.c_str(), F_OK) == 0) return file;
  }
  return {};
}

std::string credential_source(const std::string& name) {
  return (name == "ari.secret" ? ARIBUS_CONFIG_DIR "/" : "/etc/credstore/") + name;
}

std::string credential_in_use(const std::string& name) {
  return "/run/credentials/aribusd.service/" + name;
}

}  // namespace aribus::config
