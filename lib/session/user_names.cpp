#include "session/user_names.h"

#include <array>
#include <memory>

#include <pwd.h>

namespace aribus::session {
namespace {

constexpr Milliseconds kept{600'000};
constexpr size_t max_known_users = 4096;

// "" for a user without a name.
std::string name_of(uid_t user) {
  std::array<char, 16 * 1024> room;
  passwd entry{};
  passwd* found = nullptr;
  const bool is_found = ::getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
  return is_found ? found->pw_name : "";
}

}  // namespace

std::string UserNames::find(uid_t user) {
  if (names_.size() >= max_known_users && !names_.contains(user)) names_.clear();
  Entry& entry = names_[user];
  if (!entry.lookup.is_busy() && loop_.now() >= entry.until) {
    const auto name = std::make_shared<std::string>();
    entry.lookup.start(
        loop_, [user, name] { *name = name_of(user); },
        [this, &entry, name] {
          entry.name = *name;
          entry.until = loop_.now() + kept;
        });
  }
  return entry.name;
}

}  // namespace aribus::session
