// What a failed attempt to connect is called, and how soon the next one comes.
#include "ari/connect_error.h"

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::ari;

namespace {

Attempt attempt(Attempt::Step step) {
  return {step, "http://pbx:8088", "bob", "ivr,queue"};
}

std::string page(const std::string& text) {
  return "<html><head>\r\n<title>x</title></head><body>\r\n<p>" + text + "</p>\r\n</body></html>\r\n";
}

}  // namespace

TEST_CASE("each answer that is no Asterisk's yes has its cause and its cure") {
  using Step = Attempt::Step;
  struct Case {
    Step step;
    int status;
    std::string body;  // as Asterisk 16 and 22 answer
    std::string says;
    FailureCause cause;
  };
  const Case cases[] = {
      {Step::info, 401, R"({"message":"Authentication required"})",
       "user 'bob' or its password is wrong (401). Compare username and password with Asterisk's ari.conf",
       FailureCause::login},
      {Step::info, 403, R"({"message":"Access denied by ACL"})",
       "(403, Access denied by ACL). permit, deny and acl in Asterisk's ari.conf", FailureCause::login},
      {Step::events, 403, R"({"message":"Write access denied"})", "Is it read_only in Asterisk's ari.conf?",
       FailureCause::login},
      {Step::info, 404, page("The requested URL was not found on this server."),
       "there is no ARI (404). Is res_ari loaded and enabled in ari.conf", FailureCause::address},
      {Step::info, 404, R"({"message":"Resource not found"})", "Is res_ari_asterisk loaded?",
       FailureCause::address},
      {Step::events, 404, R"({"message":"Resource not found"})", "Is res_ari_events loaded?",
       FailureCause::address},
      {Step::info, 503, R"({"message":"Asterisk not booted"})", "Asterisk is still starting (503)",
       FailureCause::starting},
      {Step::events, 503, "", "Asterisk is not ready (503)", FailureCause::starting},
      {Step::events, 400, page("Invalid application provided in param [app]."),
       "the applications 'ivr,queue' are refused (400, Invalid application provided in param [app].)",
       FailureCause::apps},
      {Step::events, 500, page("Stasis app registration failed"),
       "the applications 'ivr,queue' are refused (500, Stasis app registration failed)", FailureCause::apps},
      {Step::events, 400, "", "the applications 'ivr,queue' are refused (400). Check the names in apps",
       FailureCause::apps},
      {Step::info, 301, "", "redirects to another place (301)", FailureCause::address},
      {Step::info, 500, page("Out of memory"), "HTTP status 500: Out of memory", FailureCause::odd_answer},
      {Step::info, 502, page("Bad Gateway"), "HTTP status 502: Bad Gateway", FailureCause::odd_answer},
  };
  for (const Case& one : cases) {
    INFO(one.status << " " << one.body);
    const ConnectError failure = connect_error_of_answer(attempt(one.step), one.status, one.body);
    CHECK(failure.reason.starts_with("at http://pbx:8088/ari "));
    CHECK_THAT(failure.reason, ContainsSubstring(one.says));
    CHECK(failure.cause == one.cause);
  }
}

TEST_CASE("without an answer the error is told, and TLS that is refused has time") {
  const auto of = [](ErrorKind kind) {
    return connect_error_of(attempt(Attempt::Step::info), Error{kind, "nothing was sent; so it is", {}});
  };
  CHECK(of(ErrorKind::not_connected).reason == "no Asterisk at http://pbx:8088: so it is");
  CHECK(of(ErrorKind::not_connected).cause == FailureCause::no_connection);
  CHECK(of(ErrorKind::outcome_unknown).cause == FailureCause::no_connection);
  CHECK(of(ErrorKind::refused).cause == FailureCause::tls);
}

TEST_CASE("a url that goes on to the events is named as that, and no module") {
  Attempt given = attempt(Attempt::Step::info);
  given.at = "http://pbx:8088/ari/events";
  const ConnectError failure = connect_error_of_answer(given, 404, R"({"message":"Resource not found"})");
  CHECK_THAT(failure.reason, ContainsSubstring("the url ends with /ari/events, which aribusd adds itself") &&
                                 !ContainsSubstring("loaded"));
  CHECK(failure.cause == FailureCause::address);
}
