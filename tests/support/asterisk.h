// The real Asterisks that scripts/asterisk runs, and callers for them.
#pragma once

#include <memory>
#include <string>

#include "tests/support/daemon.h"
#include "tests/support/process.h"
#include "tests/support/sip_script.h"

namespace aribus::test {

// A running Asterisk's addresses.
struct Asterisk {
  std::string version;  // "22" or "16"
  std::string url;
  std::string sip;  // "127.0.0.1:15060"
  std::string username;
  std::string password;
  std::string folder;  // its root

  // Of the Asterisk that scripts/asterisk started. Throws when it does not answer.
  static Asterisk running(const std::string& version);
  [[nodiscard]] Server server(const std::string& app) const;
  // Runs a command of its command line.
  void cli(const std::string& command) const;
};

// A SIP caller: sipp with one of the scenarios in tests/call/ or with a script. It calls sip:<app>@<asterisk>
// as "Alice" <100>.
class Caller {
 public:
  Caller(const Asterisk& asterisk, const std::string& scenario, const std::string& app);
  Caller(const Asterisk& asterisk, const SipScript& script, const std::string& app);
  // sipp's exit status is 0: the call went as the scenario says. Throws with sipp's errors otherwise.
  void expect_success();

 private:
  void start(const Asterisk& asterisk, const std::string& scenario_file, const std::string& app);

  TemporaryDirectory directory_;
  std::unique_ptr<Process> sipp_;
};

// A SIP phone that rings when it is called and declines with a status of SIP.
class Callee {
 public:
  Callee(const Asterisk& asterisk, int status);
  // What to dial.
  [[nodiscard]] std::string endpoint() const { return "PJSIP/sipp/sip:callee@127.0.0.1:" + port_; }

 private:
  std::string port_;
  TemporaryDirectory directory_;
  std::unique_ptr<Process> sipp_;
};

// A SIP phone that registers as PJSIP/<user> and answers messages and the like.
class Phone {
 public:
  Phone(const Asterisk& asterisk, std::string user);
  // Sends a message to Asterisk.
  void say(const std::string& text) const;
  void unregister() const { enroll(0); }

 private:
  void enroll(int expires) const;

  const Asterisk& asterisk_;
  std::string user_;
  std::string port_;
  TemporaryDirectory directory_;
  std::unique_ptr<Process> sipp_;
};

}  // namespace aribus::test
