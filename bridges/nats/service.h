// Commands and discovery over NATS, for programs on other machines.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "nats/commands.h"
#include "nats/connection.h"
#include "nats/discovery.h"
#include "nats/member_outbox.h"
#include "nats/members.h"
#include "nats/status.h"

typedef struct __natsSubscription natsSubscription;

namespace aribus::nats {

struct ServiceOptions {
  std::string pbx;      // a token
  std::string version;  // of the bridge
  NatsOptions nats;
  std::string socket;                                      // of the daemon, to read its state
  std::vector<std::pair<std::string, std::string>> rules;  // name and socket path
};

// Has its own connection to NATS and reconnects whenever it ends. Receives commands on
//   aribus.v1.rpc.<pbx>.<rule>   unless the daemon's rule has another name
//   aribus.v1.rpc.any.<rule>     while one of the daemon's Asterisks is ready
//   aribus.v1.member.<pbx>.<rule>.<group>.<member>   while the daemon takes commands of the rule
// in the queue group `aribus`, so that only one bridge process gets each, even if two have the same <pbx>;
// and answers `$SRV` requests. libnats calls it in its own threads.
class Service {
 public:
  // `published`: the state of publishing, for `$SRV.STATS`.
  Service(ServiceOptions options, std::function<Published()> published);
  // Commands in progress are answered with -32001 or -32002.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Accepts no more commands and waits at most 5 s for the answers to those in progress; then has_ended().
  void stop();
  [[nodiscard]] bool has_ended() const { return ended_; }

  // Its latest turn, by the steady clock. libnats waits forever for a server that begins a TLS handshake and
  // then sends nothing.
  [[nodiscard]] std::chrono::milliseconds last_turn() const;

  // For monitoring, by several threads.
  [[nodiscard]] bool is_connected() const { return connected_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Commands>>& rules() const { return rules_; }
  [[nodiscard]] const Members& members() const { return *members_; }
  [[nodiscard]] Published published() const { return published_(); }
  // The daemon's latest status.
  [[nodiscard]] std::shared_ptr<const DaemonState> daemon() const { return status_->state(); }
  // Answers that could not be sent: NATS was disconnected too long, or there were too many.
  [[nodiscard]] uint64_t unsent_answers() const { return unsent_; }

 private:
  struct Subscription;
  // A subject, and its subscription while it is wanted.
  struct Slot {
    enum class Purpose { discovery, commands, members };

    std::string subject;
    Purpose purpose;
    Commands* rule;   // nullptr: discovery
    Address address;  // of commands
    std::unique_ptr<Subscription> subscription;
  };
  struct KeptAnswer {
    std::string reply, id, text;
  };
  using SharedConnection = std::shared_ptr<natsConnection>;

  void run();
  // Runs until the connection ends, or nothing is left to do after stop(); returns the reason.
  [[nodiscard]] Error serve(const SharedConnection& connection);
  void disconnect();
  // Makes the subscriptions that are wanted now, and ends all others.
  [[nodiscard]] Result<void> subscribe(natsConnection* connection);
  [[nodiscard]] Result<void> join(natsConnection* connection, Slot& slot);
  void leave(Slot& slot);
  void leave_all();
  void forget_ended();
  void check_rules();

  void on_command(natsMsg* message, Commands& rule, Address address);
  [[nodiscard]] Result<void> aim_at_ready_server(Request& request);
  void on_member(natsMsg* message, const Commands& rule);
  void send_to_member(const std::string& subject, const ToMember& message, const std::string& end);
  void say_accepting(natsConnection* connection, const Commands& rule);
  void learn_max_payload(natsConnection* connection);
  void on_discovery(natsMsg* message);
  void answer(const std::string& reply, const std::string& id, std::string_view text);
  [[nodiscard]] bool publish(natsConnection* connection, const std::string& reply, const std::string& id,
                             std::string_view text);
  void send_kept(natsConnection* connection);
  [[nodiscard]] SharedConnection connection() const;
  [[nodiscard]] std::vector<Endpoint> endpoints() const;
  [[nodiscard]] uint64_t under_way() const;
  void wake();
  void note_turn();

  const ServiceOptions options_;
  const std::function<Published()> published_;
  const Identity identity_;
  std::atomic<bool> connected_ = false, ended_ = false;
  std::atomic<uint64_t> unsent_ = 0;
  std::atomic<int64_t> turned_ms_;
  std::atomic<size_t> turn_ = 0;  // round robin among the Asterisks that are ready

  mutable std::mutex mutex_;  // protects the members up to the next empty line
  std::condition_variable changed_;
  bool has_changed_ = false, stopping_ = false;
  SharedConnection connection_;
  std::deque<KeptAnswer> kept_;  // to be sent after a reconnect
  size_t kept_bytes_ = 0;
  RareWarnings unsent_warnings_;  // programs choose the reply subjects, and so could flood the log

  // Used only by this object's thread.
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Subscription>> leaving_;  // ended, but libnats may still call them
  std::string configuration_;                           // when the daemon read its configuration

  std::vector<std::unique_ptr<Commands>> rules_;
  std::atomic<size_t> max_member_data_ = 0;  // 0: not connected
  std::unique_ptr<MemberOutbox> outbox_;     // calls members_, which calls it: ~Service ends them in order
  std::unique_ptr<Members> members_;
  std::unique_ptr<Status> status_;
  std::thread thread_;
};

}  // namespace aribus::nats
