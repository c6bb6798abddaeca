// Users and groups, as far as the name service lists them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace aribus::cli {

struct Accounts {
  struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;  // the primary group
  };
  struct Group {
    std::string name;
    gid_t gid = 0;
    std::vector<std::string> members = {};  // supplementary
  };
  std::vector<User> users;
  std::vector<Group> groups;

  [[nodiscard]] static Accounts of_this_machine();

  // nullptr when there is none. `group` may be in digits.
  [[nodiscard]] const User* user(std::string_view name) const;
  [[nodiscard]] const User* user(uid_t uid) const;
  [[nodiscard]] const Group* group(std::string_view name) const;
  // Names, or the number where there is none.
  [[nodiscard]] std::string user_name(uid_t uid) const;
  [[nodiscard]] std::string group_name(gid_t gid) const;
  // The members of a group, primary or supplementary.
  [[nodiscard]] std::vector<std::string> members(gid_t gid) const;
  [[nodiscard]] bool is_member(std::string_view user, gid_t gid) const;
};

}  // namespace aribus::cli
