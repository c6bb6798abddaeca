// A client of one Asterisk's ARI: its event stream, which it reconnects, and its operations.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ari/app_takeover.h"
#include "ari/connect_error.h"
#include "ari/reconnect.h"
#include "ari/schema.h"
#include "ari/websocket_rest.h"
#include "base/result.h"
#include "base/time.h"
#include "json/json.h"
#include "net/http.h"
#include "net/inbound_websocket.h"
#include "net/listener_check.h"
#include "net/loop.h"
#include "net/websocket.h"

namespace aribus::ari {

struct ClientOptions {
  std::string url;  // of Asterisk's HTTP server: http://127.0.0.1:8088
  std::string username;
  std::string password;
  // The user of this machine who may get the password (ListenerCheck); nothing: any user, with a warning.
  std::optional<ListenerUser> user = {};
  std::vector<std::string> apps;  // Stasis applications to hold; none: no event stream
  bool subscribe_all = false;     // all events of this Asterisk, not only those of the applications
  // Nothing: the client connects to Asterisk. Otherwise Asterisk connects here, as its ari.conf and
  // websocket_client.conf say, with username and password.
  std::optional<ListenOptions> listen;
  TlsOptions tls;
  ReconnectOptions reconnect;
  OnReplaced on_replaced = OnReplaced::report;  // when listening: only `report`
  RestMode rest = RestMode::http;
  Milliseconds connect_timeout{3000};
  Milliseconds request_timeout{10000};
  Milliseconds ping_interval{3000};
  Milliseconds silence_timeout{9000};
  int max_connections = 8;
  size_t max_message_bytes = 4 << 20;
  size_t max_response_bytes = 64 << 20;

  bool operator==(const ClientOptions&) const = default;
};

// The fields that are used of the answer to GET /ari/asterisk/info.
struct ServerInfo {
  std::string version;       // "22.10.1", as reported
  std::string startup_time;  // normalized_time() of what was reported; it changes when Asterisk restarts
  std::string json;          // the whole answer
};

// The operations by resource, typed (operations.h).
class Applications;
class Asterisk;
class Bridges;
class Channels;
class DeviceStates;
class Endpoints;
class Events;
class Mailboxes;
class Playbacks;
class Recordings;
class Sounds;

// Connects to one Asterisk. All callbacks come from the loop, never from within a call.
class Client {
 public:
  struct Handlers {
    // The event stream is connected: events of the applications are received from here on.
    std::function<void(const ServerInfo&)> connected;
    // It has ended, or an attempt has failed (then `connected` was not called). The next attempt comes after
    // `retry_in`; when listening, Asterisk makes it, and `retry_in` is 0.
    std::function<void(const std::string& reason, Milliseconds retry_in)> disconnected;
    // One text message of the event stream; its text is cut when `total_bytes` is more than its size.
    std::function<void(std::string_view text, size_t total_bytes)> message;
    // Asterisk has answered a request that may have changed which events an application gets.
    std::function<void(const HttpRequest&, const HttpResponse&)> application_answered;
    // Requests use the WebSocket from now on where possible, or only HTTP again (RestMode).
    std::function<void(bool over_websocket)> rest_changed;
    // The password goes to a user of this machine who is probably not Asterisk's (ListenerCheck).
    std::function<void(const std::string& text)> warned;
  };
  using Connected = std::function<void(const Result<ServerInfo>&)>;
  using Answered = std::function<void(Result<HttpResponse>)>;

  // Errors: invalid_params when the URL can't be used.
  [[nodiscard]] static Result<std::unique_ptr<Client>> make(Loop& loop, ClientOptions options,
                                                            Handlers handlers = {});
  ~Client();

  // Requests /ari/asterisk/info and opens the event stream, which is reconnected until disconnect(). `done`
  // gets the result of the first attempt: what Asterisk reports, or an error. Idempotent: once connected,
  // further calls get the known answer and send nothing.
  void connect(Connected done = {});
  void disconnect();
  // Closes the event stream in order: messages until Asterisk has closed it, for at most `timeout`, are
  // delivered. Then `done` is called, and the client is as after disconnect().
  void leave(Milliseconds timeout, std::function<void()> done);

  // Uses other time-outs and pauses from now on, also for the open event stream. Required: `options` differs
  // from options() only in `reconnect`, `connect_timeout`, `request_timeout`, `ping_interval` and
  // `silence_timeout`.
  void set_times(ClientOptions options);

  // Whether the event stream is connected. Without applications: whether Asterisk has answered once.
  [[nodiscard]] bool is_connected() const { return connected_; }
  // Call it for an ApplicationReplaced event, see on_replaced. Returns false when the takeover is known, or
  // `app` is none of the applications.
  bool replaced(const std::string& app);
  // Events of `app` are received again.
  void held(const std::string& app) { takeover_.held(app); }
  // The applications that another client has taken over since the event stream was connected.
  [[nodiscard]] const std::set<std::string>& replaced_apps() const { return takeover_.apps(); }
  // Takes them back now by reconnecting. Errors: not_connected; refused when listening, where reconnecting
  // takes nothing back.
  [[nodiscard]] Result<void> reclaim();

  // Time since the last byte of the event stream, which may have ended since.
  [[nodiscard]] Milliseconds silence() const { return loop_.now() - websocket_->last_byte(); }
  // Whether the event stream continues where the one before ended, without a loss. Only when listening:
  // Asterisk keeps events while nobody listens, as long as it runs.
  [[nodiscard]] bool continues() const { return continues_; }
  // Asterisk's startup_time if the last event stream was read to its end, otherwise "".
  [[nodiscard]] const std::string& ended_in_order() const { return ended_in_order_; }
  // The event stream of an earlier process ended in order; Asterisk's startup_time was this one.
  void continue_from(std::string_view startup_time) { ended_in_order_ = normalized_time(startup_time); }
  // The port on which it listens for Asterisk; 0 when it does not.
  [[nodiscard]] int port() const { return listening_ == nullptr ? 0 : listening_->port(); }
  // Number of attempts to connect there with a wrong user or password.
  [[nodiscard]] uint64_t wrong_passwords() const {
    return listening_ == nullptr ? 0 : listening_->wrong_passwords();
  }
  // Asterisk's latest answer about itself.
  [[nodiscard]] const std::optional<ServerInfo>& info() const { return info_; }

  // Calls `operation` with `params`, an object of its parameters, unchecked. Any HTTP status is an answer.
  // Errors: not_connected, invalid_params, outcome_unknown, too_much (see Http::send). `requester`: on whose
  // behalf, for his share of the connections.
  void call(const Operation& operation, const JsonValue& params, Answered done, Requester requester = {});
  // Sends any request. `target` is the encoded path below /ari and its query, as "/channels?x=y"; `body` JSON
  // or "".
  void request(std::string method, std::string target, std::string body, Answered done,
               Requester requester = {});

  // Calls `call` from the loop, after the current callbacks.
  void defer(std::function<void()> call);

  // The same, typed: include "ari/operations.h".
  [[nodiscard]] Applications applications();
  [[nodiscard]] Asterisk asterisk();
  [[nodiscard]] Bridges bridges();
  [[nodiscard]] Channels channels();
  [[nodiscard]] DeviceStates device_states();
  [[nodiscard]] Endpoints endpoints();
  [[nodiscard]] Events events();
  [[nodiscard]] Mailboxes mailboxes();
  [[nodiscard]] Playbacks playbacks();
  [[nodiscard]] Recordings recordings();
  [[nodiscard]] Sounds sounds();

  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  [[nodiscard]] const Url& url() const { return url_; }
  [[nodiscard]] size_t open_requests() const { return http_.open_requests() + rest_.open_requests(); }
  // Whether no request is under way and no callback is due but those of the event stream.
  [[nodiscard]] bool is_idle() const { return open_requests() == 0 && deferred_.empty(); }
  // Whether requests use the WebSocket at present, where possible.
  [[nodiscard]] bool rest_over_websocket() const { return rest_.works(); }

 private:
  Client(Loop& loop, ClientOptions options, Url url, Handlers handlers);
  [[nodiscard]] WebSocketRest::Handlers rest_handlers();
  void attempt();
  void ask_info();
  void on_asked(std::function<void(Result<void>)> answer);
  void on_info(Result<HttpResponse> answer);
  void fail_attempt(const ConnectError& failure);
  void on_opened();
  void on_closed(const WebSocketClosed& closed);
  void open_events();
  void on_lost(const ConnectError& failure);
  void send(HttpRequest request, Answered done);
  void send_over_http(HttpRequest request, Answered done);
  [[nodiscard]] Attempt attempted(Attempt::Step step) const;
  [[nodiscard]] std::string apps_list() const;
  [[nodiscard]] std::string events_target() const;

  Loop& loop_;
  ClientOptions options_;
  Url url_;
  Handlers handlers_;
  ListenerCheck listener_check_;
  MaySend may_send_;  // asks it
  Http http_;
  std::unique_ptr<WebSocket> websocket_;
  InboundWebSocket* listening_ = nullptr;  // the same, when it is one
  WebSocketRest rest_;
  Reconnect reconnect_;
  AppTakeover takeover_;
  Timer retry_;
  EndOfTurn later_;
  std::vector<std::function<void()>> deferred_;
  std::vector<Connected> waiting_;  // callers of connect() whose first attempt is under way
  std::optional<ServerInfo> info_;
  Milliseconds connected_at_{0};
  bool wanted_ = false;  // connect() was called, disconnect() not
  bool connected_ = false;
  bool asking_ = false;                       // for what Asterisk reports of itself
  std::function<void(Result<void>)> answer_;  // to Asterisk, which waits to be accepted
  std::optional<Milliseconds> info_at_;       // when info_ came, until it has been used
  bool continues_ = false;
  std::string ended_in_order_;  // startup_time of the Asterisk whose event stream did, or ""
  std::function<void()> left_;  // leave() is under way
  bool reclaiming_ = false;     // the event stream is being ended, to be opened again at once
  uint64_t attempt_ = 0;        // distinguishes the answers of the present attempt from those of earlier ones
};

}  // namespace aribus::ari
