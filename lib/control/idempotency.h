// Commands that were given a key: a repeat is answered as the first was, and not carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/hash.h"
#include "pbx/server.h"

namespace aribus::control {

struct IdempotencyOptions {
  std::chrono::minutes kept{10};      // an answer, from when it was given
  size_t max_keys = 10'000;           // of more, the oldest answer of the user who has most goes first
  size_t max_under_way = 2'000;       // of one user; further ones are refused
  size_t max_bytes = 16 << 20;        // of keys and answers together; likewise the user who takes most
  size_t max_answer_bytes = 1 << 20;  // a larger answer is not kept: a repeat acts again
};

// Each user has keys of its own: nobody else's can be taken, or be driven out by many. Lives on the loop's
// thread; it must outlive the replies under way.
class IdempotencyStore {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t max_key_bytes = 128;

  explicit IdempotencyStore(IdempotencyOptions options = {}) : options_(options) {}

  // A command of `user` with `key` came. Returns the reply with which to carry it out; nothing when it is a
  // repeat, whose `reply` comes with the first one's answer. `fingerprint` stands for what the command says.
  // `id` is what was chosen for what the command makes, or "".
  // Errors, by `reply`: invalid_params when the key was used for another command; too_much.
  [[nodiscard]] std::optional<pbx::Reply> begin(uid_t user, const std::string& key, uint64_t fingerprint,
                                                pbx::Reply reply, Time now, std::string id = {});
  // Asterisk has the command of `user` with `key`, which will be answered later.
  void accepted(uid_t user, const std::string& key);
  // Has `on_accepted` called once that is so of the command under way that a repeat waits for, at once where
  // it is so already. Nothing when there is none, or when it is answered first.
  void when_accepted(uid_t user, const std::string& key, uint64_t fingerprint,
                     std::function<void()> on_accepted);
  // The id that begin() was given with the first of these commands; "" when there was none, or this one is to
  // be carried out.
  [[nodiscard]] std::string id_of(uid_t user, const std::string& key, uint64_t fingerprint, Time now);
  // What became of the command `command`, whose outcome was unknown: repeats hear of it.
  void resolve(std::string_view command, std::string_view outcome);

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    std::optional<Result<pbx::ResultText>> answer;  // none while it is under way
    std::vector<pbx::Reply> waiting;
    bool accepted = false;
    std::vector<std::function<void()>> on_accepted;
    std::string command;  // under which it will be resolved, or ""
    std::string id;       // of what it makes, or ""
    size_t bytes = 0;
  };
  struct User {
    std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries;
    std::deque<std::pair<Time, std::string>> answered;  // keys, the oldest answer first
    size_t bytes = 0;
  };

  void finish(uid_t user, const std::string& key, Result<pbx::ResultText> answer, Time now);
  void count(User& user, Entry& entry, size_t bytes);
  void erase(User& user, const std::string& key);
  void forget_oldest(User& user);
  void make_room(Time now);

  IdempotencyOptions options_;
  std::map<uid_t, User> users_;
  std::unordered_map<std::string, std::pair<uid_t, std::string>, TextHash, std::equal_to<>>
      unknown_;  // by command
  size_t size_ = 0;
  size_t bytes_ = 0;
};

// What a command says: its method and its parameters, in whatever order they came.
[[nodiscard]] uint64_t fingerprint_of(std::string_view method, const JsonValue& params);

}  // namespace aribus::control
