// The daemon's `status`, polled.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "client/connection.h"

namespace aribus::nats {

struct DaemonState {
  bool answers = false;
  std::string reason{};         // why it does not answer
  std::string version{};        // of aribusd
  std::string configuration{};  // when the daemon read it
  std::string stream{};         // of its records
  uint64_t next = 0;            // the seq of the next record
  std::string servers = "[]";   // its Asterisks: an array of {name, state, version, apps, reason} as JSON
  size_t server_count = 0;
  std::vector<std::string> ready{};  // the names of those that are ready

  bool operator==(const DaemonState&) const = default;
};

// A connection to the daemon in a thread of its own; it reconnects whenever the connection ends. Calls
// `status` every second, and at once after each record about an Asterisk (`server.*`).
class Status {
 public:
  // `changed` is called by that thread when state() has changed.
  Status(std::string socket, std::function<void()> changed);
  ~Status();
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  // The latest state. Safe for use by several threads, like takes_server().
  [[nodiscard]] std::shared_ptr<const DaemonState> state() const;
  // Whether the method has a parameter `server` that selects the Asterisk.
  [[nodiscard]] bool takes_server(const std::string& method) const;

 private:
  void run();
  // Runs until the connection ends; returns the reason.
  [[nodiscard]] Error watch();
  [[nodiscard]] Result<void> look(client::Connection& connection);
  [[nodiscard]] Result<void> learn_methods(client::Connection& connection);
  void become(DaemonState state);

  const std::string socket_;
  const std::function<void()> changed_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;  // protects state_ and take_server_
  std::shared_ptr<const DaemonState> state_ = std::make_shared<DaemonState>();
  std::set<std::string, std::less<>> take_server_;
  std::thread thread_;
};

// Reads the result of `status`. Errors: malformed.
[[nodiscard]] Result<DaemonState> read_status(const Json& status);

}  // namespace aribus::nats
