// One connected program.
//
// A session takes turns with the others: when its transport has input, or it has something to write, it asks
// for a turn (wants_read, wants_flush), and its owner (Sessions) calls read() and flush() within the time
// budget.
//
//   session.cpp               its life: phases, turns, draining, changed rules
//   session_requests.cpp      reads lines; each is a request or a batch of them
//   session_batches.cpp       batches: their answers go out together
//   session_commands.cpp      commands: their order, the ids of what they create
//   session_subscription.cpp  subscribe and unsubscribe
//   session_group.cpp         what a member of a group does, and is told
//   session_output.cpp        writes answers, then the records of the subscription
//   session_memory.cpp        what all this may hold in memory
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "control/dispatcher.h"
#include "protocol/rpc.h"
#include "session/client_log.h"
#include "session/command_order.h"
#include "session/line_reader.h"
#include "session/quota.h"
#include "session/shared_lines.h"
#include "session/subscription.h"
#include "session/transport.h"
#include "session/turn_budget.h"
#include "session/user_names.h"
#include "session/write_buffer.h"

namespace aribus::session {

struct SessionLimits {
  size_t max_line_bytes = 1 << 20;    // of one request
  size_t max_commands = 64;           // under way at a time
  size_t max_batch = 256;             // requests in one batch
  size_t max_unsent_bytes = 1 << 20;  // of answers: beyond that, nothing is read and no command is started
  size_t max_user_bytes = 16 << 20;   // of memory for all connections of one user; for all users, twice that

  bool operator==(const SessionLimits&) const = default;
};

// Counts of all sessions together.
struct SessionCounts {
  uint64_t lost_records = 0;  // in `lost` notifications
  uint64_t losses = 0;        // `lost` notifications
};

// Reads requests, answers them, and writes the records of its subscription straight from the log. It ends by
// asking its owner to retire it. Results that come after its end are dropped.
class Session {
 public:
  struct Context {
    const bus::RecordLog& log;
    control::Dispatcher& dispatcher;
    TurnBudget& budget;
    SessionCounts& counts;
    Quota& quota;
    SharedLines& lines;
    UserNames& names;
    ClientLog& clients;
    const SessionLimits& limits;  // they can change
  };
  struct Handlers {
    std::function<void()> wants_read;   // call read() when it is its turn
    std::function<void()> wants_flush;  // call flush() when it is its turn
    std::function<void()> ended;        // the connection is over: retire this object (Retired)
  };

  // `caller` has a rule.
  Session(Context context, std::unique_ptr<Transport> transport, control::Caller caller, Handlers handlers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Reads and handles requests until the turn's budget is spent or there is no more input.
  void read();
  // Writes what the transport takes, up to a fair share.
  void flush();
  // The log has new records.
  void on_log_grew();
  // Sends `error`, the reason why it is closed, and ends when everything before it is written.
  void close_with_error(const Error& error);
  // As that, and from now on it has `rule`: a change of the rules has left it no place.
  void lose_rule(std::shared_ptr<const control::AccessRule> rule, const Error& error);
  // Reads nothing more; ends when the commands under way are answered and all answers and records written.
  void drain();
  // Replaces its access rule; `connection` counts it for that rule. Commands under way continue. The session
  // ends if it has a subscription and the rule allows none.
  void apply_rule(std::shared_ptr<const control::AccessRule> rule, Quota::Connection connection);
  // Ends its being counted for its rule.
  void uncount() { connection_ = {}; }
  // The methods of these names, called by one of its own commands; `params` have been checked. Errors:
  // invalid_params, too_much.
  [[nodiscard]] Result<pbx::ResultText> subscribe(const JsonValue& params);
  [[nodiscard]] Result<pbx::ResultText> unsubscribe();
  // group.leave. Errors: invalid_params when it is no member.
  [[nodiscard]] Result<pbx::ResultText> leave_group(bool drain, std::optional<groups::milliseconds> timeout);
  // Its leave is done.
  void on_left_group();
  [[nodiscard]] pbx::Assignments* assignments() const { return context_.dispatcher.assignments(); }
  // For Retired: says goodbye to the peer; no more callbacks.
  void silence() noexcept;
  // Ends when the peer, whose sending side is closed, has closed the other side too, or when the transport is
  // over.
  void check_hung_up();

  // Counts what answers that are not written yet hold by now.
  void recount();

  // Number of records that its subscription is behind; nothing without a subscription.
  [[nodiscard]] std::optional<uint64_t> behind() const {
    return subscription_ ? std::optional(subscription_->behind()) : std::nullopt;
  }
  [[nodiscard]] const control::Caller& caller() const { return caller_; }
  // Records that its subscriptions have lost, reported or not.
  [[nodiscard]] uint64_t lost() const {
    return lost_ + (subscription_ ? subscription_->lost() + subscription_->overtaken() : 0);
  }
  [[nodiscard]] ClientInfo info() const;
  // Why it ends, and whether the daemon closed it because it was refused or too slow.
  [[nodiscard]] const std::string& ending() const { return ending_; }
  [[nodiscard]] bool was_cut() const { return phase_ == Phase::leaving; }
  [[nodiscard]] bool has_subscription() const { return subscription_.has_value(); }
  [[nodiscard]] size_t commands_under_way() const { return commands_.size(); }

 private:
  // Only goes forward.
  enum class Phase {
    open,
    input_over,  // the peer sends no more: it ends when all is answered, unless there is a subscription
    draining,    // the daemon stops: nothing more is read; it ends when all is answered and written
    leaving,     // it was refused or is too slow: likewise, and no more records are written
    ended,
  };
  // The answers to one batch.
  struct Batch {
    size_t missing = 0;
    size_t holds = 0;      // answers in it that records wait for
    std::string creating;  // `creating` lines of its answered commands, until it is written
    WriteBuffer answers;
  };
  // A batch whose requests are being handled, one by one like lines.
  struct OpenBatch {
    std::shared_ptr<Batch> batch;
    Json requests;
    rapidjson::SizeType next = 0;
    size_t request_bytes = 0;  // of each, on average
  };
  // A command without an answer yet.
  struct Command {
    const control::Method* method = nullptr;  // nullptr: there is none of that name
    std::string name;                         // of the method
    std::string waiting;                      // the parameters as JSON text, while it waits for others
    std::shared_ptr<control::CommandContext> context;  // once it waits no more
    std::string id;
    std::shared_ptr<Batch> batch;
    size_t bytes = 0;      // of its request
    bool holds = false;    // records wait for its answer
    std::string creating;  // the notification with the id of what it creates, until that is written
  };

  void on_ready(bool input, bool output);
  void enter(Phase phase);
  void leave(Transport::Ending goodbye, std::string reason);
  [[nodiscard]] bool may_end() const;
  void want_read();
  void want_flush();
  [[nodiscard]] bool may_read() const;
  [[nodiscard]] bool has_input() const { return !input_.empty() || open_batch_; }
  void handle_input();
  void on_line(std::string_view line);
  void on_batch_line(std::string_view line);
  void on_long_line(std::string_view beginning);
  void refuse_line(const std::string& id, Error error);
  void on_batch(Json requests, size_t bytes);
  void next_of_batch();
  void end_open_batch();
  void on_request(const JsonValue& value, const std::shared_ptr<Batch>& batch, size_t bytes);
  void on_command(rpc::Request request, const std::shared_ptr<Batch>& batch, size_t bytes);
  void start(uint64_t ticket);
  void start_waiting(uint64_t ticket);
  void start_freed();
  void release_dependents(uint64_t ticket);
  void on_creating(uint64_t ticket, const control::Creating& creating);
  void announce();
  void announce(Batch& batch);
  void finish(uint64_t ticket, const Result<pbx::ResultText>& outcome);
  void end_subscription();
  [[nodiscard]] Result<GroupView> join_group(const GroupParams& params);
  [[nodiscard]] bool may_be_member(const std::string& group, const groups::Settings* settings) const;
  [[nodiscard]] bool is_member() const { return subscription_ && subscription_->group() != nullptr; }
  void tell_calls();
  void tell_left();
  [[nodiscard]] std::string group_notification(uint64_t seq) const;
  [[nodiscard]] std::string next_call_to_tell();
  void answer(const std::string& id, const Result<pbx::ResultText>& answer,
              const std::shared_ptr<Batch>& batch);
  void append_rest(std::string_view rest);
  void append_result(WriteBuffer& to, const std::string& id, const pbx::ResultText& result);
  void end_batch_part(Batch& batch);
  void refuse_rest_of_batch();
  [[nodiscard]] Result<void> take_bytes(size_t bytes);
  [[nodiscard]] bool fits(const pbx::ResultText& result) const;
  // Memory that counts for the limits of its user: unread answers, waiting commands.
  [[nodiscard]] size_t open_bytes() const { return write_buffer_.size() + batch_bytes_ + command_bytes_; }
  [[nodiscard]] bool user_is_over() const;
  void count_held();
  void send_line(std::string_view text);
  bool write_buffered();
  bool write_records();
  void watch();
  void block();
  void end();

  Context context_;
  control::Caller caller_;
  Quota::Connection connection_;
  Handlers handlers_;
  std::unique_ptr<Transport> transport_;
  LineReader reader_;
  std::string input_;  // read and not handled yet
  std::optional<OpenBatch> open_batch_;
  WriteBuffer write_buffer_;
  Quota::Held held_;          // memory of this connection, without large answers
  size_t command_bytes_ = 0;  // of the requests of commands_
  size_t batch_bytes_ = 0;    // of the answers of batches that are not complete
  std::optional<Subscription> subscription_;
  std::deque<groups::Owned> to_tell_;  // calls of which the member is told once more, before the next record
  std::shared_ptr<Batch> subscribed_in_;            // records wait until this batch is answered
  size_t holds_ = 0;                                // answers that records wait for
  std::unordered_map<uint64_t, Command> commands_;  // by ticket
  CommandOrder order_;
  std::deque<uint64_t> freed_;  // commands that waited and can start now
  uint64_t next_ticket_ = 1;
  uint64_t lines_ = 0;  // received
  WallTime since_ = wall_now();
  uint64_t requests_ = 0;  // received
  uint64_t sent_ = 0;      // records of subscriptions that are over
  uint64_t lost_ = 0;      // likewise
  std::string ending_ = "closed by the program";
  Transport::Ending goodbye_ = Transport::Ending::finished;
  bool has_subscribed_ =
      false;                  // the command that runs has called subscribe(); finish() follows on the stack
  bool has_changed_ = false;  // it sent a command that changes something on an Asterisk
  Phase phase_ = Phase::open;
  bool starting_ = false;                                       // start_freed() is under way
  bool blocked_ = false;                                        // the transport takes no more at present
  bool watches_input_ = false;                                  // what the transport was told to report
  bool watches_output_ = false;                                 // likewise
  bool readable_ = false;                                       // the transport has input, or its end
  bool read_queued_ = false;                                    // its turn to read was requested
  bool flush_queued_ = false;                                   // its turn to write was requested
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // replies outlive sessions
};

}  // namespace aribus::session
