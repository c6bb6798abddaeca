// A program that another user runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"
#include "json/json.h"

namespace aribus::test {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};  // supplementary
};

// A connection that a process of its own has made as `identity`, which lives as long as it: what the kernel
// says of it is true.
class Peer {
 public:
  // Throws when it can't connect.
  Peer(const std::string& path, const Identity& identity);

  void send(const std::string& line) const;
  // The next line as JSON; throws when none comes within 30 s.
  Json next();
  // No record waits to be read, nor comes within 100 ms.
  [[nodiscard]] bool silent();
  // The answer to a request, behind notifications, which are dropped.
  Json ask(const std::string& method, const std::string& params = "{}");
  // The error's code, 0 for a result.
  int code(const std::string& method, const std::string& params = "{}");

 private:
  class Process {
   public:
    explicit Process(pid_t id) : id_(id) {}
    Process(Process&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
    Process& operator=(Process&& other) noexcept {
      std::swap(id_, other.id_);
      return *this;
    }
    ~Process();

   private:
    pid_t id_;  // 0: none
  };

  Process process_{0};
  Fd socket_;
  std::string buffer_;
  int next_id_ = 1;
};

// The code of an answer's error, 0 when it has none.
[[nodiscard]] int code_in(const JsonValue& answer);
// The rule that refused it, or "-" when none did.
[[nodiscard]] std::string rule_in(const JsonValue& answer);

}  // namespace aribus::test
