#include "session/user_names.h"

#include <array>

#include <pwd.h>

namespace aribus::session {
namespace {

constexpr Milliseconds kept{600'000};
constexpr size_t max_names = 4096;

int under_way = 0;  // on the loop's thread alone

}  // namespace

struct UserNames::Request {
  uv_work_t raw;
  uid_t user;
  std::string name;
  std::shared_ptr<UserNames*> owner;

  void look_up() {
    std::array<char, 16 * 1024> room;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
      name = found->pw_name;
  }
  void finish() const {
    if (*owner == nullptr) return;
    Entry& entry = (*owner)->names_[user];
    entry = {name, (*owner)->loop_.now() + kept, false};
  }
};

UserNames::~UserNames() {
  *self_ = nullptr;
}

std::string UserNames::find(uid_t user) {
  if (names_.size() >= max_names && !names_.contains(user)) names_.clear();
  Entry& entry = names_[user];
  if (!entry.asked && loop_.now() >= entry.until) {
    auto* request = new Request{{}, user, {}, self_};
    request->raw.data = request;
    const int status = uv_queue_work(
        loop_.raw(), &request->raw, [](uv_work_t* raw) { static_cast<Request*>(raw->data)->look_up(); },
        [](uv_work_t* raw, int) {
          const std::unique_ptr<Request> done(static_cast<Request*>(raw->data));
          --under_way;
          done->finish();
        });
    if (status == 0) {
      entry.asked = true;
      ++under_way;
    } else {
      delete request;
    }
  }
  return entry.name;
}

bool UserNames::any_under_way() {
  return under_way > 0;
}

}  // namespace aribus::session
