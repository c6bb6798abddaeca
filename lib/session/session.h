// One connected program.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/fd.h"
#include "control/dispatcher.h"
#include "net/loop.h"
#include "protocol/rpc.h"
#include "session/client_log.h"
#include "session/command_order.h"
#include "session/line_reader.h"
#include "session/quota.h"
#include "session/shared_lines.h"
#include "session/subscription.h"
#include "session/turn_budget.h"
#include "session/user_names.h"
#include "session/write_buffer.h"

namespace aribus::session {

struct SessionLimits {
  size_t max_line_bytes = 1 << 20;    // of one request
  size_t max_commands = 64;           // under way at a time
  size_t max_batch = 256;             // requests in one batch
  size_t max_unsent_bytes = 1 << 20;  // of answers: while more wait, nothing is read and no command started
  size_t max_user_bytes =
      16 << 20;  // held for one user, over all its connections; for all of them twice that

  bool operator==(const SessionLimits&) const = default;
};

// What happened to all connections together.
struct SessionCounts {
  uint64_t lost_records = 0;  // records that subscribers were told to have lost
  uint64_t losses = 0;        // how often they were told so
};

// Reads requests, answers them, and writes the subscription straight out of the log. Owned by the server; it
// ends by asking the server to retire it. Replies that come after its end go nowhere.
class Session {
 public:
  struct Context {
    Loop& loop;
    const bus::RecordLog& log;
    control::Dispatcher& dispatcher;
    TurnBudget& budget;
    SessionCounts& counts;
    Quota& quota;
    SharedLines& lines;
    UserNames& names;
    ClientLog& clients;
    const SessionLimits& limits;  // as they are at the time
  };
  struct Handlers {
    std::function<void()> wants_read;   // read() is to be called when it is its turn
    std::function<void()> wants_flush;  // flush() is to be called when it is its turn to write
    std::function<void()> ended;        // the connection is over: retire this object (Retired)
  };

  // `caller` has a rule.
  Session(Context context, Fd socket, control::Caller caller, Handlers handlers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Reads and handles requests, until the turn's budget is spent or nothing more is there.
  void read();
  // Writes as much as the socket takes, but no more than a fair share.
  void flush();
  // The log has new records.
  void on_log_grew();
  // Says `error`, which is why it has to go, and ends, once what waits has been written.
  void close_with_error(const Error& error);
  // Reads nothing more; ends when the commands under way are answered and all answers and records are
  // written.
  void drain();
  // From here on `rule` holds; `connection` counts for it. Commands under way go on. Ends when there is a
  // subscription and the rule allows none.
  void apply_rule(std::shared_ptr<const control::AccessRule> rule, Quota::Connection connection);
  // Its connection counts no more.
  void uncount() { connection_ = {}; }
  // For Retired: nothing reaches it from here on.
  void silence() noexcept;
  // After the peer closed its sending side: ends when it has closed the other one too.
  void check_hung_up();

  // How many records its subscription is behind; nothing without one.
  [[nodiscard]] std::optional<uint64_t> behind() const {
    return subscription_ ? std::optional(subscription_->behind()) : std::nullopt;
  }
  [[nodiscard]] const control::Caller& caller() const { return caller_; }
  // Records that its subscriptions have lost, told or not.
  [[nodiscard]] uint64_t lost() const {
    return lost_ + (subscription_ ? subscription_->lost() + subscription_->overtaken() : 0);
  }
  [[nodiscard]] ClientInfo info() const;
  // Why it ends, or has ended; and whether that was not the program's own wish, nor the daemon's end.
  [[nodiscard]] const std::string& ending() const { return ending_; }
  [[nodiscard]] bool was_cut() const { return leaving_; }
  [[nodiscard]] bool has_subscription() const { return subscription_.has_value(); }
  [[nodiscard]] size_t commands_under_way() const { return commands_.size(); }

 private:
  // The answers to one batch.
  struct Batch {
    size_t missing = 0;
    size_t holds = 0;      // answers in it that records wait for
    std::string creating;  // the lines of the notifications of its answered commands, until it is written
    WriteBuffer answers;
  };
  // A batch whose requests are being handled, one after the other as lines are.
  struct OpenBatch {
    std::shared_ptr<Batch> batch;
    Json requests;
    rapidjson::SizeType next = 0;
    size_t request_bytes = 0;  // of each, on average
  };
  // A command that was not answered yet.
  struct Command {
    std::string method;
    std::string params;  // JSON text, while it waits for others
    std::string id;
    std::shared_ptr<Batch> batch;
    size_t bytes = 0;      // of its request
    bool changes = false;  // something on the Asterisk
    bool holds = false;    // records wait for its answer
    std::string creating;  // the notification that tells the id of what it makes, until that is written
  };

  void on_ready(int events);
  void want_read();
  void want_flush();
  [[nodiscard]] bool may_read() const;
  [[nodiscard]] bool has_input() const { return !input_.empty() || open_batch_; }
  void handle_input();
  void on_line(std::string_view line);
  void on_long_line(std::string_view beginning);
  void refuse_line(const std::string& id, Error error);
  void on_batch(Json requests, size_t bytes);
  void next_of_batch();
  void end_open_batch();
  void on_request(const JsonValue& value, const std::shared_ptr<Batch>& batch, size_t bytes);
  void on_command(rpc::Request request, const std::shared_ptr<Batch>& batch, size_t bytes);
  void start(uint64_t ticket, const JsonValue& params);
  void start_waiting(uint64_t ticket);
  void start_freed();
  void release_dependents(uint64_t ticket);
  void on_creating(uint64_t ticket, const control::Creating& creating);
  void announce();
  void announce(Batch& batch);
  void finish(uint64_t ticket, const Result<pbx::ResultText>& outcome);
  Result<pbx::ResultText> subscribe(const JsonValue& params);
  void end_subscription();
  Result<pbx::ResultText> unsubscribe(const JsonValue& params);
  void answer(const std::string& id, const Result<pbx::ResultText>& answer,
              const std::shared_ptr<Batch>& batch);
  void append_rest(std::string_view rest);
  void append_result(WriteBuffer& to, const std::string& id, const pbx::ResultText& result);
  void end_batch_part(Batch& batch);
  [[nodiscard]] Result<void> take_bytes(size_t bytes);
  [[nodiscard]] bool fits(const pbx::ResultText& result) const;
  // What others than this connection have to do with: unread answers, commands that wait.
  [[nodiscard]] size_t open_bytes() const { return write_buffer_.size() + batch_bytes_ + command_bytes_; }
  [[nodiscard]] bool user_is_over() const;
  void count_held();
  void send_line(std::string_view text);
  bool write_buffered();
  bool write_records();
  void watch();
  void end();

  Context context_;
  Fd socket_;
  control::Caller caller_;
  Quota::Connection connection_;
  Handlers handlers_;
  Poll poll_;
  LineReader reader_;
  std::string input_;  // read and not handled yet
  std::optional<OpenBatch> open_batch_;
  WriteBuffer write_buffer_;
  Quota::Held held_;          // what this connection holds, large answers aside
  size_t command_bytes_ = 0;  // of the requests of commands_
  size_t batch_bytes_ = 0;    // of the answers of batches that are not complete
  std::optional<Subscription> subscription_;
  std::shared_ptr<Batch> subscribed_in_;            // no record goes out before this batch is answered
  size_t holds_ = 0;                                // answers that must go out before any record does
  std::unordered_map<uint64_t, Command> commands_;  // by ticket
  CommandOrder order_;
  std::deque<uint64_t> freed_;  // commands that waited, and need not any more
  uint64_t next_ticket_ = 1;
  uint64_t lines_ = 0;  // that have come
  WallTime since_ = wall_now();
  uint64_t requests_ = 0;  // that have come
  uint64_t sent_ = 0;      // records of subscriptions that are over
  uint64_t lost_ = 0;      // likewise
  std::string ending_ = "closed by the program";
  bool has_changed_ = false;  // a command of it was to change something
  bool starting_ = false;
  bool input_over_ = false;    // nothing more is read
  bool draining_ = false;      // ends when everything is answered and written
  bool leaving_ = false;       // no record more is written; ends when the write buffer is empty
  bool blocked_ = false;       // the socket takes no more at present
  bool read_queued_ = false;   // asked for its turn to read
  bool flush_queued_ = false;  // asked for its turn to write
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // replies outlive sessions
};

}  // namespace aribus::session
