#include "ari/client.h"

#include <utility>

#include "ari/operation.h"
#include "base/bytes.h"

namespace aribus::ari {
namespace {

HttpOptions http_options(const ClientOptions& options, const Url& url) {
  HttpOptions http;
  http.url = url;
  http.url.prefix.clear();  // make_request puts it into the target
  http.username = options.username;
  http.password = options.password;
  http.tls = options.tls;
  http.connect_timeout = options.connect_timeout;
  http.max_connections = options.max_connections;
  http.max_response_bytes = options.max_response_bytes;
  return http;
}

// What a person needs to hear of an answer that is not 200.
std::string explain_status(const ClientOptions& options, const Url& url, int status) {
  const std::string at = url.text() + "/ari: ";
  switch (status) {
    case 401:
      return at + "user '" + options.username +
             "' or its password is wrong (401): compare with Asterisk's ari.conf";
    case 403:
      return at + "user '" + options.username +
             "' may not do this (403): it is read_only in Asterisk's ari.conf";
    case 404:
      return at + "there is no ARI (404): is res_ari loaded, and is the url's path http.conf's prefix?";
    case 503:
      return at + "Asterisk is not ready or has no HTTP session free (503)";
    case 301:
    case 302:
    case 307:
    case 308:
      return at + "it redirects to another place (" + std::to_string(status) +
             "), and the password is for this one alone: give Asterisk's own address";
    default:
      return at + "HTTP status " + std::to_string(status);
  }
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
      http_(loop, http_options(options_, url_)),
      websocket_(make_websocket(loop)),
      rest_(loop, {.prefix = url_.prefix}, rest_handlers()),
      reconnect_(options_.reconnect),
      retry_(loop),
      later_(loop, [this] {
        for (const auto& call : std::exchange(deferred_, {})) call();
      }) {}

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
  ++attempt_;
  retry_.stop();
  websocket_->close();
  rest_.closed();
  for (Connected& done : std::exchange(waiting_, {})) {
    defer([done = std::move(done)] { done(Error{ErrorKind::not_connected, "disconnected", {}}); });
  }
}

void Client::attempt() {
  const uint64_t number = ++attempt_;
  HttpRequest request;
  request.method = "GET";
  request.target = url_.prefix + "/ari/asterisk/info";
  request.timeout = options_.request_timeout;
  http_.send(std::move(request), [this, number](Result<HttpResponse> answer) {
    if (number == attempt_) on_info(std::move(answer));
  });
}

void Client::on_info(Result<HttpResponse> answer) {
  if (!answer) {
    on_lost("no Asterisk at " + url_.text() + ": " + answer.error().message);
    return;
  }
  if (answer->status != 200) {
    on_lost(explain_status(options_, url_, answer->status));
    return;
  }
  Result<Json> json = parse_json(answer->body);
  const JsonValue* system = json ? find(*json, "system") : nullptr;
  const JsonValue* status = json ? find(*json, "status") : nullptr;
  if (system == nullptr || status == nullptr) {
    on_lost(url_.text() + " answers, but it is no Asterisk: /ari/asterisk/info has no system and status");
    return;
  }
  info_ = ServerInfo{std::string(find_string(*system, "version")),
                     std::string(find_string(*status, "startup_time")), answer->body};
  if (!options_.apps.empty()) {
    open_events();
    return;
  }
  connected_ = true;
  connected_at_ = loop_.now();
  report(*info_);
}

std::string Client::events_target() const {
  std::string apps;
  for (const std::string& app : options_.apps) apps += (apps.empty() ? "" : ",") + app;
  return url_.prefix + "/ari/events?" +
         query_string({{"app", apps}, {"subscribeAll", options_.subscribe_all ? "true" : "false"}});
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
  WebSocket::Handlers handlers;
  handlers.opened = [this] {
    connected_ = true;
    connected_at_ = loop_.now();
    if (options_.rest != RestMode::http) rest_.opened();
    report(*info_);
  };
  handlers.text = [this](std::string_view text, size_t total_bytes) {
    if (rest_.receive(text, total_bytes)) return;
    if (handlers_.message) handlers_.message(text, total_bytes);
  };
  handlers.closed = [this](const WebSocketClosed& closed) {
    on_lost(closed.http_status == 0 ? closed.reason : explain_status(options_, url_, closed.http_status));
  };
  websocket_->connect(std::move(options), std::move(handlers));
}

void Client::report(const Result<ServerInfo>& outcome) {
  if (outcome && handlers_.connected) handlers_.connected(*outcome);
  for (const Connected& done : std::exchange(waiting_, {})) done(outcome);
}

void Client::on_lost(const std::string& reason) {
  rest_.closed();
  if (std::exchange(connected_, false)) reconnect_.ended(loop_.now() - connected_at_);
  if (!wanted_) return;
  const Milliseconds delay = reconnect_.next();
  retry_.once(delay, [this] { attempt(); });
  if (handlers_.disconnected) handlers_.disconnected(reason, delay);
  report(Error{ErrorKind::not_connected, reason, {}});
}

void Client::defer(std::function<void()> call) {
  deferred_.push_back(std::move(call));
  later_.request();
}

void Client::call(const Operation& operation, const JsonValue& params, Answered done) {
  Result<HttpRequest> made = make_request(operation, params, url_.prefix);
  if (!made) {
    defer([done = std::move(done), error = made.error()] { done(error); });
    return;
  }
  send(std::move(*made), std::move(done));
}

void Client::request(std::string method, std::string target, std::string body, Answered done) {
  HttpRequest made;
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
  request.timeout = options_.request_timeout;
  if (rest_.takes(request) && rest_.send(request, done)) return;
  send_over_http(std::move(request), std::move(done));
}

// What is sent there may be an event filter, which drops answers over the WebSocket too.
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
