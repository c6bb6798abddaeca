// Commands that are answered when what they began has ended: `wait` of originate, play and record.
//
// The order of events and answers is not fixed, which is what this file is about:
//
// 1. A waiter is added to server.waiters() before the request is sent, as events may arrive before
// Asterisk's
//    answer. What such early events say is kept, and used when the answer has shown that they were about the
//    new object: another object may have had the same id a moment before (pbx::Incarnation tells them apart).
// 2. When Asterisk accepts the command, later commands about the same object may be sent (Call::on_accepted).
//    A refusal ends the wait and is the answer.
// 3. An event that the method's EndReader accepts answers the command.
// 4. Events may fail to come. Asterisk reports some ends to nobody, and others to an application that another
//    client has taken. So the waiters also ask Asterisk from time to time whether the object still exists. If
//    it has gone and no event said how, the outcome is unknown, and the error has `exists: false`.
// 5. If events stop for good (disconnected, application taken, daemon stops), the outcome is unknown, and the
//    resolver follows the object up (unknown_outcome.h).
// 6. If the program's connection ends, nobody needs the answer, unless the command has a key: a repeat may
// ask
//    for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ari/schema.h"
#include "control/method.h"
#include "record/record.h"

namespace aribus::control {

// `params` ask the method to wait: `wait` is there and not false.
[[nodiscard]] bool waits_for_end(const JsonValue& params);
// The same, and removes `wait`.
[[nodiscard]] bool take_wait(Json& params);

// Takes a record about the new object; `fields` are its own. Returns the answer, as JSON, if the record is
// the end that the command waits for. It gets no records about earlier objects of the same id.
using EndReader =
    std::function<std::optional<std::string>(const record::Record& record, const JsonValue& fields)>;

// The object that a command creates and waits for.
struct Awaited {
  record::IdKind kind;
  std::string_view id_name;                          // the parameter with its id
  std::string_view noun;                             // what errors call it
  record::IdKind on_kind = record::IdKind::channel;  // kind of the object that it is on
  std::string_view on_name = {};                     // the parameter with the id of that, or ""
  std::string app = {};                              // see pbx::EventWaiters::Waiter::app
};

// Calls `op` with call.params, which prepare() has completed, and replies with what `read_end` returns.
// Errors: those of the operation; outcome_unknown if the end can't be known.
void call_and_wait(Call call, const ari::Operation& op, const Awaited& awaited, EndReader read_end);

}  // namespace aribus::control
