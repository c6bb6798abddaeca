// Faults ordered for coming REST requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aribus::sim {

struct Fault {
  std::string match = "*";       // pattern for "METHOD target", as "POST /ari/channels*"
  uint64_t delay_ms = 0;         // before anything else happens
  uint64_t answer_delay_ms = 0;  // between acting and the answer: the events come first
  int status = 0;                // answer so, without acting; 0: as usual
  std::string body;              // of that answer
  std::string drop;  // "before", "after": close the connection before or after acting, without an answer
  int times = 1;     // how many requests more; -1: all
};

class Faults {
 public:
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  void clear() { faults_.clear(); }
  // The first fault that fits, used up by one.
  [[nodiscard]] std::optional<Fault> take(const std::string& method, const std::string& target);

 private:
  std::vector<Fault> faults_;
};

}  // namespace aribus::sim
