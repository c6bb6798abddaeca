// Commands that were given a key: a repeat is answered as the first was, and not carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/upstream.h"

namespace aribus::control {

struct RepeatsOptions {
  std::chrono::minutes kept{10};      // an answer, from when it was given
  size_t max_keys = 10'000;           // the oldest answers go first
  size_t max_bytes = 16 << 20;        // of keys and answers together; likewise
  size_t max_answer_bytes = 1 << 20;  // a larger answer is not kept: a repeat acts again
};

// Lives on the loop's thread; it must outlive the replies under way.
class Repeats {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t max_key_bytes = 128;

  explicit Repeats(RepeatsOptions options = {}) : options_(options) {}

  // A command with `key` came. Returns the reply with which to carry it out; nothing when it is a repeat,
  // whose `reply` comes with the first one's answer. `fingerprint` stands for what the command says. Errors,
  // by `reply`: invalid_params when the key was used for another command; too_much.
  [[nodiscard]] std::optional<Reply> begin(const std::string& key, uint64_t fingerprint, Reply reply,
                                           Time now);
  // What became of the command `command`, whose outcome was unknown: repeats hear of it.
  void resolve(std::string_view command, std::string_view outcome);

  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    std::optional<Result<std::string>> answer;  // none while it is under way
    std::vector<Reply> waiting;
    std::string command;  // under which it will be resolved, or ""
    size_t bytes = 0;
  };

  void finish(const std::string& key, Result<std::string> answer, Time now);
  void forget_oldest();
  void make_room(Time now);

  RepeatsOptions options_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<Time, std::string>> answered_;  // keys, the oldest answer first
  size_t bytes_ = 0;
};

// What a command says: its method and its parameters, in whatever order they came.
[[nodiscard]] uint64_t fingerprint_of(std::string_view method, const JsonValue& params);

}  // namespace aribus::control
