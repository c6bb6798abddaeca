#include "client/client.h"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/base64.h"
#include "protocol/default_socket.h"

namespace aribus::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_pause{100};
constexpr milliseconds longest_pause{1000};
constexpr std::chrono::hours for_ever{24 * 365};
constexpr std::chrono::seconds send_time{15};  // for the daemon to read what is sent

milliseconds with_jitter(milliseconds pause) {
  static std::minstd_rand random{std::random_device{}()};
  return pause * std::uniform_int_distribution<int>(80, 100)(random) / 100;
}

std::string params_of(const Subscription& subscription) {
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
    list("calls", subscription.calls);
    if (!subscription.since.empty()) write_member(writer, "since", subscription.since);
    if (!subscription.from.empty()) write_member(writer, "from", subscription.from);
    if (!subscription.on_overflow.empty()) write_member(writer, "on_overflow", subscription.on_overflow);
    if (subscription.snapshot) {
      write_key(writer, "snapshot");
      writer.Bool(true);
    }
    writer.EndObject();
  });
}

// The command with the server, the key, and an id for a new object; no id with a key, because repeats must be
// equal.
Result<CallPtr> call_of(std::string_view method, std::string_view params, const CallOptions& options) {
  Result<Json> object = parse_json(params);
  if (!object) return unreadable(params, object.error());
  if (!object->IsObject()) {
    return Error{ErrorKind::invalid_params, "params: an object is expected; nothing was sent", {}};
  }
  if (!options.server.empty()) set_member(*object, "server", options.server);
  if (!options.key.empty()) set_member(*object, "key", options.key);
  const bool has_key = find(*object, "key") != nullptr;
  const std::string_view id = chosen_id(method);
  if (!id.empty() && !has_key && find(*object, id) == nullptr) set_member(*object, id, new_id());
  return std::make_shared<Call>(std::string(method), to_text(*object), has_key);
}

int value_of(char c) {
  const size_t at = base64_alphabet.find(c);
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

// A number that Asterisk sends as a string.
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

Client::Client(ClientOptions options)
    : options_(std::move(options)), session_(std::make_unique<Session>(options_.max_line_bytes)) {}

Result<Client> Client::connect(ClientOptions options) {
  if (options.path.empty()) {
    const char* from_environment = std::getenv("ARIBUS_SOCKET");
    options.path =
        from_environment != nullptr && *from_environment != '\0' ? from_environment : default_socket;
  }
  const auto until = Clock::now() + options.wait;
  Client client(std::move(options));
  for (;;) {
    client.connect_once(until);
    LineSocket::Deadline never{Clock::time_point::max()};
    while (client.socket_ && !client.session_->is_ready()) client.read(never);
    if (client.socket_) return client;
    if (Clock::now() >= until) return client.why_;
    client.sleep_before_next_attempt(until);
  }
}

Result<Json> Client::call(std::string_view method, std::string_view params, const CallOptions& options) {
  const Result<CallPtr> call = call_of(method, params, options);
  return call ? run(*call, options.timeout) : call.error();
}

Result<CallPtr> Client::send(std::string_view method, std::string_view params, const CallOptions& options) {
  Result<CallPtr> call = call_of(method, params, options);
  if (!call) return call;
  session_->call(*call);
  flush();
  return call;
}

bool Client::advance_for(milliseconds timeout) {
  LineSocket::Deadline until{Clock::now() + timeout};
  return advance(until);
}

Result<void> Client::subscribe(const Subscription& subscription) {
  const Result<Json> answer = run(std::make_shared<Call>("subscribe", params_of(subscription)), {});
  return answer ? Result<void>() : answer.error();
}

Result<Json> Client::run(const CallPtr& call, std::optional<milliseconds> timeout) {
  LineSocket::Deadline until{Clock::now() + timeout.value_or(for_ever)};
  if (socket_ && socket_->is_hung_up()) hung_up("aribusd has closed the connection");
  if (!call->repeatable) try_to_connect(until.at);
  session_->call(call);
  flush();
  while (!call->outcome && advance(until)) continue;
  if (!call->outcome) {
    session_->give_up(call, "no answer within " + std::to_string(timeout.value_or(for_ever).count()) + " ms");
  }
  return std::move(*call->outcome);
}

Result<std::optional<Item>> Client::next(milliseconds timeout) {
  LineSocket::Deadline until{Clock::now() + timeout};
  while (session_->items() == 0) {
    if (!advance(until)) return std::optional<Item>();
  }
  Result<Item> item = session_->take();
  flush();
  if (!item) return item.error();
  return std::optional<Item>(std::move(*item));
}

bool Client::advance(LineSocket::Deadline& until) {
  if (socket_) return read(until);
  sleep_before_next_attempt(until.at);
  if (Clock::now() >= next_attempt_) connect_once({});
  return socket_ || Clock::now() < until.at;
}

void Client::try_to_connect(Clock::time_point until) {
  if (!socket_) connect_once({});
  LineSocket::Deadline deadline{until};
  while (socket_ && !session_->is_ready() && read(deadline)) continue;
}

void Client::connect_once(Clock::time_point greeted_by) {
  Result<LineSocket> socket =
      LineSocket::connect(options_.path, ConnectionOptions().connect_timeout, options_.max_line_bytes);
  if (!socket) return lost(socket.error().message);
  socket_ = std::move(*socket);
  greeted_ = {std::max(greeted_by, Clock::now() + options_.greeting_timeout)};
  session_->opened();
  flush();
}

void Client::sleep_before_next_attempt(Clock::time_point until) const {
  std::this_thread::sleep_until(std::min(next_attempt_, until));
}

bool Client::read(LineSocket::Deadline& until) {
  const bool greets = !session_->is_ready() && greeted_.at < until.at;
  const Result<std::optional<std::string_view>> line = socket_->read_line(greets ? greeted_ : until);
  if (line && !*line) {
    if (greets) lost(std::string(silent_daemon));
    return greets;
  }
  const Result<void> taken = line ? session_->received(**line) : line.error();
  if (taken) {
    flush();
  } else {
    lost(taken.error().message);
  }
  return true;
}

void Client::flush() {
  if (!socket_) return;
  const Result<void> sent = socket_->write(session_->take_unsent(), Clock::now() + send_time);
  if (!sent) hung_up(sent.error().message);
}

void Client::hung_up(const std::string& reason) {
  for (const auto until = Clock::now() + LineSocket::drain_time; Clock::now() < until;) {
    LineSocket::Deadline now{Clock::now()};
    const auto line = socket_->read_line(now);
    if (!line || (*line && !session_->received(**line)) || (!*line && !socket_->is_readable())) break;
  }
  lost(reason);
}

void Client::lost(const std::string& reason) {
  const bool said = socket_ && !session_->end().message.empty();
  why_ = said ? session_->end() : Error{ErrorKind::not_connected, reason, {}};
  socket_.reset();
  if (session_->is_ready()) pause_ = milliseconds(0);
  pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
  next_attempt_ = Clock::now() + with_jitter(pause_);
  session_->closed(why_.message);
}

Result<ari::Binary> Client::read_binary(const Json& answer) {
  return ari::Binary{std::string(find_string(answer, "content_type")),
                     from_base64(find_string(answer, "data"))};
}

}  // namespace aribus::client
