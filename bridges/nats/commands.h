// Commands of one access rule: from programs to the daemon's socket of that rule, and the answers back.
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

// What programs asked of one rule, read by other threads.
struct CommandFigures {
  std::atomic<uint64_t> done{0};      // answered with a result
  std::atomic<uint64_t> failed{0};    // with an error that is none of the following
  std::atomic<uint64_t> not_sent{0};  // with -32001
  std::atomic<uint64_t> unknown{0};   // with -32002
  std::atomic<uint64_t> under_way{0};
  std::atomic<uint64_t> took_us{0};  // all that were answered, together

  void count(Outcome outcome);
};

// Where a request was sent to: to this PBX, or to any one.
enum class Address { pbx, any };

// Who asked.
struct Asked {
  std::string id = "null";  // of the request, as JSON text
  std::string reply;        // the subject of the answer; "": nobody wants it
  Address address = Address::pbx;
};

// One connection to the daemon, made again whenever it ends, in a thread of its own. Every request is
// answered once, and nothing is ever sent twice: it is answered by the daemon; or with -32001 when it was not
// sent; or with -32002 when it was, and the connection ended or its time was over before the answer.
class Commands {
 public:
  using Clock = std::chrono::steady_clock;
  // Under way at a time, and their bytes; more are refused with -32004.
  static constexpr size_t max_under_way = 4096;
  static constexpr size_t max_bytes = 8 << 20;

  struct Handlers {
    // The answer to a request. Called by any thread.
    std::function<void(const Asked& asked, std::string_view text)> answer;
    // is_offered() or is_connected() may have changed. Called by the thread of its own.
    std::function<void()> changed;
  };

  // `rule` is the name that the daemon's access rule for `socket` must have.
  Commands(std::string rule, std::string socket, Handlers handlers);
  ~Commands() { stop(); }
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // A request. It is answered with -32002, or with -32001 when it was not sent yet, once `timeout` is over.
  // Safe for use by several threads.
  void request(Request request, Asked asked, std::optional<std::chrono::milliseconds> timeout);
  // Answers a request that is not to be sent, with the reason. Likewise.
  void refuse(const Asked& asked, const Error& error);

  // Ends the connection: what is under way gets -32001 or -32002, and so does what comes from now on.
  void stop();

  // The daemon has read its configuration anew: another rule may hold for the socket.
  void check_rule();

  // Programs may use it: as far as is known, the daemon's rule has the name.
  [[nodiscard]] bool is_offered() const { return state_ != State::other_rule; }
  [[nodiscard]] bool is_connected() const { return state_ == State::connected; }
  [[nodiscard]] const CommandFigures& figures(Address address) const {
    return address == Address::any ? any_ : pbx_;
  }
  [[nodiscard]] uint64_t under_way() const { return pbx_.under_way + any_.under_way; }
  [[nodiscard]] const std::string& rule() const { return rule_; }

 private:
  enum class State { not_connected, connected, other_rule };
  // Not answered yet.
  struct Waiting {
    Asked asked;
    std::string line;  // until it was sent
    Clock::time_point began = Clock::now();
    std::optional<std::chrono::milliseconds> timeout{};
    bool is_hello = false;  // the bridge's own
    size_t bytes = 0;
  };

  using Waitings = std::map<uint64_t, Waiting>;

  void run();
  // Waits for something to be there to read or to write on `fd` (-1: none), for wake() or the time's end.
  void wait(int fd, int timeout_ms);
  // Until something ends it. Errors: why.
  [[nodiscard]] Error serve(client::LineSocket& socket);
  void take_incoming();
  void say_hello();
  // Errors: the connection takes no more.
  [[nodiscard]] Result<void> send_some(int fd);
  [[nodiscard]] Result<void> read_some(client::LineSocket& socket);
  [[nodiscard]] Result<void> take_line(std::string_view line);
  void take_hello(std::string_view line);
  [[nodiscard]] Result<void> end_late();
  [[nodiscard]] int until_next_end() const;
  void end_all(const std::string& why);
  void finish(Waitings::iterator at, Outcome outcome, const std::string& text);
  void fail(Waitings::iterator at, const Error& error);
  // `reason`: why, unless it is connected.
  [[nodiscard]] CommandFigures& figures_of(const Asked& asked) {
    return asked.address == Address::any ? any_ : pbx_;
  }
  void become(State state, std::string reason);
  void wake() const;

  const std::string rule_, path_;
  const Handlers handlers_;
  CommandFigures pbx_, any_;  // by Address
  std::atomic<State> state_ = State::not_connected;
  std::atomic<size_t> bytes_ = 0;  // of what is under way
  std::atomic<size_t> max_line_bytes_;
  std::atomic<uint64_t> next_ = 1;
  std::atomic<bool> check_rule_ = false;
  std::atomic<bool> stopping_ = false;
  Fd wake_;  // an eventfd

  std::mutex mutex_;  // of what follows
  std::vector<std::pair<uint64_t, Waiting>> incoming_;
  std::string reason_;  // why it is not connected

  // Of its own thread alone.
  Waitings waiting_;
  std::deque<uint64_t> unsent_;  // numbers; those that are not waiting any more are passed over
  std::set<std::pair<Clock::time_point, uint64_t>> ends_;
  std::string sending_;      // the rest of a line that is partly sent
  bool leaving_ = false;     // another rule holds: the connection ends once nothing is under way
  bool asks_again_ = false;  // which rule holds, once the next command has ended
  std::string told_;         // the last reason in the log

  std::thread thread_;
};

}  // namespace aribus::nats
