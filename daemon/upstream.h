// One Asterisk of the configuration.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ari/client.h"
#include "base/time.h"
#include "config/aribusd/config.h"
#include "control/dispatcher.h"
#include "daemon/graceful_close.h"
#include "net/loop.h"
#include "pbx/server_status.h"
#include "record/event_reader.h"
#include "record/own_records.h"
#include "state/sync.h"

namespace aribus::daemon {

// Its connection, kept as the configuration says, what is known of it, and the records that tell of both.
// Lives on the loop's thread.
class Upstream {
 public:
  struct Handlers {
    std::function<void(const record::Record&)> publish;
    std::function<uint64_t()> next_seq;  // of the next record to be published
    std::function<void()> changed;       // state(), is_connected(), reason() or was_tried() is another
  };

  // Required: the configuration was checked. Throws std::invalid_argument when it can't be used.
  Upstream(Loop& loop, control::Dispatcher& dispatcher, config::AsteriskConfig config, Handlers handlers);
  ~Upstream();

  // A record of it that an earlier process left, by its seq; then recalled(), behind the last one.
  void recall(const record::Record& record, uint64_t seq, WallTime started);
  void recalled();

  void connect() { client().connect(); }
  // Takes over `config`, which has the same name, and says what that does; "" when nothing differs. Other
  // time-outs count at once. For anything else another connection is made. Where we connect to Asterisk, and
  // it is the same one, it takes the applications over from the one before without an event being missed;
  // else that is ended first. Commands under way have up to `patience`.
  [[nodiscard]] std::string_view change(config::AsteriskConfig config, Milliseconds patience);
  // Takes no more commands, lets those under way finish for up to `patience`, ends the connection in order,
  // tells of that with `reason`, and calls `left`, from the loop.
  void leave(std::string reason, Milliseconds patience, std::function<void()> left);
  // After leave(): it has left, and no command is under way any more.
  [[nodiscard]] bool is_gone() const;
  // Tells that nothing of it is known any more.
  void forget();

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const ari::Client& client() const { return *link_->client; }
  // An attempt to connect has come about, or failed; or it is Asterisk that connects.
  [[nodiscard]] bool was_tried() const { return tried_ || client().options().listen; }
  [[nodiscard]] bool is_connected() const { return condition_.connected; }
  static constexpr std::string_view states[] = {"connecting", "syncing", "ready",
                                                "replaced",   "down",    "leaving"};
  [[nodiscard]] std::string_view state() const { return leaving_ ? "leaving" : condition_.state; }
  // Of the present connection, or of its absence.
  [[nodiscard]] WallTime since() const { return since_; }
  // Why it is not connected, or is connected and not ready; "" when there is nothing to say.
  [[nodiscard]] const std::string& reason() const { return condition_.reason; }
  // Messages of the event stream.
  [[nodiscard]] uint64_t received() const { return received_; }
  // Attempts to connect that failed, and connections that were lost.
  [[nodiscard]] uint64_t failures() const { return failures_; }
  // What `status` says of it, an object of JSON.
  [[nodiscard]] pbx::ServerStatus status() const;

 private:
  // What is shown of it.
  struct Condition {
    std::string_view state = "connecting";
    bool connected = false;
    std::string reason = "the first attempt to connect is under way";

    bool operator==(const Condition&) const = default;
  };
  struct Link {
    std::unique_ptr<ari::Client> client;
    bool holds = false;  // its events wait for those of the one before
  };
  // A connection that was replaced. Made on the heap, so that its members go in order.
  struct Parting {
    std::unique_ptr<GracefulClose> graceful_close;
    std::unique_ptr<Link> link;
  };

  [[nodiscard]] ari::Client& client() { return *link_->client; }
  [[nodiscard]] std::unique_ptr<Link> make_link();
  void replace();
  void on_next_connected();
  [[nodiscard]] bool is_same_asterisk() const;
  void take_over();
  void promote_next();
  void take_leave();
  void on_connected(Link& link, const ari::ServerInfo& info);
  void on_disconnected(Link& link, const std::string& reason, Milliseconds retry_in);
  void on_message(Link& link, std::string_view text, size_t total_bytes);
  void begin(const ari::ServerInfo& info);
  void receive(const Link& link, std::string_view text, size_t total_bytes);
  [[nodiscard]] bool is_ours(const Link& link, const std::string& app);
  void on_replaced(const std::string& app);
  void on_silent(const std::string& app);
  void on_heard(const std::string& app);
  void become(Condition condition);
  void become_ready();
  bool tell_of_connection(const ari::ServerInfo& info);
  void tell_of_gap();
  [[nodiscard]] std::string replaced_reason() const;
  [[nodiscard]] std::string retrying() const;
  [[nodiscard]] bool is_news(const std::string& reason);
  void on_unread(const std::string& reason);
  void miss(const std::string& reason);
  template <record::OwnRecord Own>
  void publish_own(const Own& own) {
    handlers_.publish(record::own_record(own, name(), wall_now()));
  }
  void go_down(const std::string& reason, const std::string& ended_at = {});

  Loop& loop_;
  control::Dispatcher& dispatcher_;
  config::AsteriskConfig config_;
  Handlers handlers_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<Link> next_;                       // that takes its place
  bool again_ = false;                               // another one is to take the place of that
  std::set<std::string> theirs_;                     // applications of link_ that next_ is still to take over
  std::deque<std::pair<std::string, size_t>> held_;  // messages of next_
  size_t held_bytes_ = 0;
  Timer take_over_deadline_;
  std::vector<std::unique_ptr<Parting>> partings_;
  Timer sweep_;                                    // of partings_
  std::unique_ptr<GracefulClose> graceful_close_;  // from link_
  Milliseconds patience_{0};
  bool leaving_ = false;  // for good
  std::string leave_reason_;
  std::function<void()> left_;
  pbx::Upstream& control_;
  state::Sync sync_;
  record::EventReader events_;
  record::Record record_;  // the latest, for its memory
  Condition condition_;
  std::set<std::string> told_;  // reasons that were logged since it was connected
  WallTime since_;
  bool tried_ = false;
  bool is_first_ = true;  // it was never connected
  uint64_t received_ = 0;
  uint64_t failures_ = 0;
  std::string known_startup_;  // startup_time of the Asterisk that it was connected to last; "" before that
  std::vector<std::string> channels_before_;  // the gap after which the live objects are being read
  std::optional<WallTime> heard_until_;       // since then something may have been missed
  std::string missed_because_;
  std::string ended_at_;  // Asterisk's startup_time, when an earlier process has read its events to the end
};

}  // namespace aribus::daemon
