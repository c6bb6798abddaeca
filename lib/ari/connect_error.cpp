#include "ari/connect_error.h"

#include "ari/error_response.h"
#include "net/http.h"

namespace aribus::ari {
namespace {

ConnectError unauthorised(const Attempt& attempt) {
  return {"user '" + attempt.username +
              "' or its password is wrong (401). Compare username and password with Asterisk's ari.conf",
          FailureCause::login};
}

ConnectError forbidden(const Attempt& attempt, const std::string& text) {
  const bool by_address = text.find("ACL") != std::string::npos;
  return {"user '" + attempt.username + "' may not do this (403, " + text + "). " +
              (by_address ? "permit, deny and acl in Asterisk's ari.conf keep this host out"
                          : "Is it read_only in Asterisk's ari.conf?"),
          FailureCause::login};
}

// ARI's own 404 is JSON; without ARI the HTTP server answers with a page. Both also come for a moment while
// Asterisk starts: the delays are short at first anyway.
ConnectError not_found(const Attempt& attempt, std::string_view body) {
  if (attempt.at.ends_with("/ari/events")) {
    return {
        "there is nothing (404): the url ends with /ari/events, which aribusd adds itself; end it before "
        "/ari",
        FailureCause::address};
  }
  if (!body.starts_with('{')) {
    return {
        "there is no ARI (404). Is res_ari loaded and enabled in ari.conf, and is the url's path http.conf's "
        "prefix?",
        FailureCause::address};
  }
  return {std::string("ARI is there, and a part of it is not (404). Is ") +
              (attempt.step == Attempt::Step::info ? "res_ari_asterisk" : "res_ari_events") + " loaded?",
          FailureCause::address};
}

ConnectError unavailable(const std::string& text) {
  if (text.find("not booted") != std::string::npos)
    return {"Asterisk is still starting (503)", FailureCause::starting};
  return {"Asterisk is not ready (503" + (text.empty() ? "" : ", " + text) + ")", FailureCause::starting};
}

// Asterisk answers 400 or 500 to names of applications that it does not take.
ConnectError apps_refused(const Attempt& attempt, int status, const std::string& text) {
  return {"the applications '" + attempt.apps + "' are refused (" + std::to_string(status) +
              (text.empty() ? "" : ", " + text) + "). Check the names in apps",
          FailureCause::apps};
}

ConnectError failure_of_status(const Attempt& attempt, int status, std::string_view body) {
  const std::string text = error_response_text(body);
  switch (status) {
    case 401:
      return unauthorised(attempt);
    case 403:
      return forbidden(attempt, text);
    case 404:
      return not_found(attempt, body);
    case 503:
      return unavailable(text);
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return {"it redirects to another place (" + std::to_string(status) +
                  "), and the password is for this one alone. Give Asterisk's own address as url",
              FailureCause::address};
    case 400:
    case 500:
      if (attempt.step == Attempt::Step::events) return apps_refused(attempt, status, text);
      [[fallthrough]];
    default:
      return {"the answer has HTTP status " + std::to_string(status) + (text.empty() ? "" : ": " + text),
              FailureCause::odd_answer};
  }
}

}  // namespace

ConnectError connect_error_of_answer(const Attempt& attempt, int status, std::string_view body) {
  ConnectError failure = failure_of_status(attempt, status, body);
  failure.reason = "at " + attempt.at + "/ari " + failure.reason;
  return failure;
}

ConnectError connect_error_of(const Attempt& attempt, const Error& error) {
  std::string_view why = error.message;
  // Whether something was sent matters for commands only.
  if (why.starts_with(nothing_sent)) why.remove_prefix(nothing_sent.size());
  return {"no Asterisk at " + attempt.at + ": " + std::string(why),
          error.kind == ErrorKind::refused ? FailureCause::tls : FailureCause::no_connection};
}

}  // namespace aribus::ari
