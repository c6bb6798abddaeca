// What a client is subscribed to, and what it has to ask the daemon for: docs/clients.md, "The subscription".
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "client/call.h"

namespace aribus::client {

// One request is under way at a time, and only its answer changes what is wanted: then the daemon has changed
// it too.
class SubscriptionState {
 public:
  // Takes what the program is to be told: {"type":"subscribed",…}, or why there is no subscription any more.
  using Tell = std::function<void(Result<Json>)>;

  explicit SubscriptionState(Tell tell) : tell_(std::move(tell)) {}

  // The cursor behind what came last.
  [[nodiscard]] const std::string& place() const { return place_; }
  // A record came, or word of lost ones.
  void move_place(uint64_t seq);
  // The request under way, or nullptr.
  [[nodiscard]] const CallPtr& asked() const { return asked_; }
  // Records are taken.
  [[nodiscard]] bool is_in_force() const { return state_ == State::in_force; }
  // The program waits for records.
  [[nodiscard]] bool is_expected() const;

  // What the program does.

  // `subscribe` or `unsubscribe`.
  void ask(CallPtr call) { waiting_.push_back(std::move(call)); }
  // Nobody waits for it any more. If it is under way, its answer counts all the same.
  void forget(const CallPtr& call) { std::erase(waiting_, call); }

  // What the connection does.

  void disconnected();
  // What to send now, or nullptr. is_read: the program has taken all that waited for it.
  CallPtr next_request(bool is_read);
  // A record came that found no room.
  void fell_behind();
  // The answer to what was asked. Returns what the program gets.
  Result<Json> answered(Result<Json> outcome);

 private:
  enum class State {
    none,      // nothing is wanted
    due,       // the daemon does not know yet what is wanted
    in_force,  // it does, and every record is taken
    behind,    // it does, but records were left out: what follows place_ is fetched again
    refused,   // they may not be fetched: the daemon is to stop
  };

  void subscribed(const Call& call, const Json& result);

  Tell tell_;
  State state_ = State::none;
  Json wanted_{rapidjson::kObjectType};  // the parameters, without `since`
  std::string place_;
  CallPtr asked_;
  std::deque<CallPtr> waiting_;  // the program's requests, for their turn
};

}  // namespace aribus::client
