// WebSocket on libwebsockets, as a guest on our loop.
#include <deque>
#include <optional>
#include <vector>

#include <libwebsockets.h>

#include "ari/lookup.h"
#include "ari/websocket.h"
#include "base/log.h"

namespace aribus::ari {
namespace {

constexpr size_t max_unsent_bytes = 1 << 20;

int on_lws_event(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t length);

// libwebsockets' state for one WebSocket object; it outlives single connections.
class Context {
 public:
  Context(Loop& loop, const TlsOptions& tls) : loop_(loop), context_(std::make_shared<lws_context*>()) {
    static const lws_protocols protocols[] = {{"ari", on_lws_event, 0, 0, 0, nullptr, 0}, {}};
    lws_set_log_level(LLL_ERR, [](int, const char* line) {
      std::string_view text(line);
      while (text.ends_with('\n')) text.remove_suffix(1);
      spdlog::warn("libwebsockets: {}", text);
    });
    foreign_loop_ = loop.raw();
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.foreign_loops = &foreign_loop_;
    info.fd_limit_per_thread = 64;  // its tables are sized by this: one connection, and old ones that linger
    info.gid = -1;
    info.uid = -1;
    if (!tls.ca_file.empty()) info.client_ssl_ca_filepath = tls.ca_file.c_str();
    info.pcontext = context_.get();
    *context_ = lws_create_context(&info);
  }
  // On a loop that is not its own, libwebsockets ends in two steps: now it closes its handles, and when the
  // loop is through with them it frees the rest.
  ~Context() {
    if (*context_ != nullptr) lws_context_destroy(*context_);
    loop_.at_end([context = context_] {
      if (*context != nullptr) lws_context_destroy(*context);
    });
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  lws_context* get() const { return *context_; }

 private:
  Loop& loop_;
  void* foreign_loop_ = nullptr;
  std::shared_ptr<lws_context*> context_;  // libwebsockets sets the pointer to null when all is gone
};

class LwsWebSocket : public WebSocket {
 public:
  explicit LwsWebSocket(Loop& loop) : loop_(loop), deadline_(loop), heartbeat_(loop) {}
  ~LwsWebSocket() override { close(); }

  void connect(WebSocketOptions options, Handlers handlers) override;
  Result<void> send(std::string text) override;
  void close() override;

  // What on_lws_event passes on.
  int append_header(unsigned char** at, unsigned char* end);
  void on_opened();
  void on_received(lws* wsi, std::string_view piece);
  void on_pong() { heard(); }
  int on_writable(lws* wsi);
  void on_failed(lws* wsi, std::string_view reason);
  void on_closed();
  void on_destroyed(const lws* wsi);
  void on_peer_close(std::string_view code_and_reason);

 private:
  void connect_to_next_address();
  void beat();
  void heard();
  void finish(WebSocketClosed closed);

  Loop& loop_;
  WebSocketOptions options_;
  Handlers handlers_;
  std::unique_ptr<Context> context_;
  std::string context_ca_file_;
  Lookup lookup_;
  Timer deadline_;
  Timer heartbeat_;
  std::vector<std::string> addresses_;  // still to be tried, the next one last
  lws* wsi_ = nullptr;
  bool open_ = false;
  bool want_ping_ = false;
  bool pinged_ = false;  // since the last byte
  Milliseconds last_byte_{0};
  std::optional<Milliseconds> asked_;  // when the first ping since the last byte was sent, or was to be
  std::string message_;                // the message being put together, up to the bound
  size_t message_total_bytes_ = 0;
  std::string close_reason_;        // what the peer gave as its reason
  std::deque<std::string> unsent_;  // each with LWS_PRE bytes in front
  size_t unsent_bytes_ = 0;
};

void LwsWebSocket::connect(WebSocketOptions options, Handlers handlers) {
  close();
  options_ = std::move(options);
  handlers_ = std::move(handlers);
  if (context_ == nullptr || context_ca_file_ != options_.tls.ca_file) {
    context_ = std::make_unique<Context>(loop_, options_.tls);
    context_ca_file_ = options_.tls.ca_file;
  }
  if (context_->get() == nullptr) {
    context_.reset();
    finish({0,
            "libwebsockets can't start: is its libuv plugin installed (libwebsockets-evlib-uv), are file "
            "descriptors left?"});
    return;
  }
  deadline_.once(options_.connect_timeout, [this] {
    finish({0, "no WebSocket at " + options_.url.authority() + " within " +
                   std::to_string(options_.connect_timeout.count()) + " ms"});
  });
  lookup_.start(loop_, options_.url.host,
                [this](std::vector<std::string> addresses, const std::string& error) {
                  addresses_.assign(addresses.rbegin(), addresses.rend());
                  if (addresses_.empty()) {
                    finish({0, "the name " + options_.url.host + " has no address: " + error});
                    return;
                  }
                  connect_to_next_address();
                });
}

void LwsWebSocket::connect_to_next_address() {
  const std::string address = std::move(addresses_.back());
  addresses_.pop_back();
  const std::string host = options_.url.authority();
  lws_client_connect_info info{};
  info.context = context_->get();
  info.address = address.c_str();
  info.port = options_.url.port;
  info.path = options_.target.c_str();
  info.host = host.c_str();
  info.origin = nullptr;
  info.protocol = options_.subprotocol.c_str();
  info.local_protocol_name = "ari";
  info.opaque_user_data = this;
  info.pwsi = &wsi_;
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;  // the password is for this server alone
  if (options_.url.tls) {
    info.ssl_connection |= LCCSCF_USE_SSL;
    if (!options_.tls.verify_peer) info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE;
    if (!options_.tls.verify_host) info.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
  }
  if (lws_client_connect_via_info(&info) == nullptr && deadline_.active() && addresses_.empty() &&
      wsi_ == nullptr) {
    finish({0, "no connection to " + address + " port " + std::to_string(options_.url.port)});
  }
}

Result<void> LwsWebSocket::send(std::string text) {
  if (!open_) return Error{ErrorKind::not_connected, "the WebSocket is not open", {}};
  if (unsent_bytes_ + text.size() > max_unsent_bytes) {
    return Error{ErrorKind::too_much, "1 MiB waits to be sent on the WebSocket already", {}};
  }
  unsent_bytes_ += text.size();
  unsent_.push_back(std::string(LWS_PRE, '\0') + text);
  lws_callback_on_writable(wsi_);
  return {};
}

void LwsWebSocket::close() {
  lookup_.cancel();
  deadline_.stop();
  heartbeat_.stop();
  addresses_.clear();
  unsent_.clear();
  unsent_bytes_ = 0;
  message_.clear();
  message_total_bytes_ = 0;
  close_reason_.clear();
  want_ping_ = false;
  if (lws* wsi = std::exchange(wsi_, nullptr)) {
    lws_set_opaque_user_data(wsi, nullptr);  // from here on its events are nobody's
    if (open_) {
      lws_set_timer_usecs(wsi, 1);  // on_lws_event says goodbye there
    } else {
      lws_set_timeout(wsi, PENDING_TIMEOUT_AWAITING_CONNECT_RESPONSE, LWS_TO_KILL_ASYNC);
    }
  }
  open_ = false;
}

void LwsWebSocket::finish(WebSocketClosed closed) {
  close();
  const auto callback = handlers_.closed;
  if (callback) callback(closed);
}

int LwsWebSocket::append_header(unsigned char** at, unsigned char* end) {
  if (options_.authorization.empty()) return 0;
  const std::string line = "Authorization: " + options_.authorization + "\r\n";
  if (static_cast<size_t>(end - *at) < line.size()) return -1;
  *at = std::copy(line.begin(), line.end(), *at);
  return 0;
}

void LwsWebSocket::on_opened() {
  open_ = true;
  addresses_.clear();
  deadline_.stop();
  heard();
  // A quarter of the ping interval is the precision with which silence is noticed.
  heartbeat_.every(std::max(options_.ping_interval / 4, Milliseconds(10)), [this] { beat(); });
  if (handlers_.opened) handlers_.opened();
}

void LwsWebSocket::heard() {
  last_byte_ = loop_.now();
  asked_.reset();
  pinged_ = false;
}

// Silence alone proves nothing: this process may have been stopped, and its pings with it. A ping without an
// answer does.
void LwsWebSocket::beat() {
  const Milliseconds now = loop_.now();
  if (now - last_byte_ < options_.ping_interval) return;
  if (asked_ && now - *asked_ >= options_.silence_timeout - options_.ping_interval) {
    finish({0, "dead: not a byte for " + std::to_string((now - last_byte_).count()) + " ms"});
    return;
  }
  if (!asked_) asked_ = now;
  want_ping_ = true;
  lws_callback_on_writable(wsi_);
}

void LwsWebSocket::on_received(lws* wsi, std::string_view piece) {
  heard();
  const bool first = lws_is_first_fragment(wsi) != 0;
  if (first) {
    message_.clear();
    message_total_bytes_ = 0;
  }
  message_total_bytes_ += piece.size();
  const bool last = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
  if (first && last && piece.size() <= options_.max_message_bytes) {
    handlers_.text(piece, piece.size());  // in one piece, as nearly always: no copy
    return;
  }
  message_ += piece.substr(0, options_.max_message_bytes - message_.size());
  if (!last) return;
  const std::string message = std::exchange(message_, {});
  handlers_.text(message, std::exchange(message_total_bytes_, 0));
}

int LwsWebSocket::on_writable(lws* wsi) {
  if (std::exchange(want_ping_, false)) {
    unsigned char ping[LWS_PRE];
    if (lws_write(wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0) return -1;
    if (!std::exchange(pinged_, true)) asked_ = loop_.now();
    if (!unsent_.empty()) lws_callback_on_writable(wsi);
    return 0;
  }
  if (unsent_.empty()) return 0;
  std::string text = std::move(unsent_.front());
  unsent_.pop_front();
  unsent_bytes_ -= text.size() - LWS_PRE;
  if (lws_write(wsi, reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE, text.size() - LWS_PRE,
                LWS_WRITE_TEXT) < 0) {
    return -1;
  }
  if (!unsent_.empty()) lws_callback_on_writable(wsi);
  return 0;
}

void LwsWebSocket::on_failed(lws* wsi, std::string_view reason) {
  WebSocketClosed closed{static_cast<int>(lws_http_client_http_response(wsi)), std::string(reason)};
  if (closed.http_status == 101) closed.http_status = 0;
  wsi_ = nullptr;
  if (closed.http_status == 0 && !addresses_.empty()) {
    connect_to_next_address();
    return;
  }
  if (closed.http_status != 0) {
    closed.reason = "the WebSocket was refused with HTTP status " + std::to_string(closed.http_status);
  } else {
    closed.reason = "no WebSocket at " + options_.url.authority() + ": " + closed.reason;
  }
  finish(std::move(closed));
}

void LwsWebSocket::on_closed() {
  wsi_ = nullptr;
  open_ = false;
  finish({0, close_reason_.empty() ? "the connection was closed without a close frame" : close_reason_});
}

// libwebsockets 4.1 says nothing else of a connection that is reset before the handshake is answered.
void LwsWebSocket::on_destroyed(const lws* wsi) {
  if (wsi != wsi_) return;
  wsi_ = nullptr;
  open_ = false;
  deadline_.once(Milliseconds(0), [this] {
    finish({0, "no WebSocket at " + options_.url.authority() + ": the connection was reset"});
  });
}

void LwsWebSocket::on_peer_close(std::string_view code_and_reason) {
  close_reason_ = "Asterisk closed it";
  if (code_and_reason.size() >= 2) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(code_and_reason[i]); };
    close_reason_ += " with code " + std::to_string(byte(0) << 8 | byte(1));
  }
}

int on_lws_event(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
  auto* self = wsi == nullptr ? nullptr : static_cast<LwsWebSocket*>(lws_get_opaque_user_data(wsi));
  const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : length);
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
      auto** at = static_cast<unsigned char**>(in);
      return self == nullptr ? -1 : self->append_header(at, *at + length);
    }
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      if (self == nullptr) return -1;
      self->on_opened();
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (self != nullptr) self->on_received(wsi, bytes);
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
      if (self != nullptr) self->on_pong();
      return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return self == nullptr ? 0 : self->on_writable(wsi);
    case LWS_CALLBACK_TIMER:
      // Nobody's connection ends. From LWS_CALLBACK_CLIENT_WRITEABLE, libwebsockets 4.1 would do so without
      // the frame.
      if (self != nullptr) return 0;
      lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
      return -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      if (self != nullptr) self->on_peer_close(bytes);
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      if (self != nullptr) self->on_failed(wsi, in == nullptr ? std::string_view("no connection") : bytes);
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      if (self != nullptr) self->on_closed();
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      if (self != nullptr) self->on_destroyed(wsi);
      return 0;
    default:
      return 0;
  }
}

}  // namespace

std::unique_ptr<WebSocket> make_websocket(Loop& loop) {
  return std::make_unique<LwsWebSocket>(loop);
}

}  // namespace aribus::ari
