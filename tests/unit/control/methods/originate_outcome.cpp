#include "control/methods/originate_outcome.h"

#include "ari/hangup_causes.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;

namespace {

// The events of one originated call, as a real Asterisk sends them.
struct CallOut {
  OriginateOutcome outcome{"c1", Milliseconds(30'000)};
  Milliseconds now{0};
  std::optional<std::string> answer;

  void event(const std::string& type, const std::string& fields) {
    const std::string text = R"({"type":")" + type + R"(",)" + fields + "}";
    record::Record record = test::record_of(type);
    record.time += now;
    REQUIRE_FALSE(answer);
    answer = outcome.see(record, json(text), now);
  }
  void dial(const std::string& status) {
    event("Dial", R"("dialstatus":")" + status + R"(","peer":{"id":"c1","state":"Down"})");
  }
  void ringing() { event("ChannelStateChange", R"("channel":{"id":"c1","state":"Ringing"})"); }
  void hangup_request(int cause) {
    event("ChannelHangupRequest", R"("channel":{"id":"c1"},"cause":)" + std::to_string(cause));
  }
  void destroyed(int cause) {
    event("ChannelDestroyed", R"("channel":{"id":"c1"},"cause":)" + std::to_string(cause));
  }
  [[nodiscard]] std::string word() const { return std::string(find_string(json(answer.value()), "outcome")); }
  [[nodiscard]] int cause() const { return json(answer.value())["cause"].GetInt(); }
};

}  // namespace

TEST_CASE("a call that reaches the application is answered, with its channel and how long it rang") {
  CallOut call;
  call.dial("");
  call.now += Milliseconds(100);
  call.ringing();
  call.dial("RINGING");
  call.now += Milliseconds(2500);
  call.dial("ANSWER");
  call.event("StasisStart", R"("args":[],"channel":{"id":"c1","name":"PJSIP/100","state":"Up"})");
  CHECK(call.answer ==
        R"({"outcome":"answered","channel":{"id":"c1","name":"PJSIP/100","state":"Up"},"rang_ms":2500})");
}

TEST_CASE("the cause tells how a call that was not answered came out") {
  struct Expected {
    int cause;
    const char* outcome;
  };
  for (const auto& [cause, outcome] :
       {Expected{17, "busy"}, Expected{18, "no_answer"}, Expected{19, "no_answer"}, Expected{21, "refused"},
        Expected{16, "cancelled"}, Expected{1, "failed"}, Expected{20, "failed"}, Expected{38, "failed"}}) {
    CallOut call;
    call.dial("RINGING");
    call.now += Milliseconds(700);
    call.hangup_request(cause);
    if (cause != 17) call.dial("NOANSWER");  // Asterisk says so whatever the cause
    call.destroyed(cause);
    INFO(cause);
    CHECK(call.word() == outcome);
    CHECK(call.cause() == cause);
    CHECK(find_string(json(*call.answer), "cause_txt") == ari::cause_text(cause));
    CHECK(json(*call.answer)["rang_ms"].GetInt() == 700);
  }
}

TEST_CASE("a Local channel leaves the cause out, and its dial status tells") {
  CallOut busy;
  busy.dial("BUSY");
  busy.destroyed(0);
  CHECK(busy.word() == "busy");
  CHECK(busy.cause() == 17);
  CallOut congested;
  congested.dial("CONGESTION");
  congested.destroyed(0);
  CHECK(congested.word() == "failed");
  CHECK(congested.cause() == 34);
  CallOut nowhere;
  nowhere.destroyed(0);
  CHECK(nowhere.word() == "failed");
  CHECK(nowhere.cause() == 0);
}

TEST_CASE("a call that rang to its time-out was not answered, even where the cause is left out") {
  CallOut call;
  call.ringing();
  call.now += Milliseconds(30'010);
  call.destroyed(0);
  CHECK(call.word() == "no_answer");
  CHECK(call.cause() == 19);
}

TEST_CASE("a call that was hung up over ARI is cancelled, whatever reason was given") {
  CallOut call;
  call.ringing();
  call.hangup_request(32);
  call.destroyed(17);
  CHECK(call.word() == "cancelled");
  CHECK(call.cause() == 17);
}

TEST_CASE("events about other channels, and those in which it plays another part, mean nothing") {
  CallOut call;
  call.event("StasisStart", R"("channel":{"id":"c1;2","state":"Up"})");
  call.event("ChannelDestroyed", R"("channel":{"id":"c2"},"cause":17)");
  call.event("Dial", R"("dialstatus":"BUSY","caller":{"id":"c1"},"peer":{"id":"c3"})");
  call.event("StasisStart", R"("channel":{"id":"c2","state":"Up"},"replace_channel":{"id":"c1"})");
  CHECK_FALSE(call.answer);
  call.destroyed(1);
  CHECK(call.word() == "failed");
}

TEST_CASE("how far SIP went is told where Asterisk tells it") {
  CallOut call;
  call.event("ChannelDestroyed", R"("channel":{"id":"c1"},"cause":17,"tech_cause":486)");
  CHECK(json(*call.answer)["tech_cause"].GetInt() == 486);
}
