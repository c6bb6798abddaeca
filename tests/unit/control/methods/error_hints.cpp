// Why Asterisk did not create a channel.
#include "control/methods/error_hints.h"

#include "tests/unit/control/stage.h"

using namespace aribus;
using aribus::test::ControlStage;

namespace {

constexpr auto created = "2026-11-22T21:46:17.690+0000";
constexpr auto exists = R"({"message":"Channel with given unique ID already exists"})";

// What Asterisk answers to a GET that comes behind the refusal.
struct Look {
  std::string request;
  int status;
  std::string body;
};

struct Case {
  std::string params;
  std::vector<std::string> living;  // channels that events have told of
  std::vector<Look> looks;
  std::string text;  // of the error, in front of "; Asterisk refused"
};

void check(const std::string& method, const Case& one, int status = 409, const std::string& body = exists) {
  INFO(method + " " + one.params + ": " + one.text);
  ControlStage stage;
  for (const std::string& id : one.living) stage.channel_event("StasisStart", id, created);
  stage.call(method, one.params);
  stage.respond(status, body);
  for (const Look& look : one.looks) {
    CHECK(stage.request() == "GET /ari" + look.request);
    stage.respond(look.status, look.body);
  }
  const std::string& message = stage.error().message;
  CHECK(stage.waiting.empty());
  CHECK(message.substr(0, message.find("Asterisk refused: ")) == (one.text.empty() ? "" : one.text + "; "));
  CHECK(message.find("Asterisk refused: ") != std::string::npos);
  CHECK(stage.error().kind == ErrorKind::refused);
}

std::string local(const std::string& ids) {
  return R"({"endpoint":"Local/x@y",)" + ids + "}";
}

}  // namespace

TEST_CASE("an id that is taken is named, whoever has it") {
  const std::string c12 = R"({"id":"c12"})", list = R"([{"id":"x"},{"id":"c12"},{"id":"c1;2"},{"id":"C7"}])";
  for (const Case& one : {
           Case{local(R"("channelId":"c12")"),
                {"c12", "c123"},
                {{"/channels/c12", 200, c12}},
                "a channel 'c12' exists already"},
           Case{local(R"("channelId":"c12")"),
                {"c12"},
                {{"/channels/c12", 404, "{}"}},
                "a channel 'c12' existed until a moment ago"},
           Case{local(R"("channelId":"c12")"), {"c12"}, {{"/channels/c12", 500, "{}"}}, ""},
           Case{local(R"("channelId":"n","otherChannelId":"c12")"),
                {"c12"},
                {{"/channels/c12", 200, c12}},
                "a channel 'c12' exists already"},
           Case{local(R"("channelId":"C12")"),
                {"c12"},
                {{"/channels/c12", 200, c12}},
                "a channel 'c12' exists already, and Asterisk takes 'C12' for the same: it ignores case"},
           Case{local(R"("channelId":"c1")"),
                {"c12"},
                {{"/channels/c12", 200, c12}},
                "a channel 'c12' exists already, whose id begins with 'c1': this Asterisk takes the two for "
                "one"},
           Case{local(R"("channelId":"c12")"),
                {},
                {{"/channels", 200, list}},
                "a channel 'c12' exists already"},
           Case{local(R"("channelId":"h")"),
                {"h;2"},
                {{"/channels/h%3B2", 200, "{}"}},
                "a channel 'h;2' exists already"},
           Case{local(R"("channelId":"c1;2")"),
                {},
                {{"/channels", 200, list}},
                "a channel 'c1;2' exists already"},
           Case{local(R"("channelId":"c7")"),
                {},
                {{"/channels", 200, list}},
                "a channel 'C7' exists already, and Asterisk takes 'c7' for the same: it ignores case"},
           Case{local(R"("channelId":"n","otherChannelId":"n")"),
                {},
                {},
                "channelId and otherChannelId are the same, and a Local channel has two halves"},
           Case{local(R"("channelId":"n12","otherChannelId":"n1")"),
                {},
                {},
                "channelId 'n12' begins with otherChannelId 'n1': this Asterisk takes the two for one"},
       }) {
    for (const char* method : {"originate", "channels.create"}) {
      Case of_method = one;
      if (method == std::string("channels.create")) of_method.params.insert(1, R"("app":"demo",)");
      check(method, of_method);
    }
  }
}

TEST_CASE("snoop and external media channels are explained alike") {
  const Case snoop{R"({"channelId":"c1","snoopId":"s","spy":"both","app":"demo"})",
                   {"c1", "s"},
                   {{"/channels/s", 200, "{}"}},
                   "a channel 's' exists already"};
  check("channels.snoopChannel", snoop, 500, R"({"message":"Snoop channel could not be created"})");
  const std::string media = R"("app":"demo","external_host":"127.0.0.1:9","format":"ulaw"})";
  check("channels.externalMedia",
        {R"({"channelId":"s",)" + media, {"s"}, {{"/channels/s", 200, "{}"}}, "a channel 's' exists already"},
        500, "{}");
  check("channels.externalMedia", {R"({"channelId":"s",)" + media, {}, {{"/channels", 200, "[]"}}, ""}, 500,
        "{}");
}

TEST_CASE("an endpoint is said to be unknown only when Asterisk says so") {
  const Look none{"/channels", 200, "[]"};
  const auto of = [&](const std::string& endpoint, std::vector<Look> looks, const std::string& text) {
    looks.insert(looks.begin(), none);
    for (const int status : {409, 500}) {
      check("originate", {R"({"channelId":"n","endpoint":")" + endpoint + "\"}", {}, looks, text}, status);
    }
  };
  of("PJSIP/nosuch", {{"/endpoints/PJSIP/nosuch", 404, "{}"}, {"/endpoints/PJSIP", 200, "[]"}},
     "Asterisk knows no endpoint 'PJSIP/nosuch'");
  of("PJSIP/phone", {{"/endpoints/PJSIP/phone", 200, R"({"state":"offline"})"}},
     "Asterisk made no channel for endpoint 'PJSIP/phone', whose state is 'offline'");
  const std::string or_taken = ", or the id was taken a moment ago and is free again";
  of("Nosuch/x", {{"/endpoints/Nosuch/x", 404, "{}"}, {"/endpoints/Nosuch", 404, "{}"}},
     "Asterisk made no channel for endpoint 'Nosuch/x': perhaps the channel technology 'Nosuch', of which "
     "Asterisk lists no endpoint, is not loaded" +
         or_taken);
  of("PJSIP/sip:x@y", {{"/endpoints/PJSIP", 200, "[]"}},
     "Asterisk made no channel for endpoint 'PJSIP/sip:x@y': perhaps the technology can make none for it "
     "now" +
         or_taken);
  of("Local/x@y", {},
     "Asterisk made no channel for endpoint 'Local/x@y': perhaps the technology can make none for it now" +
         or_taken);
  of("PJSIP/phone", {{"/endpoints/PJSIP/phone", 503, "{}"}}, "");
}

TEST_CASE("where very many channels live their list is not asked for") {
  ControlStage stage;
  for (int i = 0; i < 1001; ++i) stage.channel_event("StasisStart", "x" + std::to_string(i), created);
  stage.call("originate", local(R"("channelId":"n")"));
  stage.respond(409, exists);
  CHECK(stage.request() == "GET /ari/channels/n");
  stage.respond(404, "{}");
  CHECK(stage.request() == "GET /ari/channels/n%3B2");
  stage.respond(200, "{}");
  CHECK(stage.error().message.starts_with("a channel 'n;2' exists already; "));
}
