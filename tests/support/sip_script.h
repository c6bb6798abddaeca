// What a SIP phone does, as a scenario for sipp.
#pragma once

#include <string>

namespace aribus::test {

// A scenario, put together step by step. The phone is PJSIP/scripted. A request that comes unasked is
// answered as sipp does with -aa.
class SipScript {
 public:
  // Calls, and goes on when the call is answered.
  SipScript& call();
  // Waits for a call, and answers it.
  SipScript& answer_call();
  // Waits for a call, and forwards it to `extension` of Asterisk (302 Moved Temporarily).
  SipScript& forward_call(const std::string& extension);
  // Goes on when Asterisk sends a digit (channels.sendDTMF): so the test says when.
  SipScript& wait_for_digit();
  // Sends a request within the call and goes on when it is answered with `status`. `headers` are whole lines.
  SipScript& send(const std::string& method, const std::string& headers = {}, const std::string& body = {},
                  int status = 200);
  // Holds the call (sendonly) or takes it up again (sendrecv), by INVITE.
  SipScript& set_direction(const std::string& direction);
  // Goes on when Asterisk has ended the call.
  SipScript& wait_for_end();

  // Sends a request outside of any call, from `user` at Asterisk's address.
  SipScript& send_alone(const std::string& method, const std::string& user, const std::string& headers,
                        const std::string& body = {});
  // Waits for a request outside of any call: one of OPTIONS, MESSAGE, REFER. Answers it.
  SipScript& serve();

  [[nodiscard]] std::string xml() const;

 private:
  void wait_for_call();
  void wait_for_acknowledgement();
  void acknowledge();
  void answer(const std::string& status, const std::string& headers = {}, const std::string& body = {},
              const std::string& to = "[last_To:]");
  void request(const std::string& first_line, const std::string& headers, const std::string& body,
               const std::string& method, bool retransmit);

  std::string steps_;
  std::string other_side_;  // the To of requests within the call
  int sequence_ = 0;
};

}  // namespace aribus::test
