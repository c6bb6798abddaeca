// Commands of one access rule: sends them to the daemon's socket of that rule, and the answers back.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "client/line_socket.h"
#include "nats/request.h"

namespace aribus::nats {

// Counters of one rule's commands, read by other threads.
struct CommandFigures {
  std::atomic<uint64_t> done{0};      // answered with a result
  std::atomic<uint64_t> failed{0};    // with any other error
  std::atomic<uint64_t> not_sent{0};  // with -32001
  std::atomic<uint64_t> unknown{0};   // with -32002
  std::atomic<uint64_t> under_way{0};
  std::atomic<uint64_t> took_us{0};  // the sum over all answered commands

  void count(Outcome outcome);
};

// Where a request was sent to: this PBX, or any PBX.
enum class Address { pbx, any };

// The origin of a request.
struct Asked {
  std::string id = "null";  // of the request, as JSON text
  std::string reply;        // the subject of the answer; "": no answer is wanted
  Address address = Address::pbx;
};

// A connection to the daemon in a thread of its own; it reconnects whenever the connection ends. Every
// request is answered exactly once and never sent twice: with the daemon's answer; with -32001 if it was not
// sent; or with -32002 if it was sent but the connection ended, or its timeout expired, before the answer.
class Commands {
 public:
  using Clock = std::chrono::steady_clock;
  // Maximum number and bytes of commands in progress; more are refused with -32004.
  static constexpr size_t max_under_way = 4096;
  static constexpr size_t max_bytes = 8 << 20;

  struct Handlers {
    // Sends the answer to a request. Called by any thread.
    std::function<void(const Asked& asked, std::string_view text)> answer;
    // is_offered() or is_connected() may have changed. Called by this object's thread.
    std::function<void()> changed;
  };

  // `rule` is the name that the daemon's access rule for `socket` must have.
  Commands(std::string rule, std::string socket, Handlers handlers);
  ~Commands() { stop(); }
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // Sends a request. When `timeout` expires it is answered with -32002, or with -32001 if it was not sent
  // yet. Safe for use by several threads.
  void request(Request request, Asked asked, std::optional<std::chrono::milliseconds> timeout);
  // Answers a request with an error instead of sending it. Safe for use by several threads.
  void refuse(const Asked& asked, const Error& error);

  // Ends the connection: commands in progress and new ones are answered with -32001 or -32002.
  void stop();

  // To be called when the daemon has read its configuration again: another rule may apply to the socket.
  void check_rule();

  // Programs may use it: the daemon's rule has this name, or is not known yet.
  [[nodiscard]] bool is_offered() const { return state_ != State::other_rule; }
  [[nodiscard]] bool is_connected() const { return state_ == State::connected; }
  [[nodiscard]] const CommandFigures& figures(Address address) const {
    return address == Address::any ? any_ : pbx_;
  }
  [[nodiscard]] uint64_t under_way() const { return pbx_.under_way + any_.under_way; }
  [[nodiscard]] const std::string& rule() const { return rule_; }
  // The daemon's socket for this rule.
  [[nodiscard]] const std::string& path() const { return path_; }
  // The daemon's maximum for one request.
  [[nodiscard]] size_t max_line_bytes() const { return max_line_bytes_; }

 private:
  enum class State { not_connected, connected, other_rule };
  // A request that is not answered yet.
  struct Waiting {
    Asked asked;
    std::string line;  // empty once it was sent
    Clock::time_point began = Clock::now();
    std::optional<std::chrono::milliseconds> timeout{};
    bool is_hello = false;  // the bridge's own
    size_t bytes = 0;
  };

  using Waitings = std::map<uint64_t, Waiting>;

  void run();
  // Waits until `fd` (-1: none) is readable or writable, for wake(), or for the timeout.
  void wait(int fd, int timeout_ms);
  // Runs until the connection ends; returns the reason.
  [[nodiscard]] Error serve(client::LineSocket& socket);
  void take_incoming();
  void say_hello();
  // Errors: the connection accepts no more data.
  [[nodiscard]] Result<void> send_some(int fd);
  [[nodiscard]] Result<void> read_some(client::LineSocket& socket);
  [[nodiscard]] Result<void> take_line(std::string_view line);
  void take_hello(std::string_view line);
  [[nodiscard]] Result<void> end_late();
  [[nodiscard]] int until_next_end() const;
  void end_all(const std::string& why);
  void finish(Waitings::iterator at, Outcome outcome, const std::string& text);
  void fail(Waitings::iterator at, const Error& error);
  [[nodiscard]] CommandFigures& figures_of(const Asked& asked) {
    return asked.address == Address::any ? any_ : pbx_;
  }
  // `reason`: why it is not connected; empty if it is.
  void become(State state, std::string reason);
  void wake() const;

  const std::string rule_, path_;
  const Handlers handlers_;
  CommandFigures pbx_, any_;  // by Address
  std::atomic<State> state_ = State::not_connected;
  std::atomic<size_t> bytes_ = 0;  // of the commands in progress
  std::atomic<size_t> max_line_bytes_;
  std::atomic<uint64_t> next_ = 1;
  std::atomic<bool> check_rule_ = false;
  std::atomic<bool> stopping_ = false;
  Fd wake_;  // an eventfd

  std::mutex mutex_;  // protects the two members below
  std::vector<std::pair<uint64_t, Waiting>> incoming_;
  std::string reason_;  // why it is not connected

  // Used only by this object's thread.
  Waitings waiting_;
  std::deque<uint64_t> unsent_;  // numbers; those no longer in waiting_ are skipped
  std::set<std::pair<Clock::time_point, uint64_t>> ends_;
  std::string sending_;      // the rest of a partly sent line
  bool leaving_ = false;     // another rule applies: the connection ends when no command is in progress
  bool asks_again_ = false;  // send `hello` again after the next answer
  std::string told_;         // the reason logged last

  std::thread thread_;
};

}  // namespace aribus::nats
