#include "client/client.h"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <thread>

namespace aribus::client {
namespace {

using std::chrono::milliseconds;

// Records that wait for the program; the daemon's ring keeps what follows.
constexpr size_t most_queued = 2000;
constexpr milliseconds shortest_pause{100};
constexpr milliseconds longest_pause{1000};
constexpr std::chrono::hours for_ever{24 * 365};
constexpr std::chrono::seconds greeting_time{10};  // for `hello`
constexpr std::chrono::seconds resuming_time{60};  // for the subscription over a new connection

milliseconds with_jitter(milliseconds pause) {
  static std::minstd_rand random{std::random_device{}()};
  return pause * std::uniform_int_distribution<int>(80, 100)(random) / 100;
}

std::string params_of(const Subscription& subscription, std::string_view since) {
  return render([&](JsonWriter& writer) {
    const auto list = [&](std::string_view name, const std::vector<std::string>& values) {
      if (values.empty()) return;
      write_key(writer, name);
      writer.StartArray();
      for (const std::string& value : values) write_string(writer, value);
      writer.EndArray();
    };
    writer.StartObject();
    list("types", subscription.types);
    list("exclude", subscription.exclude);
    list("servers", subscription.servers);
    list("apps", subscription.apps);
    list("channels", subscription.channels);
    list("bridges", subscription.bridges);
    list("endpoints", subscription.endpoints);
    if (!since.empty()) write_member(writer, "since", since);
    if (!subscription.on_overflow.empty()) write_member(writer, "on_overflow", subscription.on_overflow);
    if (subscription.snapshot) {
      write_key(writer, "snapshot");
      writer.Bool(true);
    }
    writer.EndObject();
  });
}

// `params` with the server and the key.
Result<std::string> with_options(std::string_view params, const CallOptions& options) {
  Result<Json> object = parse_json(params);
  if (!object) return Error{ErrorKind::invalid_params, "params: " + object.error().message, {}};
  if (!object->IsObject()) return Error{ErrorKind::invalid_params, "params: an object is expected", {}};
  if (!options.server.empty()) set_member(*object, "server", options.server);
  if (!options.key.empty()) set_member(*object, "key", options.key);
  return to_text(*object);
}

Error unknown(std::string_view method, const std::string& why) {
  return Error{ErrorKind::outcome_unknown,
               why + ", before " + std::string(method) + " was answered: its outcome is unknown",
               {}};
}

Error not_sent(std::string_view method, const std::string& why) {
  return Error{ErrorKind::not_connected, why + ": " + std::string(method) + " was not sent", {}};
}

Error no_subscription() {
  return Error{ErrorKind::malformed, "aribusd answered something unexpected: subscribe: it is no object", {}};
}

int value_of(char c) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string from_base64(std::string_view text) {
  std::string bytes;
  unsigned collected = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) break;
    collected = collected << 6 | static_cast<unsigned>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(collected >> bits & 0xFF);
  }
  return bytes;
}

// A number that Asterisk sends as a text.
void as_text(Json& record, const char* member, const char* field) {
  if (!record.HasMember(member) || !record[member].IsObject()) return;
  JsonValue& object = record[member];
  if (!object.HasMember(field) || !object[field].IsNumber()) return;
  object[field].SetString(to_text(object[field]).c_str(), record.GetAllocator());
}

}  // namespace

Json Item::as_asterisk_sent_it() const {
  Json record = copy_of(fields);
  if (!record.IsObject()) return record;
  set_member(record, "application", find_string(fields, "app"));
  set_member(record, "timestamp", find_string(fields, "time"));
  as_text(record, "contact_info", "roundtrip_usec");
  as_text(record, "peer", "port");
  as_text(record, "peer", "time");
  return record;
}

Result<ari::AnyEvent> Item::event() const {
  return ari::parse_event(to_text(as_asterisk_sent_it()));
}

Result<Client> Client::connect(ClientOptions options) {
  if (options.path.empty()) {
    const char* from_environment = std::getenv("ARIBUS_SOCKET");
    options.path = from_environment != nullptr && *from_environment != '\0' ? from_environment
                                                                            : "/run/aribus/aribus.sock";
  }
  const auto until = Clock::now() + options.wait;
  Client client(std::move(options));
  for (;;) {
    const Result<void> connected = client.reconnect();
    if (connected) return client;
    if (Clock::now() >= until) return connected.error();
    client.sleep_before_next_attempt(until);
  }
}

Result<Json> Client::call(std::string_view method, std::string_view params, const CallOptions& options) {
  const Result<std::string> text = with_options(params, options);
  if (!text) return text.error();
  const bool repeatable = !options.key.empty();
  const auto until = Clock::now() + options.timeout.value_or(for_ever);
  std::optional<std::string> sent_to;  // the run of the daemon that has got it
  for (;;) {
    if (connection_ && connection_->is_hung_up()) lost("aribusd has closed the connection");
    while (!connection_) {
      if (repeatable) sleep_before_next_attempt(until);
      static_cast<void>(reconnect(until));
      if (connection_ || (repeatable && Clock::now() < until)) continue;
      return sent_to ? unknown(method, why_) : not_sent(method, why_);
    }
    // Keys are remembered by one run of the daemon alone.
    if (sent_to && (*sent_to != run_ || run_.empty())) return unknown(method, "aribusd was restarted");
    sent_to = run_;
    Result<Json> answer = call_once(method, *text, until);
    if (connection_ || !repeatable) return answer;
  }
}

Result<Json> Client::call_once(std::string_view method, std::string_view params, Clock::time_point until) {
  const Result<uint64_t> id = connection_->send(method, params);
  const auto left = std::max(std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds(0));
  Result<Json> answer = id ? connection_->wait(*id, left) : id.error();
  if (connection_->is_open()) {
    const bool late = !answer && Clock::now() >= until;
    return late ? unknown(method, answer.error().message) : std::move(answer);
  }
  lost(answer.error().message);
  return unknown(method, why_);
}

Result<void> Client::subscribe(const Subscription& subscription) {
  const std::string params = params_of(subscription, subscription.since);
  for (;;) {
    if (connection_ && connection_->is_hung_up()) lost("aribusd has closed the connection");
    if (!connection_) {
      sleep_before_next_attempt(Clock::now() + for_ever);
      static_cast<void>(reconnect());
    }
    if (!connection_) continue;
    Result<Json> answer = call_once("subscribe", params, Clock::now() + for_ever);
    if (!connection_) continue;  // to subscribe twice does no harm
    if (!answer) return answer.error();
    take_notifications();
    connection_->keep_again();
    if (!subscribed(std::move(*answer))) return no_subscription();
    subscription_ = subscription;
    return {};
  }
}

Result<std::optional<Item>> Client::next(milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  for (;;) {
    if (items_.empty() && connection_ && !connection_->notifications().empty()) {
      items_.push_back(waiting(std::move(connection_->notifications().front())));
      connection_->notifications().pop_front();
    }
    if (!items_.empty()) {
      Waiting first = std::move(items_.front());
      items_.pop_front();
      cursor_ = std::move(first.cursor);
      return std::optional<Item>(std::move(first.item));
    }
    if (!connection_) {
      sleep_before_next_attempt(until);
      if (Clock::now() < next_attempt_) return std::optional<Item>();
      const Result<void> connected = reconnect();
      if (!connected && connection_) return connected.error();
    } else if (connection_->has_dropped()) {
      const Result<void> again = subscribe_again();
      if (!again && connection_) return again.error();
    } else {
      const auto left = std::max(std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds(0));
      const Result<bool> came = connection_->wait_for_notification(left);
      if (!came) lost(came.error().message);
      if (came && !*came) return std::optional<Item>();
    }
  }
}

Result<void> Client::reconnect(Clock::time_point until) {
  Result<Connection> connection =
      Connection::connect(options_.path, {.max_line_bytes = options_.max_line_bytes});
  if (!connection) {
    lost(connection.error().message);
    return Error{ErrorKind::not_connected, why_, {}};
  }
  connection_ = std::move(*connection);
  connection_->keep_at_most(most_queued);
  const Result<Json> hello = call_once("hello", "{}", std::min(Clock::now() + greeting_time, until));
  if (connection_ && !hello && hello.error().kind == ErrorKind::outcome_unknown) {
    lost("aribusd does not say who it is");
  }
  if (!connection_) return Error{ErrorKind::not_connected, why_, {}};
  told_ = false;
  pause_ = milliseconds(0);
  run_ = hello ? find_string(*hello, "started") : std::string_view();
  return subscription_ ? subscribe_again() : Result<void>();
}

void Client::sleep_before_next_attempt(Clock::time_point until) const {
  std::this_thread::sleep_until(std::min(next_attempt_, until));
}

void Client::lost(const std::string& reason) {
  why_ = reason;
  if (connection_) {
    connection_->drain();
    if (!connection_->end().empty()) why_ = connection_->end();
    if (items_.size() < most_queued) take_notifications();  // otherwise they are fetched again
    connection_.reset();
  }
  pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
  next_attempt_ = Clock::now() + with_jitter(pause_);
  if (!told_ && subscription_) {
    Json fields(rapidjson::kObjectType);
    set_member(fields, "type", "disconnected");
    set_member(fields, "reason", why_);
    items_.push_back({Item{"disconnected", std::move(fields)}, place_});
  }
  told_ = true;
}

Result<void> Client::subscribe_again() {
  const bool catches_up = connection_->has_dropped();
  const auto until = Clock::now() + resuming_time;
  Result<Json> answer = call_once("subscribe", params_of(*subscription_, place_), until);
  if (connection_ && !answer && Clock::now() >= until) lost("aribusd does not answer");
  if (!connection_) return answer.error();
  connection_->keep_again();
  if (!answer) {
    subscription_.reset();
    return answer.error();
  }
  const JsonValue* resumed = find(*answer, "resumed");
  if (catches_up && resumed != nullptr && resumed->IsTrue()) return {};
  if (!subscribed(std::move(*answer))) {
    subscription_.reset();
    return no_subscription();
  }
  return {};
}

bool Client::subscribed(Json result) {
  if (!result.IsObject()) return false;
  place_ = find_string(result, "cursor");
  set_member(result, "type", "subscribed");
  items_.push_back({Item{"subscribed", std::move(result)}, place_});
  return true;
}

Client::Waiting Client::waiting(Notification notification) {
  const bool is_lost = notification.method == "lost";
  const JsonValue* seq = find(notification.params, is_lost ? "to" : "seq");
  if (seq != nullptr && seq->IsUint64())
    place_ = place_.substr(0, place_.rfind(':') + 1) + std::to_string(seq->GetUint64());
  if (is_lost) set_member(notification.params, "type", "lost");
  std::string type(find_string(notification.params, "type"));
  return {Item{std::move(type), std::move(notification.params)}, place_};
}

void Client::take_notifications() {
  for (Notification& one : connection_->notifications()) items_.push_back(waiting(std::move(one)));
  connection_->notifications().clear();
}

Result<ari::Binary> Client::read_binary(const Json& answer) {
  return ari::Binary{std::string(find_string(answer, "content_type")),
                     from_base64(find_string(answer, "data"))};
}

}  // namespace aribus::client
