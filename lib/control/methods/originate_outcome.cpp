#include "control/methods/originate_outcome.h"

#include <algorithm>

#include "ari/hangup_causes.h"

namespace aribus::control {
namespace {

// `cause` of a ChannelHangupRequest when the hangup came over ARI (seen on 16.28 and 22.10). It is the flag
// AST_SOFTHANGUP_EXPLICIT, not a cause of Q.850.
constexpr int requested_by_ari = 32;
// Asterisk never ends a ringing call before its timeout; this is the tolerance of that comparison.
constexpr Milliseconds slack{250};

int int_of(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsInt() ? value->GetInt() : 0;
}

std::string_view id_in(const JsonValue& fields, std::string_view name) {
  const JsonValue* channel = find(fields, name);
  return channel == nullptr ? std::string_view{} : find_string(*channel, "id");
}

}  // namespace

std::optional<std::string> OriginateOutcome::see(const record::Record& record, const JsonValue& fields,
                                                 Milliseconds since_begin) {
  if (record.type == "Dial") {
    if (id_in(fields, "peer") != channel_) return {};
    if (const auto status = find_string(fields, "dialstatus"); !status.empty()) dialstatus_ = status;
    if (dialstatus_ == "RINGING" && !ringing_) ringing_ = record.time;
    return {};
  }
  if (id_in(fields, "channel") != channel_) return {};
  if (record.type == "ChannelStateChange") {
    if (!ringing_ && find_string(*find(fields, "channel"), "state") == "Ringing") ringing_ = record.time;
  } else if (record.type == "ChannelHangupRequest") {
    hung_up_by_ari_ |= int_of(fields, "cause") == requested_by_ari;
  } else if (record.type == "StasisStart") {
    return answer("answered", record, fields, 0);
  } else if (record.type == "ChannelDestroyed") {
    int cause = int_of(fields, "cause");
    const std::string_view outcome = word(cause, since_begin);
    // For Local channels, and for timeouts on Asterisk 16, the cause is 0.
    if (cause == 0 && outcome == "busy") cause = 17;
    if (cause == 0 && outcome == "no_answer") cause = 19;
    if (cause == 0 && dialstatus_ == "CONGESTION") cause = 34;
    return answer(outcome, record, fields, cause);
  }
  return {};
}

std::string_view OriginateOutcome::word(int cause, Milliseconds since_begin) const {
  constexpr int normal_clearing = 16, user_busy = 17, no_user_response = 18, no_answer = 19,
                call_rejected = 21;
  if (hung_up_by_ari_ || cause == normal_clearing) return "cancelled";
  if (cause == user_busy || dialstatus_ == "BUSY") return "busy";
  if (cause == no_user_response || cause == no_answer) return "no_answer";
  if (cause == call_rejected) return "refused";
  const bool timed_out = timeout_ && since_begin + slack >= *timeout_;
  return cause == 0 && timed_out ? "no_answer" : "failed";
}

std::string OriginateOutcome::answer(std::string_view outcome, const record::Record& record,
                                     const JsonValue& fields, int cause) const {
  const Milliseconds rang =
      ringing_ ? std::chrono::duration_cast<Milliseconds>(record.time - *ringing_) : Milliseconds(0);
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "outcome", outcome);
    write_key(writer, "channel");
    find(fields, "channel")->Accept(writer);
    write_key(writer, "rang_ms");
    writer.Int64(std::max<int64_t>(rang.count(), 0));
    if (outcome != "answered") {
      write_key(writer, "cause");
      writer.Int(cause);
      write_member(writer, "cause_txt", ari::cause_text(cause));
    }
    if (find(fields, "tech_cause") != nullptr) {
      write_key(writer, "tech_cause");
      writer.Int(int_of(fields, "tech_cause"));
    }
    writer.EndObject();
  });
}

}  // namespace aribus::control
