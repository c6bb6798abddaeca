// The real Asterisks that scripts/asterisk runs, and callers for them.
#pragma once

#include <memory>
#include <string>

#include "tests/support/daemon.h"
#include "tests/support/process.h"

namespace aribus::test {

// A running Asterisk's addresses.
struct Asterisk {
  std::string version;  // "22" or "16"
  std::string url;
  std::string sip;  // "127.0.0.1:15060"
  std::string username;
  std::string password;

  // Of the Asterisk that scripts/asterisk started. Throws when it does not answer.
  static Asterisk running(const std::string& version);
  [[nodiscard]] Server server(const std::string& app) const;
};

// A SIP caller: sipp with one of the scenarios in tests/call/. It calls sip:<app>@<asterisk> as "Alice"
// <100>.
class Caller {
 public:
  Caller(const Asterisk& asterisk, const std::string& scenario, const std::string& app);
  // sipp's exit status is 0: the call went as the scenario says. Throws with sipp's errors otherwise.
  void expect_success();

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Process> sipp_;
};

}  // namespace aribus::test
