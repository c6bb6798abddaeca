// Idempotency keys: a command that is repeated with the same key gets the answer of the first one and is not
// carried out again.
//
// A program that does not know whether its command arrived (connection lost, outcome_unknown) sends it again
// with the key of the first attempt. What the repeat gets depends on how far the first one is:
//
// - in progress: the repeat waits and gets the first one's answer when it comes.
// - answered, and Asterisk may have acted (done, refused, unknown outcome): the same answer again, for
// `kept`.
//   When the outcome of an unknown one is found out later, the kept error says so (resolve()).
// - not sent (not connected, too many commands, …), or the answer was too large to keep: nothing is
// remembered,
//   so the repeat is carried out.
//
// A key belongs to a principal (a Unix user) and to one command: the fingerprint covers server, method and
// parameters, and another command with the same key is refused. Repeats announce the id that was generated
// for the first one (Progress::creating). Memory is bounded: the oldest answers go first, those of the user
// who has most before others'; commands in progress are never forgotten but limited per user.
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

#include "base/hash.h"
#include "control/principal.h"
#include "pbx/server.h"

namespace aribus::control {

struct IdempotencyOptions {
  std::chrono::minutes kept{10};      // how long an answer is kept
  size_t max_keys = 10'000;           // beyond it the oldest answer of the user with the most keys is dropped
  size_t max_under_way = 2'000;       // in progress, per user; more are refused
  size_t max_bytes = 16 << 20;        // keys and answers; beyond it that of the user with the most bytes
  size_t max_answer_bytes = 1 << 20;  // a larger answer is not kept: a repeat is carried out
};

// All keys of all users. Owned by the dispatcher, on the loop's thread.
class IdempotencyStore {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t max_key_bytes = 128;

  explicit IdempotencyStore(IdempotencyOptions options = {}) : options_(options) {}

  // Begins a command of `principal` with `key`. Returns whether it is the first one and is to be carried out:
  // then finish() must follow. If it is a repeat, `reply` gets the answer of the first one, now or later.
  // `fingerprint`: see fingerprint_of(). `id` is the id that was generated for what the command creates, or
  // "". Errors, by `reply`: invalid_params if the key was used for another command; too_much.
  [[nodiscard]] bool begin(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                           pbx::Reply reply, Time now, std::string id = {});
  // The first command with that key was answered. Replies to its repeats so far.
  void finish(PrincipalId principal, const std::string& key, const Result<pbx::ResultText>& answer, Time now);
  // Asterisk has accepted the command of `principal` with `key`, which will be answered later.
  // Required: it is in progress.
  void accepted(PrincipalId principal, const std::string& key);
  // Calls `on_accepted` when Asterisk has accepted the command in progress that a repeat waits for, at once
  // if it has already. Does nothing if there is no such command, or if it is answered first.
  void when_accepted(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                     std::function<void()> on_accepted);
  // The id that begin() got with the first one of these commands; "" if there was none or if this command is
  // not a repeat.
  [[nodiscard]] std::string id_of(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                                  Time now);
  // The outcome of the follow-up `command` is known: it is added to the kept error, for repeats.
  void resolve(std::string_view command, std::string_view outcome);

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    std::optional<Result<pbx::ResultText>> answer;  // none while it is in progress
    std::vector<pbx::Reply> waiting;                // of repeats
    bool accepted = false;
    std::vector<std::function<void()>> on_accepted;
    std::string command;  // name of its follow-up, or ""
    std::string id;       // generated for what it creates, or ""
    size_t bytes = 0;
  };
  struct User {
    std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries;
    std::deque<std::pair<Time, std::string>> answered;  // keys, the oldest answer first
    size_t bytes = 0;
  };

  void count(User& user, Entry& entry, size_t bytes);
  void erase(User& user, const std::string& key);
  void forget_oldest(User& user);
  void make_room(Time now);

  IdempotencyOptions options_;
  std::map<PrincipalId, User> users_;
  std::unordered_map<std::string, std::pair<PrincipalId, std::string>, TextHash, std::equal_to<>>
      unknown_;  // user and key of each command with a follow-up, by its name
  size_t size_ = 0;
  size_t bytes_ = 0;
};

// Hash of a command: its method, and its parameters in any order.
[[nodiscard]] uint64_t fingerprint_of(std::string_view method, const JsonValue& params);

}  // namespace aribus::control
