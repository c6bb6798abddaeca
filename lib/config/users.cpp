#include "config/users.h"

#include <cstdint>

#include <grp.h>
#include <pwd.h>

#include "base/numbers.h"

namespace aribus::config {
namespace {

// Nothing when `text` is no number.
std::optional<uint32_t> id_in_digits(const std::string& text) {
  const auto id = whole_number<uint32_t>(text);
  return id == UINT32_MAX ? std::nullopt : id;
}

}  // namespace

std::optional<uid_t> find_user(const std::string& name) {
  if (const auto id = id_in_digits(name)) return id;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return {};
  return entry->pw_uid;
}

uid_t user_id(const YamlValue& value) {
  const std::string name = value.string();
  const auto id = find_user(name);
  if (!id) value.fail("there is no user '" + shown(name) + "'; create it, or name another");
  return *id;
}

gid_t group_id(const YamlValue& value) {
  const std::string name = value.string();
  if (const auto id = id_in_digits(name)) return *id;
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) value.fail("there is no group '" + shown(name) + "'; create it, or name another");
  return entry->gr_gid;
}

}  // namespace aribus::config
