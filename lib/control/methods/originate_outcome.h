// The outcome of an originate with `wait`: answered, busy, ….
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"
#include "net/loop.h"
#include "record/record.h"

namespace aribus::control {

// Follows the records about one originated channel until it is in the application or has ended. Owned by the
// command that waits for it.
class OriginateOutcome {
 public:
  // All outcomes.
  static constexpr std::string_view words[] = {"answered", "busy",   "no_answer",
                                               "refused",  "failed", "cancelled"};
  // JSON Schema of what see() returns.
  static constexpr std::string_view schema =
      R"({"type":"object","required":["outcome","channel","rang_ms"],"properties":{"outcome":{"enum":[)"
      R"("answered","busy","no_answer","refused","failed","cancelled"]},"channel":{"$ref":"#/components/schemas/Channel"},)"
      R"("rang_ms":{"type":"integer","minimum":0},"cause":{"type":"integer"},"cause_txt":{"type":"string"},)"
      R"("tech_cause":{"type":"integer"}}})";

  // `timeout` is how long Asterisk lets it ring; none: without end.
  OriginateOutcome(std::string channel, std::optional<Milliseconds> timeout)
      : channel_(std::move(channel)), timeout_(timeout) {}

  // Takes a record about the channel, received `since_begin` after the command was sent. Returns the answer,
  // as JSON, if the record shows the outcome.
  [[nodiscard]] std::optional<std::string> see(const record::Record& record, const JsonValue& fields,
                                               Milliseconds since_begin);

 private:
  [[nodiscard]] std::string_view word(int cause, Milliseconds since_begin) const;
  [[nodiscard]] std::string answer(std::string_view outcome, const record::Record& record,
                                   const JsonValue& fields, int cause) const;

  std::string channel_;
  std::optional<Milliseconds> timeout_;
  std::string dialstatus_;
  std::optional<WallTime> ringing_;  // when it began to ring
  bool hung_up_by_ari_ = false;
};

}  // namespace aribus::control
