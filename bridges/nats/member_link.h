// One member of a worker group on another machine: its link to the daemon. No input or output.
//
// A link carries the bytes of one connection to the daemon's socket in numbered messages: 1, 2, 3 … from the
// member, and 1, 2, 3 … to it. If a number is missing, a message was lost; the link then ends, and the member
// opens another one and subscribes again with `since`. Nothing is sent a second time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace aribus::nats {

// The tokens of the subject aribus.v1.member.<pbx>.<rule>.<group>.<member>.
struct MemberSubject {
  std::string pbx, rule, group, member;

  // nullopt: it is no such subject.
  [[nodiscard]] static std::optional<MemberSubject> parse(std::string_view subject);
  // The subject of messages to the member; `link`: its id, a token.
  [[nodiscard]] std::string to_member(std::string_view link) const;
};

// The subject on which a bridge says that it accepts members of `rule`, a token.
[[nodiscard]] std::string accepting_subject(std::string_view pbx, std::string_view rule);

// A message of a member.
struct FromMember {
  uint64_t number = 0;
  uint64_t received = 0;  // the number of the last message to the member that it has processed
  std::string data{};
};

// A message to a member.
struct ToMember {
  uint64_t number = 0;
  uint64_t received = 0;  // the number of the last message from the member
  std::string data{};
};

class MemberLink {
 public:
  using Clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;

  static constexpr milliseconds shortest_lease{100}, default_lease{10'000}, longest_lease{3'600'000};
  // What may be on its way to the member: beyond that, nothing more is read from the daemon until the member
  // acknowledges.
  static constexpr size_t max_unacknowledged = 1024, max_unacknowledged_bytes = 1 << 20;
  // Messages that a member leaves unacknowledged before its link ends: even an idle one gets the answers to
  // its signs of life.
  static constexpr size_t max_unacknowledged_signs = 65'536;
  // Of requests that the daemon does not read, and of the bridge's own answers.
  static constexpr size_t max_waiting_bytes = 4 << 20;

  struct Options {
    std::string rule{};       // of the daemon's connection
    MemberSubject subject{};  // says whose link it is
    milliseconds lease = default_lease;
    size_t max_request_bytes = 1 << 20;
  };

  MemberLink(Options options, Clock::time_point now) : options_(std::move(options)), heard_(now) {}

  // Takes a message of the member. Errors, after which the link has to be ended: malformed, for a number that
  // is not the next one, or an acknowledgement of what was not sent; too_much.
  [[nodiscard]] Result<void> take(const FromMember& message, Clock::time_point now);
  // What is to be written to the daemon's socket. The owner removes what it has written.
  [[nodiscard]] std::string& to_daemon() { return to_daemon_; }

  // Whether more of the daemon's bytes may be taken.
  [[nodiscard]] bool has_room() const {
    return out_.empty() && unacknowledged_.size() < max_unacknowledged &&
           unacknowledged_bytes_ < max_unacknowledged_bytes;
  }
  // Takes bytes of the daemon. Required: has_room().
  void daemon_wrote(std::string_view bytes);
  // The next message to the member, with at most `max_bytes`; nullopt: there is nothing to send now.
  [[nodiscard]] std::optional<ToMember> next(size_t max_bytes);

  // When the member has lost its calls, unless it sends something before.
  [[nodiscard]] Clock::time_point lease_end() const { return heard_ + options_.lease; }
  // The bridge itself did nothing for so long: it could not hear the member.
  void was_deaf(Clock::duration time) { heard_ += time; }

  [[nodiscard]] const Options& options() const { return options_; }

 private:
  void on_request(std::string_view line);
  [[nodiscard]] Result<std::string> checked(std::string_view line, std::string& id) const;
  void answer(std::string text);

  Options options_;
  Clock::time_point heard_;   // when the last message of the member came
  uint64_t taken_ = 0;        // the number of the last message from the member
  bool owes_answer_ = false;  // the member waits for a message
  std::string begun_;         // an incomplete request
  std::string to_daemon_;
  uint64_t sent_ = 0;  // the number of the last message to the member
  uint64_t acknowledged_ = 0;
  std::deque<size_t> unacknowledged_;  // the bytes of each message after acknowledged_
  size_t unacknowledged_bytes_ = 0;
  std::string out_;            // for the member, not sent yet
  std::string answers_;        // the bridge's own, which wait for the end of a line of the daemon
  bool at_line_start_ = true;  // out_, and all before it, ends with a line's end
};

}  // namespace aribus::nats
