#include "nats/service.h"

#include <algorithm>
#include <random>

#include <nats/nats.h>
#include <spdlog/spdlog.h>

#include "base/numbers.h"
#include "base/time.h"
#include "nats/message.h"
#include "nats/pauses.h"
#include "nats/subject.h"
#include "protocol/rpc.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds look_every{250};    // between checks of an idle connection
constexpr milliseconds stop_within{5000};  // for commands in progress
constexpr milliseconds stop_looks_every{20};
constexpr milliseconds calls_end_within{5000};
constexpr milliseconds ends_within{1000};  // for the last messages to members
constexpr int64_t flush_within_ms = 2000;
constexpr milliseconds longest_timeout{86'400'000};
// Answers kept for a connection to NATS; if there are more, the oldest are dropped.
constexpr size_t max_kept = 1000, max_kept_bytes = 4 << 20;
// Requests queued in libnats; more are dropped.
constexpr int max_pending = 8192, max_pending_bytes = 16 << 20;
constexpr std::string_view group = "aribus";
constexpr const char* pbx_header = "Aribus-Pbx";
constexpr const char* timeout_header = "Aribus-Timeout";

std::string new_id() {
  static constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::random_device random;
  std::string id(22, ' ');  // the length of other services' ids
  for (char& c : id) c = digits[random() % digits.size()];
  return id;
}

std::string subject_of(const std::string& pbx, const Commands& rule) {
  return "aribus.v1.rpc." + pbx + "." + token(rule.rule());
}

// The subject of the answer; "": none. NATS does not check permissions of reply subjects, and this user may
// publish records: an answer must not become a record, or a request to another PBX or to JetStream.
std::string reply_of(natsMsg* message) {
  const char* text = natsMsg_GetReply(message);
  const std::string_view reply = text == nullptr ? "" : text;
  return reply.starts_with("aribus.") || reply.starts_with('$') ? "" : std::string(reply);
}

// The timeout in a request's header. Errors: invalid_params.
Result<std::optional<milliseconds>> timeout_of(natsMsg* message) {
  const char* text = nullptr;
  if (natsMsgHeader_Get(message, timeout_header, &text) != NATS_OK || text == nullptr)
    return std::optional<milliseconds>();
  const int64_t count = whole_number<int64_t>(text).value_or(0);
  if (count < 1 || count > longest_timeout.count()) {
    return Error{ErrorKind::invalid_params,
                 std::string(timeout_header) + ": a number of milliseconds from 1 to " +
                     std::to_string(longest_timeout.count()) + " is expected",
                 {}};
  }
  return std::optional(milliseconds(count));
}

}  // namespace

struct Service::Subscription {
  Service& service;
  Slot::Purpose purpose;
  Commands* rule;
  Address address;
  natsSubscription* subscription = nullptr;
  bool is_over = false;  // libnats makes no more calls; protected by the service's mutex

  Subscription(Service& of, const Slot& slot)
      : service(of), purpose(slot.purpose), rule(slot.rule), address(slot.address) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { natsSubscription_Destroy(subscription); }

  static void on_message(natsConnection* /*connection*/, natsSubscription* /*subscription*/, natsMsg* got,
                         void* closure) {
    const auto& self = *static_cast<Subscription*>(closure);
    const Message message(got);
    switch (self.purpose) {
      case Slot::Purpose::discovery:
        return self.service.on_discovery(got);
      case Slot::Purpose::commands:
        return self.service.on_command(got, *self.rule, self.address);
      case Slot::Purpose::members:
        return self.service.on_member(got, *self.rule);
    }
  }
  static void on_complete(void* closure) {
    auto& self = *static_cast<Subscription*>(closure);
    Service& service = self.service;
    const std::lock_guard lock(service.mutex_);
    self.is_over = true;
    service.has_changed_ = true;
    service.changed_.notify_all();
  }
};

Service::Service(ServiceOptions options, std::function<Published()> published)
    : options_(std::move(options)),
      published_(std::move(published)),
      identity_{options_.pbx, new_id(), options_.version, to_rfc3339(wall_now())} {
  using Purpose = Slot::Purpose;
  for (const std::string_view tail : {"", ".aribus"})
    slots_.push_back({"$SRV.*" + std::string(tail), Purpose::discovery, nullptr, Address::pbx, nullptr});
  slots_.push_back({"$SRV.*.aribus." + identity_.id, Purpose::discovery, nullptr, Address::pbx, nullptr});
  std::vector<const Commands*> rules;
  for (const auto& [rule, socket] : options_.rules) {
    Commands& made = *rules_.emplace_back(std::make_unique<Commands>(
        rule, socket,
        Commands::Handlers{.answer = [this](const Asked& asked,
                                            std::string_view text) { answer(asked.reply, asked.id, text); },
                           .changed = [this] { wake(); }}));
    rules.push_back(&made);
    slots_.push_back({subject_of(options_.pbx, made), Purpose::commands, &made, Address::pbx, nullptr});
    slots_.push_back({subject_of("any", made), Purpose::commands, &made, Address::any, nullptr});
    slots_.push_back({"aribus.v1.member." + options_.pbx + "." + token(rule) + ".*.*", Purpose::members,
                      &made, Address::pbx, nullptr});
  }
  outbox_ = std::make_unique<MemberOutbox>(MemberOutbox::Handlers{
      .send = [this](const std::string& subject, const ToMember& message,
                     const std::string& end) { send_to_member(subject, message, end); },
      .has_room = [this] { members_->can_send(); }});
  members_ = std::make_unique<Members>(
      rules, Members::Handlers{
                 .send = [this](const std::string& subject, ToMember message,
                                const std::string& end) { outbox_->push(subject, std::move(message), end); },
                 .max_data = [this] { return outbox_->has_room() ? max_member_data_.load() : 0; }});
  note_turn();
  status_ = std::make_unique<Status>(options_.socket, [this] { wake(); });
  thread_ = std::thread([this] { run(); });
}

Service::~Service() {
  stop();
  thread_.join();
  members_->stop();
  outbox_.reset();
  for (const auto& rule : rules_) rule->stop();  // answers the commands in progress
  disconnect();
}

void Service::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  has_changed_ = true;
  changed_.notify_all();
}

void Service::wake() {
  const std::lock_guard lock(mutex_);
  has_changed_ = true;
  changed_.notify_all();
}

void Service::note_turn() {
  turned_ms_ = std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

milliseconds Service::last_turn() const {
  return ended_ ? std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch())
                : milliseconds(turned_ms_);
}

void Service::run() {
  std::string told;
  for (milliseconds pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    note_turn();
    Result<Connection> made = connect(options_.nats, true);
    const bool is_made = made.ok();
    const Error why = is_made ? serve({made->release(), destroy_connection}) : made.error();
    std::unique_lock lock(mutex_);
    if (stopping_) break;
    lock.unlock();
    disconnect();
    if (is_made) pause = first_pause;
    if (std::exchange(told, why.message) != why.message || is_made)
      spdlog::warn("not accepting commands over NATS: {}", why.message);
    lock.lock();
    if (changed_.wait_for(lock, pause, [this] { return stopping_; })) break;
  }
  ended_ = true;
}

Error Service::serve(const SharedConnection& connection) {
  {
    const std::lock_guard lock(mutex_);
    connection_ = connection;
  }
  connected_ = true;
  send_kept(connection.get());
  learn_max_payload(connection.get());
  members_->can_send();
  spdlog::info("accepting commands over NATS at {}", options_.nats.url);
  std::optional<Clock::time_point> until;
  for (;;) {
    note_turn();
    if (!nats::is_connected(connection.get()))
      return {ErrorKind::not_connected, "the connection to NATS has ended", {}};
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
      has_changed_ = false;
    }
    forget_ended();
    if (!stopping) {
      check_rules();
      if (auto subscribed = subscribe(connection.get()); !subscribed) return subscribed.error();
    } else {
      if (!until) {
        until = Clock::now() + stop_within;
        members_->stop();
        outbox_->finish(ends_within);
      }
      leave_all();
      if ((leaving_.empty() && under_way() == 0) || Clock::now() >= *until)
        return {ErrorKind::not_connected, "aribus-nats was stopped", {}};
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stopping ? stop_looks_every : look_every, [this] { return has_changed_; });
  }
}

void Service::disconnect() {
  SharedConnection connection;
  {
    const std::lock_guard lock(mutex_);
    connection.swap(connection_);
  }
  connected_ = false;
  max_member_data_ = 0;
  if (!connection) return;
  if (nats::is_connected(connection.get())) natsConnection_FlushTimeout(connection.get(), flush_within_ms);
  natsConnection_Close(connection.get());
  for (Slot& slot : slots_) {
    if (slot.subscription) leaving_.push_back(std::move(slot.subscription));
  }
  std::unique_lock lock(mutex_);
  const bool all_over = changed_.wait_for(lock, calls_end_within, [this] {
    return std::ranges::all_of(leaving_, [](const auto& one) { return one->is_over; });
  });
  lock.unlock();
  if (!all_over) {
    spdlog::error("libnats has not ended all subscriptions");
    for (auto& one : leaving_) (void)one.release();  // leaked: libnats may still call them
  }
  leaving_.clear();
}

Result<void> Service::subscribe(natsConnection* connection) {
  const auto daemon = status_->state();
  for (Slot& slot : slots_) {
    bool wanted = true;
    if (slot.purpose == Slot::Purpose::commands) {
      wanted = slot.address == Address::pbx ? slot.rule->is_offered()
                                            : slot.rule->is_connected() && !daemon->ready.empty();
    } else if (slot.purpose == Slot::Purpose::members) {
      wanted = slot.rule->is_connected();
    }
    if (wanted == (slot.subscription != nullptr)) continue;
    if (!wanted) {
      leave(slot);
      if (slot.purpose == Slot::Purpose::members && !slot.rule->is_offered()) members_->drop(*slot.rule);
      continue;
    }
    if (auto joined = join(connection, slot); !joined) return joined;
    if (slot.purpose == Slot::Purpose::members) say_accepting(connection, *slot.rule);
  }
  return {};
}

Result<void> Service::join(natsConnection* connection, Slot& slot) {
  slot.subscription = std::make_unique<Subscription>(*this, slot);
  Subscription& made = *slot.subscription;
  natsStatus status =
      slot.rule == nullptr
          ? natsConnection_Subscribe(&made.subscription, connection, slot.subject.c_str(),
                                     Subscription::on_message, &made)
          : natsConnection_QueueSubscribe(&made.subscription, connection, slot.subject.c_str(), group.data(),
                                          Subscription::on_message, &made);
  if (status != NATS_OK) {
    slot.subscription.reset();
  } else {
    status = natsSubscription_SetOnCompleteCB(made.subscription, Subscription::on_complete, &made);
    if (status == NATS_OK)
      status = natsSubscription_SetPendingLimits(made.subscription, max_pending, max_pending_bytes);
  }
  if (status != NATS_OK)
    return not_connected("NATS did not accept the subscription to " + slot.subject, status);
  if (auto permitted = check_permitted(connection, slot.subject); !permitted) {
    if (permitted.error().kind != ErrorKind::not_allowed) return permitted;
    spdlog::warn("{}", permitted.error().message);  // the other subscriptions work without it
  }
  return {};
}

void Service::leave(Slot& slot) {
  natsSubscription_Drain(slot.subscription->subscription);  // requests already received are still answered
  leaving_.push_back(std::move(slot.subscription));
}

void Service::leave_all() {
  for (Slot& slot : slots_) {
    if (slot.subscription) leave(slot);
  }
}

void Service::forget_ended() {
  std::vector<std::unique_ptr<Subscription>> ended;
  const std::lock_guard lock(mutex_);
  std::erase_if(leaving_, [&](auto& one) {
    if (!one->is_over) return false;
    ended.push_back(std::move(one));
    return true;
  });
}

// After a reload of the daemon another access rule may apply to a socket.
void Service::check_rules() {
  const auto daemon = status_->state();
  if (!daemon->answers || std::exchange(configuration_, daemon->configuration) == daemon->configuration)
    return;
  for (const auto& rule : rules_) rule->check_rule();
}

void Service::on_command(natsMsg* message, Commands& rule, Address address) {
  Asked asked{.reply = reply_of(message), .address = address};
  Result<Request> request = read_request(data_of(message), asked.id);
  if (!request) return rule.refuse(asked, request.error());
  const auto timeout = timeout_of(message);
  if (!timeout) return rule.refuse(asked, timeout.error());
  if (address == Address::any) {
    if (auto good = check_for_any(*request); !good) return rule.refuse(asked, good.error());
    if (auto aimed = aim_at_ready_server(*request); !aimed) return rule.refuse(asked, aimed.error());
  }
  rule.request(std::move(*request), std::move(asked), *timeout);
}

Result<void> Service::aim_at_ready_server(Request& request) {
  const auto daemon = status_->state();
  if (daemon->ready.empty()) {
    return Error{
        ErrorKind::not_connected, "no Asterisk of PBX '" + options_.pbx + "' is ready; nothing was sent", {}};
  }
  if (daemon->server_count > 1 && request.params.IsObject() && status_->takes_server(request.method))
    set_member(request.params, "server", daemon->ready[turn_++ % daemon->ready.size()]);
  return {};
}

void Service::on_discovery(natsMsg* message) {
  const std::string reply = reply_of(message);
  std::string_view verb = natsMsg_GetSubject(message);
  verb.remove_prefix(verb.find('.') + 1);  // after $SRV
  verb = verb.substr(0, verb.find('.'));
  if (verb == "PING") answer(reply, {}, ping_response(identity_));
  if (verb == "INFO") answer(reply, {}, info_response(identity_, endpoints()));
  if (verb == "STATS") {
    answer(reply, {},
           stats_response(identity_, endpoints(), pbx_data(options_.pbx, *status_->state(), published_())));
  }
}

std::vector<Endpoint> Service::endpoints() const {
  std::vector<Endpoint> endpoints;
  const auto daemon = status_->state();
  for (const auto& rule : rules_) {
    if (!rule->is_offered()) continue;
    const std::string name = endpoint_name(rule->rule());
    endpoints.push_back(
        {name, subject_of(options_.pbx, *rule), std::string(group), &rule->figures(Address::pbx)});
    if (rule->is_connected() && !daemon->ready.empty()) {
      endpoints.push_back(
          {"any-" + name, subject_of("any", *rule), std::string(group), &rule->figures(Address::any)});
    }
  }
  return endpoints;
}

uint64_t Service::under_way() const {
  uint64_t count = 0;
  for (const auto& rule : rules_) count += rule->under_way();
  return count;
}

Service::SharedConnection Service::connection() const {
  const std::lock_guard lock(mutex_);
  return connection_;
}

void Service::answer(const std::string& reply, const std::string& id, std::string_view text) {
  if (reply.empty()) return;
  for (;;) {
    const SharedConnection used = connection();
    if (used && publish(used.get(), reply, id, text)) return;
    const std::lock_guard lock(mutex_);
    if (connection_ != used) continue;  // it has reconnected
    kept_.push_back({reply, id, std::string(text)});
    kept_bytes_ += text.size();
    while (kept_.size() > max_kept || kept_bytes_ > max_kept_bytes) {
      kept_bytes_ -= kept_.front().text.size();
      kept_.pop_front();
      ++unsent_;
    }
    return;
  }
}

// False when the connection has ended.
bool Service::publish(natsConnection* connection, const std::string& reply, const std::string& id,
                      std::string_view text) {
  const auto headers = std::string_view("NATS/1.0\r\nAribus-Pbx: \r\n\r\n").size() + options_.pbx.size();
  const auto limit = static_cast<size_t>(natsConnection_GetMaxPayload(connection));
  std::string error;
  if (limit > 0 && text.size() + headers > limit) {
    error = rpc::error_text(id, too_long(text.size(), limit));
    if (error.size() + headers > limit) error = rpc::error_text("null", too_long(text.size(), limit));
    text = error;
  }
  natsMsg* made = nullptr;
  natsStatus status =
      natsMsg_Create(&made, reply.c_str(), nullptr, text.data(), static_cast<int>(text.size()));
  const Message message(made);
  if (status == NATS_OK) status = natsMsgHeader_Set(made, pbx_header, options_.pbx.c_str());
  if (status == NATS_OK) status = natsConnection_PublishMsg(connection, made);
  if (status == NATS_OK) return true;
  if (!nats::is_connected(connection)) return false;
  ++unsent_;
  const std::lock_guard lock(mutex_);
  unsent_warnings_.warn("an answer to " + reply + " was not sent: " + natsStatus_GetText(status));
  return true;
}

void Service::send_kept(natsConnection* connection) {
  std::deque<KeptAnswer> kept;
  {
    const std::lock_guard lock(mutex_);
    kept.swap(kept_);
    kept_bytes_ = 0;
  }
  for (const KeptAnswer& one : kept) {
    if (!publish(connection, one.reply, one.id, one.text)) ++unsent_;
  }
}

}  // namespace aribus::nats
