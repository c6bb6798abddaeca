// The methods that programs can call: ARI's operations, the verbs, and the daemon's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "control/upstream.h"
#include "state/whereabouts.h"

namespace aribus::control {

// Knows the methods, checks their parameters, picks the Asterisk and forwards. Lives on the loop's thread; it
// must outlive the replies under way.
class Dispatcher {
 public:
  // A method that is no operation of ARI. `params` is an object without `server`; `upstream` the Asterisk
  // picked.
  using Verb = std::function<void(Upstream& upstream, const Json& params, Reply reply)>;
  // A method that needs no Asterisk: it answers at once.
  using Own = std::function<Result<std::string>(const JsonValue& params)>;

  Dispatcher();

  // Asterisks are added before the first call and stay.
  void add_server(std::string name, ari::Client& client);
  // Registers a method of the daemon's own, without parameters.
  void add_own(std::string name, Own own) { own_.emplace(std::move(name), std::move(own)); }
  // Learns from a record where its ids live.
  void learn(const record::Record& record);

  // Calls `method` with `params`, an object or null. `reply` comes once, at once or later.
  void call(const std::string& method, const JsonValue& params, Reply reply);

  // The ids of channels, bridges, playbacks and recordings that a command names, as opaque keys: two commands
  // that share one must reach Asterisk in the order in which they came.
  [[nodiscard]] static std::vector<std::string> keys_of(const JsonValue& params);

  [[nodiscard]] const std::vector<std::unique_ptr<Upstream>>& servers() const { return servers_; }
  // All methods' names, sorted.
  [[nodiscard]] std::vector<std::string_view> method_names() const;

 private:
  [[nodiscard]] Result<Upstream*> pick_server(const JsonValue& params) const;
  [[nodiscard]] Reply learning(const Upstream& upstream, Reply reply);

  std::vector<std::unique_ptr<Upstream>> servers_;
  std::unordered_map<std::string, Verb> verbs_;
  std::unordered_map<std::string, Own> own_;
  state::Whereabouts whereabouts_;
};

}  // namespace aribus::control
