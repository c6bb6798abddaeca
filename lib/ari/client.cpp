#include "ari/client.h"

#include <algorithm>
#include <utility>

#include "ari/operation.h"
#include "base/base64.h"

namespace aribus::ari {
namespace {

constexpr Milliseconds late_info_time{2000};
constexpr Milliseconds reclaim_timeout{1000};
constexpr size_t max_info_bytes = 64 << 10;  // Asterisk's has one or two thousand

HttpOptions http_options(const ClientOptions& options, const Url& url, MaySend may_send) {
  HttpOptions http;
  http.url = url;
  http.url.prefix.clear();  // make_request puts it into the target
  http.username = options.username;
  http.password = options.password;
  http.tls = options.tls;
  http.connect_timeout = options.connect_timeout;
  http.max_connections = options.max_connections;
  http.max_response_bytes = options.max_response_bytes;
  http.may_send = std::move(may_send);
  return http;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::make(Loop& loop, ClientOptions options, Handlers handlers) {
  Result<Url> url = parse_url(options.url);
  if (!url) return url.error();
  return std::unique_ptr<Client>(new Client(loop, std::move(options), std::move(*url), std::move(handlers)));
}

Client::Client(Loop& loop, ClientOptions options, Url url, Handlers handlers)
    : loop_(loop),
      options_(std::move(options)),
      url_(std::move(url)),
      handlers_(std::move(handlers)),
      listener_check_(options_.user,
                      [this](const std::string& text) {
                        if (handlers_.warned) handlers_.warned(text);
                      }),
      may_send_([this](const SocketAddress& local, const SocketAddress& remote) {
        return listener_check_(local, remote);
      }),
      http_(loop, http_options(options_, url_, may_send_)),
      rest_(loop, {.prefix = url_.prefix}, rest_handlers()),
      reconnect_(options_.reconnect),
      takeover_(
          loop, AppTakeoverOptions{.policy = options_.on_replaced},
          [this](const std::string& app, std::function<void(bool)> answer) {
            request("GET", "/applications/" + percent_encode(app), "",
                    [answer = std::move(answer)](const Result<HttpResponse>& response) {
                      answer(!response || response->status != 404);
                    });
          },
          [this] { static_cast<void>(reclaim()); }),
      retry_(loop),
      later_(loop, [this] {
        for (const auto& call : std::exchange(deferred_, {})) call();
      }) {
  if (!options_.listen) {
    websocket_ = make_websocket(loop);
    return;
  }
  auto listening = std::make_unique<InboundWebSocket>(
      loop, *options_.listen, options_.username, options_.password,
      [this](std::function<void(Result<void>)> answer) { on_asked(std::move(answer)); });
  listening_ = listening.get();
  websocket_ = std::move(listening);
}

WebSocketRest::Handlers Client::rest_handlers() {
  return {[this](std::string text) { return websocket_->send(std::move(text)); },
          [this](HttpRequest request, Answered done) { http_.send(std::move(request), std::move(done)); },
          [this](bool works) {
            if (handlers_.rest_changed) handlers_.rest_changed(works);
          }};
}

Client::~Client() {
  disconnect();
}

void Client::connect(Connected done) {
  if (connected_ && info_) {
    if (done) {
      defer([done = std::move(done), info = *info_] { done(info); });
    }
    return;
  }
  if (done) waiting_.push_back(std::move(done));
  if (std::exchange(wanted_, true)) return;
  attempt();
}

void Client::disconnect() {
  wanted_ = false;
  connected_ = false;
  reclaiming_ = false;
  takeover_.disconnected();
  ++attempt_;
  asking_ = false;
  answer_ = nullptr;
  retry_.stop();
  websocket_->close();
  rest_.closed();
  for (Connected& done : std::exchange(waiting_, {})) {
    defer([done = std::move(done)] { done(Error{ErrorKind::not_connected, "disconnected", {}}); });
  }
  if (auto left = std::exchange(left_, nullptr)) defer(std::move(left));
}

void Client::leave(Milliseconds timeout, std::function<void()> done) {
  left_ = std::move(done);
  if (!connected_ || options_.apps.empty()) return disconnect();
  wanted_ = false;
  websocket_->end(timeout);
}

void Client::set_times(ClientOptions options) {
  options_ = std::move(options);
  reconnect_.change(options_.reconnect);
  http_.set_connect_timeout(options_.connect_timeout);
  websocket_->set_times(options_.ping_interval, options_.silence_timeout);
}

bool Client::replaced(const std::string& app) {
  return std::ranges::find(options_.apps, app) != options_.apps.end() && takeover_.taken(app);
}

Result<void> Client::reclaim() {
  if (listening_ != nullptr) {
    return Error{
        ErrorKind::refused,
        "Asterisk gives an application back to an outbound WebSocket only when that is taken out of ari.conf "
        "and put back, res_ari reloaded after each, or when Asterisk is restarted",
        {}};
  }
  if (!connected_ || options_.apps.empty()) {
    return Error{ErrorKind::not_connected, "not connected to this Asterisk", {}};
  }
  if (!std::exchange(reclaiming_, true)) websocket_->end(reclaim_timeout);
  return {};
}

void Client::attempt() {
  if (listening_ != nullptr) return open_events();
  ask_info();
}

void Client::ask_info() {
  const uint64_t number = ++attempt_;
  asking_ = true;
  HttpRequest request;
  request.method = "GET";
  request.target = url_.prefix + "/ari/asterisk/info";
  request.timeout = options_.request_timeout;
  http_.send(std::move(request), [this, number](Result<HttpResponse> answer) {
    if (number == attempt_) on_info(std::move(answer));
  });
}

// Asterisk is accepted when it answers requests as well. It does not wait long (connection_timeout, 500 ms):
// an answer that comes too late is used for its next attempt.
void Client::on_asked(std::function<void(Result<void>)> answer) {
  answer_ = std::move(answer);
  if (const auto at = std::exchange(info_at_, std::nullopt); at && loop_.now() - *at < late_info_time) {
    std::exchange(answer_, nullptr)({});
  } else if (!asking_) {
    ask_info();
  }
}

void Client::on_info(Result<HttpResponse> answer) {
  asking_ = false;
  if (!answer) {
    fail_attempt(connect_error_of(attempted(Attempt::Step::info), answer.error()));
    return;
  }
  if (answer->status != 200) {
    fail_attempt(connect_error_of_answer(attempted(Attempt::Step::info), answer->status, answer->body));
    return;
  }
  Result<Json> json = parse_json(std::string_view(answer->body).substr(0, max_info_bytes));
  const JsonValue* system = json ? find(*json, "system") : nullptr;
  const JsonValue* status = json ? find(*json, "status") : nullptr;
  if (system == nullptr || status == nullptr) {
    fail_attempt(
        {url_.text() + " answers, but it is no Asterisk, as /ari/asterisk/info has no system and status",
         FailureCause::address});
    return;
  }
  info_ = ServerInfo{std::string(find_string(*system, "version")),
                     normalized_time(find_string(*status, "startup_time")), answer->body};
  if (listening_ != nullptr) {
    info_at_ = loop_.now();
    if (auto let_in = std::exchange(answer_, nullptr)) let_in({});
  } else if (!options_.apps.empty()) {
    open_events();
  } else {
    on_opened();
  }
}

// An attempt failed. While there is a connection, failed attempts of others change nothing.
void Client::fail_attempt(const ConnectError& failure) {
  if (auto refuse = std::exchange(answer_, nullptr)) {
    refuse(Error{ErrorKind::not_connected, failure.reason, {}});
  }
  if (!connected_) on_lost(failure);
}

Attempt Client::attempted(Attempt::Step step) const {
  return {step, url_.text(), options_.username, apps_list()};
}

std::string Client::apps_list() const {
  std::string apps;
  for (const std::string& app : options_.apps) apps += (apps.empty() ? "" : ",") + app;
  return apps;
}

std::string Client::events_target() const {
  return url_.prefix + "/ari/events?" +
         query_string({{"app", apps_list()}, {"subscribeAll", options_.subscribe_all ? "true" : "false"}});
}

void Client::open_events() {
  WebSocketOptions options;
  options.url = url_;
  options.target = events_target();
  options.authorization = "Basic " + base64(options_.username + ":" + options_.password);
  options.subprotocol = "ari";
  options.tls = options_.tls;
  options.connect_timeout = options_.connect_timeout;
  options.ping_interval = options_.ping_interval;
  options.silence_timeout = options_.silence_timeout;
  options.max_message_bytes = options_.max_message_bytes;
  options.may_send = may_send_;
  WebSocket::Handlers handlers;
  handlers.opened = [this] { on_opened(); };
  handlers.text = [this](std::string_view text, size_t total_bytes) {
    if (rest_.receive(text, total_bytes)) return;
    if (handlers_.message) handlers_.message(text, total_bytes);
  };
  handlers.closed = [this](const WebSocketClosed& closed) { on_closed(closed); };
  handlers.resumed = [this] {
    ended_in_order_ = info_->startup_time;
    on_opened();
  };
  websocket_->connect(std::move(options), std::move(handlers));
}

void Client::on_opened() {
  connected_ = true;
  connected_at_ = loop_.now();
  info_at_.reset();
  continues_ = listening_ != nullptr && !ended_in_order_.empty() && ended_in_order_ == info_->startup_time;
  ended_in_order_.clear();
  takeover_.connected();
  if (options_.rest != RestMode::http) rest_.opened();
  const Result<ServerInfo> info = *info_;  // the callbacks may change it
  const auto waiting = std::exchange(waiting_, {});
  if (handlers_.connected) handlers_.connected(*info);
  for (const Connected& done : waiting) done(info);
}

void Client::on_closed(const WebSocketClosed& closed) {
  if (connected_ && closed.orderly) ended_in_order_ = info_->startup_time;
  if (left_) return disconnect();
  if (reclaiming_) return on_lost({"taking the applications back"});
  on_lost(closed.http_status == 0 ? ConnectError{closed.reason}
                                  : connect_error_of_answer(attempted(Attempt::Step::events),
                                                            closed.http_status, closed.http_body));
}

void Client::on_lost(const ConnectError& failure) {
  rest_.closed();
  if (std::exchange(connected_, false)) reconnect_.ended(loop_.now() - connected_at_);
  takeover_.disconnected();
  const bool at_once = std::exchange(reclaiming_, false);
  if (!wanted_) return;
  Milliseconds delay{0};
  if (listening_ == nullptr) {
    if (!at_once) delay = reconnect_.next(failure.cause);
    retry_.once(delay, [this] { attempt(); });
  }
  const Error error{ErrorKind::not_connected, failure.reason, {}};
  const auto waiting = std::exchange(waiting_, {});  // without those that the callbacks add
  if (handlers_.disconnected) handlers_.disconnected(failure.reason, delay);
  for (const Connected& done : waiting) done(error);
}

void Client::defer(std::function<void()> call) {
  deferred_.push_back(std::move(call));
  later_.request();
}

void Client::call(const Operation& operation, const JsonValue& params, Answered done, Requester requester) {
  Result<HttpRequest> made = make_request(operation, params, url_.prefix);
  if (!made) {
    defer([done = std::move(done), error = made.error()] { done(error); });
    return;
  }
  made->requester = requester;
  send(std::move(*made), std::move(done));
}

void Client::request(std::string method, std::string target, std::string body, Answered done,
                     Requester requester) {
  HttpRequest made;
  made.requester = requester;
  made.method = std::move(method);
  made.target = url_.prefix + "/ari" + target;
  made.body = std::move(body);
  send(std::move(made), std::move(done));
}

void Client::send(HttpRequest request, Answered done) {
  if (request.target.size() > max_request_line_bytes) {
    defer([done = std::move(done)] {
      done(Error{ErrorKind::invalid_params,
                 "the path and its query are longer than Asterisk's request line may be (" +
                     std::to_string(max_request_line_bytes) + " bytes)",
                 {}});
    });
    return;
  }
  if (!connected_) {
    defer([done = std::move(done)] {
      done(Error{ErrorKind::not_connected, "not connected to this Asterisk; nothing was sent", {}});
    });
    return;
  }
  if (request.requester.check) {
    if (auto may = (*request.requester.check)(); !may) {
      return defer([done = std::move(done), error = may.error()] { done(error); });
    }
  }
  request.timeout = options_.request_timeout;
  if (handlers_.application_answered && request.method != "GET" &&
      request.target.find("/ari/applications/") != std::string::npos) {
    done = [this, sent = request, done = std::move(done)](Result<HttpResponse> answer) {
      if (answer) handlers_.application_answered(sent, *answer);
      done(std::move(answer));
    };
  }
  // For a command it does not matter why nothing was sent.
  done = [done = std::move(done)](Result<HttpResponse> answer) {
    if (!answer && answer.error().kind == ErrorKind::refused) answer.error().kind = ErrorKind::not_connected;
    done(std::move(answer));
  };
  if (rest_.takes(request) && rest_.send(request, done)) return;
  send_over_http(std::move(request), std::move(done));
}

// Such a request may set an event filter, which also drops answers over the WebSocket.
void Client::send_over_http(HttpRequest request, Answered done) {
  if (request.target.find("/eventFilter") == std::string::npos) {
    return http_.send(std::move(request), std::move(done));
  }
  http_.send(std::move(request), [this, done = std::move(done)](Result<HttpResponse> answer) {
    rest_.probe();
    done(std::move(answer));
  });
}

}  // namespace aribus::ari
