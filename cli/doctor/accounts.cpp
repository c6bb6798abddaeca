#include "cli/doctor/accounts.h"

#include <algorithm>

#include <grp.h>
#include <pwd.h>

namespace aribus::cli {
namespace {

template <typename List, typename Wanted>
auto first(const List& list, Wanted wanted) -> decltype(&list.front()) {
  const auto at = std::ranges::find_if(list, wanted);
  return at == list.end() ? nullptr : &*at;
}

}  // namespace

Accounts Accounts::of_this_machine() {
  Accounts all;
  ::setpwent();
  while (const passwd* entry = ::getpwent())
    all.users.push_back({entry->pw_name, entry->pw_uid, entry->pw_gid});
  ::endpwent();
  ::setgrent();
  while (const ::group* entry = ::getgrent()) {
    Group group{entry->gr_name, entry->gr_gid};
    for (char** member = entry->gr_mem; *member != nullptr; ++member) group.members.emplace_back(*member);
    all.groups.push_back(std::move(group));
  }
  ::endgrent();
  return all;
}

const Accounts::User* Accounts::user(std::string_view name) const {
  return first(users, [&](const User& user) { return user.name == name; });
}

const Accounts::User* Accounts::user(uid_t uid) const {
  return first(users, [&](const User& user) { return user.uid == uid; });
}

const Accounts::Group* Accounts::group(std::string_view name) const {
  return first(groups,
               [&](const Group& group) { return group.name == name || std::to_string(group.gid) == name; });
}

std::string Accounts::user_name(uid_t uid) const {
  const User* found = user(uid);
  return found == nullptr ? std::to_string(uid) : found->name;
}

std::string Accounts::group_name(gid_t gid) const {
  const Group* found = first(groups, [&](const Group& group) { return group.gid == gid; });
  return found == nullptr ? std::to_string(gid) : found->name;
}

std::vector<std::string> Accounts::members(gid_t gid) const {
  std::vector<std::string> names;
  for (const User& user : users) {
    if (user.gid == gid) names.push_back(user.name);
  }
  for (const Group& group : groups) {
    if (group.gid != gid) continue;
    for (const std::string& name : group.members) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

bool Accounts::is_member(std::string_view user, gid_t gid) const {
  const std::vector<std::string> all = members(gid);
  return std::ranges::find(all, user) != all.end();
}

}  // namespace aribus::cli
