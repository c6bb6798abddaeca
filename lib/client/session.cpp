#include "client/session.h"

#include <algorithm>
#include <vector>

namespace aribus::client {
namespace {

// Others must be requested, or are newer than this library.
constexpr std::string_view notifications[] = {"event", "lost", "assigned", "released", "left"};

Error not_sent(const Call& call, const std::string& why) {
  return Error{ErrorKind::not_connected, why + ": " + call.method + " was not sent", {}};
}

Error unknown(const Call& call, const std::string& why) {
  return Error{ErrorKind::outcome_unknown,
               why + ", before " + call.method + " was answered: its outcome is unknown",
               {}};
}

Error no_subscription() {
  return Error{ErrorKind::malformed, "aribusd answered something unexpected: subscribe: it is no object", {}};
}

Error nothing_said() {
  return Error{ErrorKind::not_connected, {}, {}};
}

Error unexpected() {
  return Error{ErrorKind::not_connected, "aribusd has sent something unexpected", {}};
}

}  // namespace

bool Session::wants_more() const {
  return items_.size() < queued_ || std::ranges::any_of(calls_, [](const auto& one) {
           return one.second->internal || !one.second->outcome;
         });
}

void Session::opened() {
  unsent_.clear();
  end_ = nothing_said();
  why_ = silent_daemon;
  lines_ = 0;
  request_bytes_ = default_request_bytes;  // until this daemon answers `hello`
  told_ = false;
  write(std::make_shared<Call>("hello", "{}", false, true));
}

void Session::closed(const std::string& reason) {
  ready_ = false;
  why_ = reason;
  unsent_.clear();
  const bool expected = subscription_.is_expected();
  subscription_.disconnected();
  for (const auto& [id, call] : std::map(calls_)) {
    call->line = 0;
    if (call->changes_subscription || call->internal || call->outcome) {
      calls_.erase(id);
    } else if (!call->repeatable) {
      give_up(call, reason);
    }
  }
  if (!told_ && expected) {
    Json item(rapidjson::kObjectType);
    set_member(item, "type", "disconnected");
    set_member(item, "reason", reason);
    tell(std::move(item));
  }
  told_ = true;
}

Result<void> Session::received(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  Result<Json> message = parse_own_json(line);
  if (!message) {
    return Error{
        ErrorKind::not_connected, "no JSON came over the connection: " + message.error().message, {}};
  }
  if (!message->IsObject()) return unexpected();
  end_ = nothing_said();  // an earlier line was not the reason: the connection goes on
  if (find(*message, "method") != nullptr) {
    const std::string_view method = find_string(*message, "method");
    if (std::ranges::find(notifications, method) == std::end(notifications)) return {};
    const JsonValue* params = find(*message, "params");
    if (params == nullptr || !params->IsObject()) return unexpected();
    const std::string name(method);
    return notified(name, taken_from(std::move(*message), "params"), line.size());
  }
  const JsonValue* id = find(*message, "id");
  const JsonValue* error = find(*message, "error");
  if (error != nullptr && (id == nullptr || id->IsNull())) {
    stray(*error, *message);
    return {};
  }
  const auto at = id != nullptr && id->IsUint64() ? calls_.find(id->GetUint64()) : calls_.end();
  if (at == calls_.end() || at->second->line == 0) return {};
  finish(CallPtr(at->second), result_of(std::move(*message)));
  return {};
}

void Session::call(const CallPtr& call) {
  if (const auto line = request_line(next_id_, call->method, params_of(*call), request_bytes_); !line) {
    call->outcome = line.error();
  } else if (call->changes_subscription) {
    subscription_.ask(call);
    go_on();
  } else if (ready_) {
    write(call);
  } else if (call->repeatable) {
    enroll(call);
  } else {
    call->outcome = not_sent(*call, why_);
  }
}

// It stays among those under way, so that an error without an id is not attributed to another one.
void Session::give_up(const CallPtr& call, const std::string& reason) {
  subscription_.forget(call);
  if (call->line == 0) calls_.erase(call->id);
  if (!call->outcome) call->outcome = call->sent_to ? unknown(*call, reason) : not_sent(*call, reason);
}

Result<Item> Session::take() {
  Waiting first = std::move(items_.front());
  items_.pop_front();
  item_bytes_ -= first.bytes;
  cursor_ = std::move(first.cursor);
  go_on();
  return std::move(first.item);
}

void Session::tell(Result<Json> item, size_t bytes) {
  item_bytes_ += bytes;
  if (!item) return items_.push_back({item.error(), subscription_.place(), bytes});
  std::string type(find_string(*item, "type"));
  items_.push_back({Item{std::move(type), std::move(*item)}, subscription_.place(), bytes});
}

void Session::go_on() {
  while (ready_) {
    const CallPtr next = subscription_.next_request(items_.empty());
    if (!next) return;
    write(next);
  }
}

void Session::enroll(const CallPtr& call) {
  if (call->id == 0) call->id = next_id_++;
  calls_[call->id] = call;
}

std::string Session::params_of(const Call& call) const {
  if (call.method != "subscribe" || !call.params.starts_with('{')) return call.params;
  const JsonValue* features = find(hello_, "features");
  const auto is_announce = [](const JsonValue& one) { return one.IsString() && as_view(one) == "announce"; };
  if (features == nullptr || !features->IsArray() || std::ranges::none_of(features->GetArray(), is_announce))
    return call.params;
  Result<Json> params = parse_json(call.params);
  if (!params || find(*params, "announce") != nullptr) return call.params;
  set_member(*params, "announce", JsonValue(true));
  return to_text(*params);
}

void Session::write(const CallPtr& call) {
  enroll(call);
  Result<std::string> line = request_line(call->id, call->method, params_of(*call), request_bytes_);
  if (!line) return finish(call, line.error());
  call->line = ++lines_;
  call->sent_to = run_;
  unsent_ += *line + "\n";
}

void Session::stray(const JsonValue& error, const Json& message) {
  StrayError stray = read_stray(error);
  std::vector<CallPtr> sent;
  for (const auto& [id, call] : calls_) {
    if (call->line != 0) sent.push_back(call);
  }
  // From daemons that do not count lines.
  if (stray.line == 0 && stray.is_unreadable && sent.size() == 1) stray.line = sent.front()->line;
  for (const CallPtr& call : sent) {
    if (call->line == stray.line) return finish(call, result_of(copy_of(message)));
  }
  end_ = error_of(error);
  if (end_.kind == ErrorKind::not_owner) subscription_.ended(end_);
  if (end_.kind != ErrorKind::not_allowed) end_.kind = ErrorKind::not_connected;
}

void Session::finish(const CallPtr& call, Result<Json> outcome) {
  calls_.erase(call->id);
  call->line = 0;
  if (outcome && call->method == "subscribe" && !outcome->IsObject()) outcome = no_subscription();
  if (call->internal && call->method == "hello")
    return greeted(outcome ? std::move(*outcome) : Json(rapidjson::kObjectType));
  if (call == subscription_.asked()) outcome = subscription_.answered(std::move(outcome));
  if (!call->outcome) call->outcome = std::move(outcome);
  go_on();
}

Result<void> Session::notified(std::string_view method, Json params, size_t bytes) {
  if (items_.size() >= 2 * queued_ || (!items_.empty() && item_bytes_ + bytes > max_bytes_))
    subscription_.fell_behind();
  if (!subscription_.is_in_force()) return {};
  const JsonValue* seq = find(params, method == "lost" ? "to" : "seq");
  const bool tells_again = method == "assigned" && find_string(params, "reason") == "lost";  // in place of no record
  if (seq != nullptr && seq->IsUint64() && !tells_again) subscription_.move_place(seq->GetUint64());
  if (method != "event") set_member(params, "type", method);
  tell(std::move(params), bytes);
  return {};
}

void Session::greeted(Json hello) {
  hello_ = std::move(hello);
  run_ = find_string(hello_, "started");  // only the same run of the daemon remembers keys
  ready_ = true;
  const JsonValue* limits = find(hello_, "limits");
  const JsonValue* limit = limits == nullptr ? nullptr : find(*limits, "request_bytes");
  request_bytes_ = limit != nullptr && limit->IsUint64() && limit->GetUint64() > 0 ? limit->GetUint64()
                                                                                   : default_request_bytes;
  const auto waiting = calls_;
  go_on();
  for (const auto& [id, call] : waiting) {
    if (!call->sent_to || (*call->sent_to == run_ && !run_.empty())) {
      write(call);
    } else {
      give_up(call, "aribusd was restarted");
    }
  }
}

}  // namespace aribus::client
