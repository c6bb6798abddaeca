#include "tests/support/sip_script.h"

namespace aribus::test {
namespace {

std::string offer(const std::string& direction) {
  return "Content-Type: application/sdp\n"
         "Content-Length: [len]\n\n"
         "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n"
         "m=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=" +
         direction + "\n";
}

constexpr const char* own_side = "<sip:scripted@[local_ip]:[local_port]>;tag=[call_number]";
constexpr const char* to_tagged = "[last_To:];tag=[call_number]";
constexpr const char* contact = "Contact: <sip:scripted@[local_ip]:[local_port]>\n";

std::string receive(const std::string& what) {
  return "  <recv " + what + "/>\n";
}

}  // namespace

void SipScript::request(const std::string& first_line, const std::string& headers, const std::string& body,
                        const std::string& method, bool retransmit) {
  const std::string end = body.empty() ? "Content-Length: 0\n\n" : body;
  steps_ += std::string("  <send") + (retransmit ? " retrans=\"500\"" : "") + "><![CDATA[\n" + first_line +
            " SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n" + headers +
            "Call-ID: [call_id]\nCSeq: " + std::to_string(sequence_) + " " + method + "\nMax-Forwards: 70\n" +
            end + "]]></send>\n";
}

SipScript& SipScript::call() {
  ++sequence_;
  const std::string to = "<sip:[service]@[remote_ip]:[remote_port]>";
  other_side_ = to + "[peer_tag_param]";
  request("INVITE sip:[service]@[remote_ip]:[remote_port]",
          "From: " + std::string(own_side) + "\nTo: " + to + "\n" + contact, offer("sendrecv"), "INVITE",
          true);
  for (const char* status : {"100", "180", "183"}) {
    steps_ += receive("response=\"" + std::string(status) + "\" optional=\"true\"");
  }
  steps_ += receive("response=\"200\" rrs=\"true\"");
  acknowledge();
  return *this;
}

SipScript& SipScript::answer_call() {
  wait_for_call();
  answer("180 Ringing", contact, {}, to_tagged);
  answer("200 OK", contact, offer("sendrecv"), to_tagged);
  wait_for_acknowledgement();
  return *this;
}

SipScript& SipScript::forward_call(const std::string& extension) {
  wait_for_call();
  answer("302 Moved Temporarily", "Contact: <sip:" + extension + "@[remote_ip]:[remote_port]>\n", {},
         to_tagged);
  wait_for_acknowledgement();
  return *this;
}

void SipScript::wait_for_call() {
  other_side_ = "[$1]";
  steps_ +=
      "  <recv request=\"INVITE\" rrs=\"true\"><action>\n"
      "    <ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"1\"/>\n"
      "    <log message=\"[call_id] [$1]\"/>\n"
      "  </action></recv>\n";
}

// The call may have come again meanwhile, as the phone was slow to answer.
void SipScript::wait_for_acknowledgement() {
  steps_ += "  <label id=\"3\"/>\n";
  steps_ += receive("request=\"INVITE\" optional=\"true\" next=\"3\"");
  steps_ += receive("request=\"ACK\"");
}

void SipScript::acknowledge() {
  request("ACK [next_url]", "From: " + std::string(own_side) + "\nTo: " + other_side_ + "\n", "", "ACK",
          false);
}

SipScript& SipScript::wait_for_digit() {
  steps_ += receive("request=\"INFO\"");
  answer("200 OK");
  return *this;
}

SipScript& SipScript::send(const std::string& method, const std::string& headers, const std::string& body,
                           int status) {
  ++sequence_;
  request(method + " [next_url]",
          "From: " + std::string(own_side) + "\nTo: " + other_side_ + "\n" + contact + headers, body, method,
          true);
  steps_ += receive("response=\"100\" optional=\"true\"");
  steps_ += receive("response=\"" + std::to_string(status) + "\"");
  return *this;
}

SipScript& SipScript::set_direction(const std::string& direction) {
  send("INVITE", {}, offer(direction));
  acknowledge();
  return *this;
}

SipScript& SipScript::wait_for_end() {
  steps_ += receive("request=\"BYE\"");
  answer("200 OK");
  return *this;
}

SipScript& SipScript::send_alone(const std::string& method, const std::string& user,
                                 const std::string& headers, const std::string& body) {
  ++sequence_;
  const std::string address = "<sip:" + user + "@[remote_ip]:[remote_port]>";
  request(method + " sip:[remote_ip]:[remote_port]",
          "From: " + address + ";tag=[call_number]\nTo: " + address + "\n" + headers, body, method, true);
  steps_ += receive("response=\"" + std::string(method == "MESSAGE" ? "202" : "200") + "\"");
  return *this;
}

SipScript& SipScript::serve() {
  steps_ += receive("request=\"OPTIONS\" optional=\"true\" next=\"1\"");
  steps_ += receive("request=\"MESSAGE\" optional=\"true\" next=\"1\"");
  steps_ += receive("request=\"REFER\"");
  answer("202 Accepted", "Contact: <sip:[local_ip]:[local_port]>\n");
  steps_ += "  <nop next=\"2\"/>\n  <label id=\"1\"/>\n";
  answer("200 OK");
  steps_ += "  <label id=\"2\"/>\n";
  return *this;
}

void SipScript::answer(const std::string& status, const std::string& headers, const std::string& body,
                       const std::string& to) {
  steps_ += "  <send><![CDATA[\nSIP/2.0 " + status + "\n[last_Via:]\n[last_From:]\n" + to +
            "\n[last_Call-ID:]\n[last_CSeq:]\n" + headers + (body.empty() ? "Content-Length: 0\n\n" : body) +
            "]]></send>\n";
}

std::string SipScript::xml() const {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"script\">\n" + steps_ +
         "</scenario>\n";
}

}  // namespace aribus::test
