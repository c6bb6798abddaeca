// A client's subscription, and the requests that it needs: docs/clients.md, "The subscription".
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "client/call.h"

namespace aribus::client {

// One request is under way at once, and only its answer changes the wanted subscription, as it shows that the
// daemon's has changed, too.
class SubscriptionState {
 public:
  // Gets the item for the program: {"type":"subscribed",…}, or the error because of which it has no
  // subscription any more.
  using Tell = std::function<void(Result<Json>)>;

  explicit SubscriptionState(Tell tell) : tell_(std::move(tell)) {}

  // The cursor after the latest item.
  [[nodiscard]] const std::string& place() const { return place_; }
  // A record or a loss was received.
  void move_place(uint64_t seq);
  // The request under way, or nullptr.
  [[nodiscard]] const CallPtr& asked() const { return asked_; }
  // Whether records are accepted.
  [[nodiscard]] bool is_in_force() const { return state_ == State::in_force; }
  // Whether the program waits for records.
  [[nodiscard]] bool is_expected() const;

  // Calls of the program.

  // `subscribe` or `unsubscribe`.
  void ask(CallPtr call) { waiting_.push_back(std::move(call)); }
  // The program no longer waits for it. If it is under way, its answer still counts.
  void forget(const CallPtr& call) { std::erase(waiting_, call); }

  // Events of the connection.

  // The daemon has ended it, and it is not to be renewed: another program is this member of the group now.
  void ended(const Error& error);

  void disconnected();
  // The request to send now, or nullptr. is_read: the program has taken all waiting items.
  CallPtr next_request(bool is_read);
  // A record was dropped for lack of room.
  void fell_behind();
  // The answer to the request. Returns the item for the program.
  Result<Json> answered(Result<Json> outcome);

 private:
  enum class State {
    none,      // no subscription is wanted
    due,       // the daemon still has to be told which one is wanted
    in_force,  // the daemon knows it, and every record is kept
    behind,    // the daemon knows it, but records were dropped: those after place_ are requested again
    refused,   // it refused to send them again: the subscription has to end
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
