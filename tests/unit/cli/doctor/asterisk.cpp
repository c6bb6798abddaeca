#include "cli/doctor/asterisk.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp_socket.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

namespace aribus::cli {
namespace {

ari::ClientOptions options() {
  ari::ClientOptions made;
  made.url = "http://192.0.2.1:8088";
  made.username = "aribus";
  made.password = "secret";
  made.apps = {"demo"};
  return made;
}

Answer answer(long status, const std::string& type, const std::string& server, const std::string& body = "") {
  Answer made;
  made.status = status;
  made.type = type;
  made.server = server;
  made.body = body;
  return made;
}

std::string said(const Answer& answer, const AsteriskFiles& files = {}) {
  const auto fault = fault_of(answer, options(), files);
  return fault ? fault->what + " | " + fault->cure : "";
}

std::string said(CURLcode code, const std::string& error, const AsteriskFiles& files = {}) {
  Answer made;
  made.code = code;
  made.error = error;
  return said(made, files);
}

AsteriskFiles with_http(const std::string& text) {
  return {AsteriskFile::parse(text), {}, {}};
}

AsteriskFiles with_ari(const std::string& text, const std::string& websocket_client = "") {
  return {{}, AsteriskFile::parse(text), AsteriskFile::parse(websocket_client)};
}

}  // namespace

TEST_CASE("the doctor knows Asterisk by what it answers, behind a proxy, too") {
  CHECK(said(answer(200, "application/json", "Asterisk/22.5.0", "{}")).empty());
  CHECK(said(answer(200, "application/json", "nginx", "{}")).empty());
  CHECK(said(answer(200, "application/json", "", "{}")).empty());
  CHECK_THAT(said(answer(200, "text/html", "nginx/1.22")),
             ContainsSubstring("another web server answers there: nginx"));
  CHECK_THAT(said(answer(404, "text/html", "")), ContainsSubstring("another web server"));
  Answer elsewhere = answer(301, "text/html", "nginx");
  elsewhere.location = "https://192.0.2.1/";
  CHECK_THAT(said(elsewhere), ContainsSubstring("status 301 and https://192.0.2.1/"));
}

TEST_CASE("the doctor's findings where ARI refuses") {
  CHECK_THAT(said(answer(401, "application/json", "Asterisk")),
             ContainsSubstring("or its password is wrong"));
  CHECK_THAT(said(answer(403, "application/json", "Asterisk", R"({"message":"Access denied by ACL"})")),
             ContainsSubstring("permit, deny and acl"));
  CHECK_THAT(said(answer(404, "application/json", "Asterisk")), ContainsSubstring("res_ari_asterisk.so"));
  CHECK_THAT(said(answer(404, "text/html", "Asterisk")), ContainsSubstring("there is no ARI"));
  CHECK_THAT(said(answer(503, "application/json", "Asterisk", R"({"message":"Asterisk not booted"})")),
             ContainsSubstring("still starting"));
  CHECK_THAT(said(answer(401, "application/json", "Asterisk"), with_ari("[aribus](!)\ntype=user\n")),
             ContainsSubstring("no section [aribus]"));
  CHECK_THAT(said(answer(401, "application/json", "Asterisk"), with_ari("[aribus]\npassword=secret\n")),
             ContainsSubstring("lacks type=user"));
}

TEST_CASE("the doctor knows a password by the blanks that it should not have") {
  const auto says = [&](const std::string& password, const std::string& there) {
    ari::ClientOptions asked = options();
    asked.password = password;
    return fault_of(answer(401, "application/json", "Asterisk"), asked,
                    with_ari("[aribus]\ntype=user\npassword=" + there + "\n"))
        ->cure;
  };
  for (const char* given : {"secret ", "secret\t", " secret"}) {
    CHECK_THAT(says(given, "secret"), ContainsSubstring("aribusd's has blanks at its beginning or end"));
    CHECK_THAT(says(given, "other"), ContainsSubstring("is another one"));
  }
  CHECK_THAT(says("   ", "secret"), ContainsSubstring("is another one"));
  CHECK_THAT(says("secret", "other"), ContainsSubstring("is another one"));
}

TEST_CASE("the doctor names a url that goes on to the events, rather than a module") {
  ari::ClientOptions asked = options();
  const auto what = [&](const std::string& url) {
    asked.url = url;
    return fault_of(answer(404, "application/json", "Asterisk"), asked, {})->what;
  };
  for (const char* url : {"http://pbx/ari/events", "ws://pbx:8088/ari/events/", "http://pbx/x/ari/events"})
    CHECK_THAT(what(url), ContainsSubstring("url ends with /ari/events"));
  CHECK_THAT(what("http://pbx/events"), ContainsSubstring("res_ari_asterisk.so"));
}

TEST_CASE("the doctor finds what is in Asterisk's files and not in force") {
  const auto info = [](const std::string& reloaded) {
    return answer(200, "application/json", "Asterisk/22",
                  R"({"status":{"startup_time":"2026-11-01T00:00:00.000+0000","last_reload_time":")" +
                      reloaded + R"("}})");
  };
  const test::TempDir directory;
  const std::string http = directory.write("http.conf", "[general]\nenabled=yes\n");
  const std::string ari = directory.write("ari.conf", "[aribus]\ntype=user\npassword=secret\n");
  const auto says = [&](const std::string& reloaded) {
    std::string all;
    for (const Finding& fault :
         faults_of_loading(info(reloaded), options(), AsteriskFiles::read(directory.path(""))))
      all += fault.what + " | " + fault.cure + "\n";
    return all;
  };
  const std::string later = "2999-01-01T00:00:00.000+0000", earlier = "2001-01-01T00:00:00.000+0000";
  CHECK(says(later).empty());
  CHECK_THAT(says(earlier), ContainsSubstring("http.conf was changed at ") &&
                                ContainsSubstring("reloaded nothing since 2001-01-01T00:00:00.000Z | 'module "
                                                  "reload http'") &&
                                ContainsSubstring("ari.conf was changed at ") &&
                                ContainsSubstring("'module reload res_ari.so'") &&
                                !ContainsSubstring("websocket_client"));
  CHECK(says("").empty());  // Asterisk does not say
  static_cast<void>(directory.write("http.conf", "[general]\nenabled=no\n"));
  static_cast<void>(directory.write("ari.conf", "[aribus]\ntype=user\npassword=other\n"));
  CHECK_THAT(says(later), ContainsSubstring("http.conf does not say enabled=yes, and") &&
                              ContainsSubstring("ari.conf has another password of the user 'aribus'") &&
                              !ContainsSubstring("secret"));
}

TEST_CASE("the doctor's findings where nobody answers") {
  CHECK_THAT(said(CURLE_COULDNT_RESOLVE_HOST, "?"), ContainsSubstring("can't be resolved"));
  CHECK_THAT(said(CURLE_OPERATION_TIMEDOUT, "?"), ContainsSubstring("firewall"));
  CHECK_THAT(said(CURLE_COULDNT_CONNECT, "?", with_http("[general]\nenabled=on\nbindport=9\n")),
             ContainsSubstring("bindport=9: url is another port"));
  CHECK_THAT(said(CURLE_COULDNT_CONNECT, "?", with_http("[general]\nbindport=8088\n")),
             ContainsSubstring("enabled=yes in http.conf"));
  CHECK_THAT(said(CURLE_SSL_CONNECT_ERROR, "wrong version number"), ContainsSubstring("url: http://"));
  CHECK_THAT(said(CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate has expired"),
             ContainsSubstring("has expired"));
  CHECK_THAT(said(CURLE_PEER_FAILED_VERIFICATION,
                  "SSL: no alternative certificate subject name matches target host name 'x'"),
             ContainsSubstring("for another name"));
  CHECK_THAT(said(CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate"),
             ContainsSubstring("not trusted"));
}

TEST_CASE("the doctor tells the password nobody but Asterisk's user") {
  int port = 0;
  const auto listener = listen_on_tcp("127.0.0.1", port);
  REQUIRE(listener.ok());
  ari::ClientOptions other = options();
  other.url = "http://127.0.0.1:" + std::to_string(port);
  other.user = ListenerUser{"other", ::geteuid() + 7000};
  const Answer kept = ask(other, "/ari/asterisk/info");
  CHECK(kept.code == CURLE_ABORTED_BY_CALLBACK);
  CHECK_THAT(said(kept), ContainsSubstring("not to user 'other'") && ContainsSubstring("ss -ltnp"));
  // It has the connection, and not a byte on it.
  const Fd connection(::accept(listener->get(), nullptr, nullptr));
  char byte = 0;
  CHECK(::recv(connection.get(), &byte, 1, 0) == 0);
}

TEST_CASE("the doctor compares releases branch by branch") {
  const auto has = [](const char* version) {
    return has_what_came_with(version, {{22, 5}, {21, 10}, {20, 15}});
  };
  for (const char* version :
       {"22.5.0", "22.10.1+dfsg", "23.0.0", "21.10.0", "20.15.2", "GIT-master-1a2b", ""}) {
    CAPTURE(version);
    CHECK(has(version));
  }
  for (const char* version : {"22.4.1", "22", "21.9.1", "20.14.0", "20.2.1~dfsg", "16.28.0", "18.26.0"}) {
    CAPTURE(version);
    CHECK_FALSE(has(version));
  }
}

TEST_CASE("the doctor compares clocks to what the request's duration allows") {
  Answer answer;
  answer.date = "Mon, 23 Nov 2026 17:00:00 GMT";
  const auto at = [](const char* text) { return *parse_time(text); };
  answer.asked = at("2026-11-23T16:59:58.100Z");
  answer.answered = at("2026-11-23T17:00:04.000Z");  // slow, but not wrong
  CHECK(answer.clock_ahead() == 0);
  answer.asked = answer.answered = at("2026-11-23T17:00:02.900Z");
  CHECK(answer.clock_ahead() == 0);
  answer.asked = answer.answered = at("2026-11-23T17:00:30.000Z");
  CHECK(answer.clock_ahead() == -30);
  answer.asked = answer.answered = at("2026-11-23T16:59:30.000Z");
  CHECK(answer.clock_ahead() == 30);
  answer.date = "";
  CHECK(answer.clock_ahead() == 0);
}

TEST_CASE("the doctor compares what Asterisk is to connect to") {
  ari::ClientOptions listening = options();
  listening.listen.emplace();
  const std::string ari =
      "[aribus]\ntype=user\npassword=secret\n"
      "[events]\ntype=outbound_websocket\nwebsocket_client_id=client\napps=other, demo\n";
  const std::string client =
      "[client]\ntype=websocket_client\nuri=ws://127.0.0.1:8765/ari\nprotocols=ari\nusername=aribus\n"
      "password=secret\n";
  const auto said = [&](const std::string& ari_text, const std::string& client_text) {
    const auto fault = fault_of_outbound(listening, with_ari(ari_text, client_text));
    return fault ? fault->what : "";
  };
  CHECK(said(ari, client).empty());
  CHECK_THAT(said("[general]\n", client), ContainsSubstring("no section with type=outbound_websocket"));
  CHECK_THAT(said(ari, "[other]\n"), ContainsSubstring("wants [client]"));
  const auto otherwise = [&](const std::string& from, const std::string& to) {
    std::string text = client;
    return said(ari, text.replace(text.find(from), from.size(), to));
  };
  CHECK_THAT(otherwise("8765", "8766"), ContainsSubstring("port 8765"));
  CHECK_THAT(otherwise(":8765/ari", ":8765/events"), ContainsSubstring("path /ari"));
  CHECK_THAT(otherwise("ws://", "wss://"), ContainsSubstring("speaks no TLS"));
  CHECK_THAT(otherwise("secret", "Secret"), ContainsSubstring("another username or password"));
  CHECK_THAT(otherwise("protocols=ari\n", ""), ContainsSubstring("protocols=ari"));
  CHECK_FALSE(fault_of_outbound(options(), with_ari("", "")));
}

}  // namespace aribus::cli
