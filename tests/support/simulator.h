// The simulated Asterisk (tests/sim).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/daemon.h"
#include "tests/support/process.h"

namespace aribus::test {

class Simulator {
 public:
  // Starts it on a port of its own choice, with further `arguments`.
  explicit Simulator(const std::vector<std::string>& arguments = {});

  [[nodiscard]] std::string url() const { return "http://" + authority_; }
  [[nodiscard]] std::string authority() const { return authority_; }  // "127.0.0.1:port"
  [[nodiscard]] Server server(const std::string& name = "pbx1") const;

  // A request below /sim (see tests/sim/README.md), as POST "call" {…}. Returns the answer's body; throws on
  // an error.
  std::string control(const std::string& method, const std::string& path, const std::string& body = {}) const;
  // The next `times` REST requests that match (a glob on "METHOD /path") go wrong as `how` says (members of
  // JSON).
  void fault(const std::string& match, const std::string& how, int times = 1) const;
  // How many requests it got that begin with `prefix`, as "POST /ari/channels".
  [[nodiscard]] size_t count_requests(const std::string& prefix) const;
  [[nodiscard]] Process& process() { return *process_; }

 private:
  std::unique_ptr<Process> process_;
  std::string authority_;
};

}  // namespace aribus::test
