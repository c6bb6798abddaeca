// Commands and discovery over NATS: what a PBX offers to programs on other machines.
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
#include "nats/status.h"

typedef struct __natsSubscription natsSubscription;

namespace aribus::nats {

struct ServiceOptions {
  std::string pbx;      // a token
  std::string version;  // of the bridge
  NatsOptions nats;
  std::string socket;                                      // of the daemon, for its state
  std::vector<std::pair<std::string, std::string>> rules;  // name, and path of the socket
};

// A connection to NATS of its own, made again whenever it ends. Commands come on
//   aribus.v1.rpc.<pbx>.<rule>   unless the daemon's rule has another name
//   aribus.v1.rpc.any.<rule>     while one of the daemon's Asterisks is ready
// in the queue group `aribus`, so that one bridge gets each, also where two have the same <pbx>; and `$SRV`
// requests are answered. libnats calls it in threads of its own.
class Service {
 public:
  // `published` is asked for what `$SRV.STATS` tells.
  Service(ServiceOptions options, std::function<Published()> published);
  // What is still under way gets -32001 or -32002.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Takes no more commands from now on, and waits for the answers of those under way, for at most 5 s; then
  // has_ended().
  void stop();
  [[nodiscard]] bool has_ended() const { return ended_; }

  // When it last went on, by the steady clock. libnats waits without end for a server that begins TLS and
  // says nothing more.
  [[nodiscard]] std::chrono::milliseconds last_turn() const;

  // For monitoring, by several threads.
  [[nodiscard]] bool is_connected() const { return connected_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Commands>>& rules() const { return rules_; }
  // What the daemon says of itself.
  [[nodiscard]] Published published() const { return published_(); }
  [[nodiscard]] std::shared_ptr<const DaemonState> daemon() const { return status_->state(); }
  // Answers that could not be sent: NATS was away too long, or there were too many.
  [[nodiscard]] uint64_t unsent_answers() const { return unsent_; }

 private:
  struct Subscription;
  // What is subscribed to while it is wanted.
  struct Slot {
    std::string subject;
    Commands* rule;  // nullptr: discovery
    Address address;
    std::unique_ptr<Subscription> subscription;
  };
  struct KeptAnswer {
    std::string reply, id, text;
  };
  using SharedConnection = std::shared_ptr<natsConnection>;

  void run();
  // Until the connection ends, or nothing is left to do after stop(). Errors: why.
  [[nodiscard]] Error serve(const SharedConnection& connection);
  void disconnect();
  // To what is wanted by now, and to nothing else.
  [[nodiscard]] Result<void> subscribe(natsConnection* connection);
  [[nodiscard]] Result<void> join(natsConnection* connection, Slot& slot);
  void leave(Slot& slot);
  void leave_all();
  void forget_ended();
  void check_rules();

  void on_command(natsMsg* message, Commands& rule, Address address);
  [[nodiscard]] Result<void> aim_at_ready_server(Request& request);
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
  std::atomic<size_t> turn_ = 0;  // among the Asterisks that are ready

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool has_changed_ = false, stopping_ = false;
  SharedConnection connection_;
  std::deque<KeptAnswer> kept_;  // until there is a connection again
  size_t kept_bytes_ = 0;
  RareWarnings unsent_warnings_;  // others choose where answers go

  // Of its own thread alone.
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Subscription>> leaving_;  // that libnats still calls
  std::string configuration_;                           // when the daemon read it

  std::vector<std::unique_ptr<Commands>> rules_;
  std::unique_ptr<Status> status_;
  std::thread thread_;
};

}  // namespace aribus::nats
