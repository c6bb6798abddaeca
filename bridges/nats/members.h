// Members of worker groups on other machines: each has a connection to the daemon here, whose bytes go over
// NATS. docs/nats-clients.md, "Members of worker groups".
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "nats/commands.h"
#include "nats/member_link.h"

namespace aribus::nats {

// Counters of one rule's members, read by other threads.
struct MemberFigures {
  std::atomic<uint64_t> connected{0};  // now
  std::atomic<uint64_t> opened{0};     // links
  std::atomic<uint64_t> expired{0};    // links whose lease ended
  std::atomic<uint64_t> broken{0};     // links that ended because a message was missing or refused
};

// A message from NATS.
struct MemberMessage {
  const Commands* rule = nullptr;  // that its subject names
  MemberSubject subject{};
  std::string link{};  // the id of the link, a token
  FromMember body{};
  std::optional<std::chrono::milliseconds> lease{};  // of a new link
  bool ends = false;                                 // the member ends the link
};

// Runs the links in a thread of its own.
class Members {
 public:
  using Clock = MemberLink::Clock;
  static constexpr size_t max_links = 1024;  // of a rule
  // Messages from NATS that wait for this object's thread; more are dropped.
  static constexpr size_t max_incoming = 8192, max_incoming_bytes = 16 << 20;

  struct Handlers {
    // Sends a message to a member. `end`: why the link ends with it; "": it goes on. Called by this object's
    // thread; must not block.
    std::function<void(const std::string& subject, ToMember message, const std::string& end)> send;
    // The maximum bytes of a message's data; 0: nothing can be sent at present. Called by this object's
    // thread; must not block.
    std::function<size_t()> max_data;
  };

  // `rules`: those that members can use.
  Members(const std::vector<const Commands*>& rules, Handlers handlers);
  ~Members();
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  // Handles a message. Safe for use by several threads.
  void take(MemberMessage message);
  // max_data() is not 0 any more. Safe for use by several threads.
  void can_send();
  // The rule is not offered any more: ends its links. Safe for use by several threads.
  void drop(const Commands& rule);
  // Ends all links; their members open others when they can. Named members keep their calls for `grace`.
  void stop();

  // Required: the rule was given to the constructor.
  [[nodiscard]] const MemberFigures& figures(const Commands& rule) const { return *figures_.at(&rule); }

 private:
  struct Link;
  // A connection whose member has lost its calls: the daemon is told, and reads that before it ends.
  struct Leaving {
    Fd socket;
    Clock::time_point until;
  };

  void run();
  void take_incoming();
  void on_message(MemberMessage message);
  void open(MemberMessage message, std::string subject);
  void on_ready(Link& link, uint32_t events);
  void read_daemon(Link& link);
  // Sends what the member may get now, and watches what the link waits for. The link may be gone afterwards.
  void pump(Link& link);
  void write_daemon(Link& link);
  void watch(Link& link);
  void expire(Clock::time_point now);
  void leave_calls(Link& link);
  // Ends the link, and tells the member why unless `why` is empty.
  void end(Link& link, const std::string& why);
  void end_broken(Link& link, const std::string& why);
  void tell_end(const std::string& subject, ToMember message, const std::string& why);
  [[nodiscard]] int until_next_look(Clock::time_point now) const;
  void wake() const;

  const Handlers handlers_;
  std::map<const Commands*, std::unique_ptr<MemberFigures>> figures_;
  Fd epoll_, wake_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;  // protects the members up to the next empty line
  std::vector<MemberMessage> incoming_;
  size_t incoming_bytes_ = 0;  // of their data
  std::vector<const Commands*> dropped_;
  bool can_send_ = false;

  // Used only by this object's thread.
  std::map<std::string, std::unique_ptr<Link>> links_;  // by the subject of messages to the member
  std::unordered_map<uint64_t, Link*> by_number_;
  uint64_t numbers_ = 0;
  std::map<int, Leaving> leaving_;              // by descriptor
  std::optional<Clock::time_point> next_look_;  // at leases
  RareWarnings warnings_;

  std::thread thread_;
};

}  // namespace aribus::nats
