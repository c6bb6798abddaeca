// The live objects of an Asterisk, as it answers requests for them.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "record/id_set.h"
#include "state/model.h"

namespace aribus::state {

// What an application is subscribed to: GET /applications/{app}.
struct AppSubscriptions {
  std::array<std::set<std::string, std::less<>>, record::object_kinds> ids;
  std::array<bool, record::object_kinds> all{};  // subscribed to every object of this kind
  bool ours = false;                         // it is an application of aribus

  [[nodiscard]] bool has(IdKind kind, std::string_view id) const;
};

// The answers to one fetch (pbx::StateFetcher).
struct FetchedState {
  // What each application is subscribed to, applications of other clients included.
  std::map<std::string, AppSubscriptions, std::less<>> apps;
  // By kind and id, as normalized JSON. Playbacks, recordings and devices: only those that were asked for.
  std::array<std::map<std::string, std::string, std::less<>>, record::object_kinds> objects;

  std::vector<std::string> unknown_apps;  // applications that Asterisk does not know

  // nullptr when there is none.
  [[nodiscard]] const std::string* find(IdKind kind, std::string_view id) const;
  // Whether one of our applications is subscribed to it.
  [[nodiscard]] bool is_heard(IdKind kind, std::string_view id) const;
  // The applications that are subscribed to this very channel.
  [[nodiscard]] std::vector<std::string> apps_that_list(std::string_view channel) const;
  [[nodiscard]] bool hears_channel(std::string_view app, std::string_view channel) const;
  // Number of all that it holds.
  [[nodiscard]] size_t size() const;
};

}  // namespace aribus::state
