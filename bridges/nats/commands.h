// Commands from NATS: JSON-RPC by request and reply, for one access rule.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/json.h"
#include "base/result.h"
#include "client/line_socket.h"

namespace aribus::nats {

// One request of a program, checked.
struct Request {
  std::string id;  // JSON text
  std::string method;
  std::string params;  // JSON text
};

// Reads a request that came by NATS. `any` says that it is for any PBX. Errors: invalid_request,
// invalid_params; `id`, where it could be read, is told in any case.
[[nodiscard]] Result<Request> read_request(std::string_view text, bool any, std::string& id);

// The answer to a request that reached no daemon, as the daemon would give it.
[[nodiscard]] std::string error_answer(const std::string& id, const Error& error);

// The daemon's answer `line` with the program's own id, and the number that it had; nothing when it is none.
struct Answered {
  uint64_t number;
  std::string text;
};
[[nodiscard]] std::optional<Answered> with_id(std::string_view line,
                                              const std::function<std::string(uint64_t)>& id_of);

// The connection to the daemon's socket of one rule. Requests are handed on as they come; every one is
// answered once: by the daemon, or with -32001 when it was not sent, or with -32002 when the connection ended
// before the answer. Safe for use by several threads.
class Commands {
 public:
  using Reply = std::function<void(const std::string& subject, std::string_view text)>;

  // Connects to `socket` in a thread of its own, again and again, until it is destroyed.
  Commands(std::string rule, std::string socket, Reply reply);
  ~Commands();
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // A request from NATS, to be answered at `subject`.
  void request(std::string_view text, const std::string& subject, bool any);
  [[nodiscard]] bool is_connected() const { return connected_; }

 private:
  struct Waiting {
    std::string id;
    std::string subject;
  };

  void run();
  void read_answers();
  void connected_no_more(const std::string& reason);

  std::string rule_, path_;
  Reply reply_;
  std::mutex mutex_;  // of what follows
  std::optional<client::LineSocket> socket_;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t next_ = 1;
  std::atomic<bool> connected_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace aribus::nats
