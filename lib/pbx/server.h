// One Asterisk as a whole.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ari/client.h"
#include "base/result.h"
#include "base/time.h"
#include "net/loop.h"
#include "net/sliced_work.h"
#include "pbx/clock.h"
#include "pbx/command_sender.h"
#include "pbx/condition.h"
#include "pbx/connections.h"
#include "pbx/event_waiters.h"
#include "pbx/gap.h"
#include "pbx/incarnation.h"
#include "pbx/outcome_resolver.h"
#include "pbx/resync.h"
#include "pbx/server_options.h"
#include "pbx/server_status.h"
#include "pbx/stasis_entry.h"
#include "record/event_reader.h"
#include "record/own_records.h"
#include "state/id_directory.h"
#include "state/model.h"

namespace aribus::pbx {

class Assignments;

// What tests change.
struct ServerTuning {
  Clock clock;
  ConnectionsOptions connections;
  ResyncOptions resync;
};

// Keeps the connection to one Asterisk, makes records of its events, and sends it commands. Of its parts each
// owns one thing: Connections the connections and their replacement, Condition what is shown of them, Gap
// what may have been missed, Resync bringing the model up to date, CommandSender the commands.
//
// The way of an event: Connections -> receive() -> publish() -> learn(), then the log. Records of aribus' own
// about this Asterisk go through publish(), too: all records reach the parts and the log in the same order.
// Lives on the loop's thread, and is destroyed before what its replies refer to.
class Server {
 public:
  struct Handlers {
    // Appends the record to the log and returns the seq that it got.
    std::function<uint64_t(const record::Record&)> append;
    std::function<uint64_t()> next_seq;  // of the next record to be appended
    std::function<void()> changed;       // state(), is_connected(), reason() or was_tried() may have changed
  };

  // Required: the options were checked. Throws std::invalid_argument when they can't be used.
  Server(Loop& loop, ServerOptions options, Handlers handlers, ServerTuning tuning = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // A record of this Asterisk that an earlier process left, by its seq; then recalled(), after the last one.
  void recall(const record::Record& record, uint64_t seq, WallTime started);
  void recalled();

  void connect() { connections_.client().connect(); }
  // Takes over `options`, with the same name, and returns a text about what that does; "" when nothing
  // differs. What a change needs: options_change.h. Where it is another connection (Connections), commands
  // under way have up to `patience`.
  [[nodiscard]] std::string_view change(ServerOptions options, Milliseconds patience);
  // Takes no more commands, lets those under way finish for up to `patience`, closes the connection in order,
  // publishes that with `reason`, and calls `left`, from the loop.
  void leave(std::string reason, Milliseconds patience, std::function<void()> left);
  // After leave(): the connection is closed, and no command is under way any more.
  [[nodiscard]] bool is_gone() const;
  // Publishes that nothing of this Asterisk is known any more; with very many objects that takes several turns of the
  // loop. Returns whether it is done: to be called again until then. Required: is_gone().
  [[nodiscard]] bool forget();

  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] const ari::Client& client() const { return connections_.client(); }
  // An attempt to connect has succeeded or failed; or it is Asterisk that connects.
  [[nodiscard]] bool was_tried() const { return tried_ || client().options().listen; }
  [[nodiscard]] const Condition& condition() const { return condition_; }
  [[nodiscard]] bool is_connected() const { return condition_.is_connected(); }
  [[nodiscard]] State state() const { return condition_.state(); }
  // Messages of the event stream.
  [[nodiscard]] uint64_t received() const { return received_; }
  // Attempts to connect that failed, and connections that were lost.
  [[nodiscard]] uint64_t failures() const { return failures_; }
  [[nodiscard]] ServerStatus status() const;

  // Gives a record about this Asterisk to its parts and to the log, with the ids of its calls, and with the
  // records about calls that it causes. Required: called from the loop, and not by a part that is learning
  // from another record.
  void publish(record::Record record) { publish_in_place(record); }
  // Likewise, without a copy: the record has the ids of its calls afterwards.
  void publish_in_place(record::Record& record);
  // The directory that learns from its records where ids are; nullptr: none, as with one Asterisk.
  void set_id_directory(state::IdDirectory* directory) { id_directory_ = directory; }
  // Worker groups see its records, and have records about its calls appended; nullptr: there are none.
  void set_assignments(Assignments* assignments) { assignments_ = assignments; }
  [[nodiscard]] Assignments* assignments() { return assignments_; }
  // Gives a record group.* to its parts and to the log; only Assignments makes such records.
  void append_about_group(const record::Record& record) { append(record); }
  // The directory learns the ids in the `answer` to a command: what it created is known before its first
  // event.
  void learn_places(std::string_view answer);
  // `resolved` gets what was found out of each command (Resolution), before the record about it.
  void on_resolved(std::function<void(const std::string& command, std::string_view outcome)> resolved) {
    resolved_ = std::move(resolved);
  }

  // leave() was called: it takes no further commands.
  [[nodiscard]] bool closed() const { return state() == State::leaving; }
  // Whether the events of the application come here: it is configured, and no other client has taken it.
  [[nodiscard]] bool hears(std::string_view app) const;

  // See CommandSender.
  void call(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
            Reply reply) {
    commands_.call(operation, params, requester, std::move(reply));
  }
  void request(const std::string& method, const std::string& path, const std::string& query,
               const std::string& body, const Requester& requester, Reply reply) {
    commands_.request(method, path, query, body, requester, std::move(reply));
  }
  void ask(const std::string& method, const std::string& target, const std::string& body,
           const Requester& requester, std::function<void(const Result<HttpResponse>&)> done) {
    commands_.ask(method, target, body, requester, std::move(done));
  }
  void reclaim(const Reply& reply) { commands_.reclaim(reply); }
  [[nodiscard]] Error not_connected(const std::string& why) const { return commands_.not_connected(why); }
  // An answer was not handed on yet, or a command is to be sent once more.
  [[nodiscard]] bool is_busy() const { return commands_.is_busy() || stasis_.is_busy(); }

  // What commands wait for on its event stream.
  [[nodiscard]] EventWaiters& waiters() { return waiters_; }
  // What finds out what became of commands that were not answered.
  [[nodiscard]] OutcomeResolver& resolver() { return resolver_; }
  // The channels that have not entered their application yet, or have left it.
  [[nodiscard]] StasisEntries& stasis() { return stasis_; }
  // Its live objects.
  [[nodiscard]] const state::Model& model() const { return model_; }
  // A command is about to create a channel: see Calls.
  [[nodiscard]] state::Calls& calls() { return model_.calls(); }
  [[nodiscard]] std::shared_ptr<const state::Frozen> freeze() { return model_.freeze(); }
  // What the model does not know of the objects that have an id.
  [[nodiscard]] Incarnations& incarnations() { return incarnations_; }
  // For a command that is about to make `id`.
  [[nodiscard]] Incarnation next(record::IdKind kind, std::string_view id) const {
    return incarnations_.next(kind, id, model_);
  }

 private:
  [[nodiscard]] Connections::Handlers connection_handlers();
  [[nodiscard]] Resync::Handlers resync_handlers();
  void on_connected(const ari::ServerInfo& info);
  void on_disconnected(const std::string& reason, Milliseconds retry_in);
  void on_switched(const ari::Client& before, ari::Client& now);
  void receive(const Connections::Link& link, std::string_view text, size_t total_bytes);
  void append(const record::Record& record);
  void publish_to_groups(record::Record& record);
  void learn(const record::Record& record, uint64_t seq);
  template <record::OwnRecord Own>
  void publish_own(const Own& own) {
    publish(record::own_record(own, name(), clock_.wall()));
  }
  void on_replaced(const std::string& app);
  void on_silent(const std::string& app);
  void on_heard(const std::string& app);
  void become_ready();
  void become_replaced();
  void go_down(const std::string& reason, const std::string& ended_at = {});
  void miss(const std::string& reason);
  void log_connection(const ari::ServerInfo& info, const Gap::Found& found) const;
  void log_rest(bool over_websocket) const;
  [[nodiscard]] Slices forget_all();

  ServerOptions options_;
  Handlers handlers_;
  Clock clock_;
  std::function<void(const std::string& command, std::string_view outcome)> resolved_;
  Loop& loop_;
  state::IdDirectory* id_directory_ = nullptr;
  Assignments* assignments_ = nullptr;
  Connections connections_;
  Condition condition_;
  state::Model model_;
  Gap gap_;
  Incarnations incarnations_;
  StasisEntries stasis_;
  EventWaiters waiters_;
  OutcomeResolver resolver_;
  CommandSender commands_;
  Resync resync_;
  record::EventReader events_;
  record::Record record_;  // the latest, for its memory
  state::Publisher publisher_;
  SlicedWork forgetting_;
  bool forgets_ = false;   // forget() was called
  bool forgotten_ = false;  // and is done
  std::string leave_reason_;
  bool tried_ = false;
  bool was_connected_ = false;
  uint64_t received_ = 0;
  uint64_t failures_ = 0;
};

}  // namespace aribus::pbx
