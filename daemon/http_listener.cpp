#include "daemon/http_listener.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <libwebsockets.h>

#include "base/log.h"
#include "base/tcp_socket.h"

namespace aribus::daemon {
namespace {

constexpr unsigned max_descriptors = 32;  // libwebsockets' own among them
constexpr int request_seconds = 5;        // for a request to come
constexpr int idle_seconds = 60;          // between two on one connection
constexpr size_t piece_bytes = 16 << 10;

// What is still to be written on a connection; libwebsockets holds a pointer to it.
struct Body {
  std::string text;
  size_t written = 0;
};

}  // namespace

// libwebsockets' state. On a loop that is not its own it ends in two steps: first it closes its handles, and
// when the loop is through with them it frees the rest.
class HttpListener::Context {
 public:
  Context(Loop& loop, const Handle& handle) : loop_(loop), context_(std::make_shared<lws_context*>()) {
    static const lws_protocols protocols[] = {{"http", &Context::on_event, sizeof(Body*), 0, 0, nullptr, 0},
                                              {}};
    lws_set_log_level(LLL_ERR, [](int, const char* line) {
      std::string_view text(line);
      while (text.ends_with('\n')) text.remove_suffix(1);
      spdlog::warn("libwebsockets: {}", text);
    });
    foreign_loop_ = loop.raw();
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.vhost_name = "monitoring";
    info.server_string = "aribusd";
    info.options = LWS_SERVER_OPTION_LIBUV;
    info.foreign_loops = &foreign_loop_;
    info.fd_limit_per_thread = max_descriptors;
    info.timeout_secs = request_seconds;
    info.keepalive_timeout = idle_seconds;
    info.gid = -1;
    info.uid = -1;
    info.user = const_cast<Handle*>(&handle);
    info.pcontext = context_.get();
    *context_ = lws_create_context(&info);
  }
  ~Context() {
    if (*context_ != nullptr) lws_context_destroy(*context_);
    loop_.at_end([context = context_] {
      if (*context != nullptr) lws_context_destroy(*context);
    });
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] bool works() const { return *context_ != nullptr; }

  void take(Fd socket) const {
    lws_vhost* vhost = lws_get_vhost_by_name(*context_, "monitoring");
    lws_adopt_socket_vhost(vhost, socket.release());  // closes it when it can't
  }

 private:
  static int on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t length) {
    auto** body = static_cast<Body**>(user);
    switch (reason) {
      case LWS_CALLBACK_HTTP:
        return answer(wsi, *body, {static_cast<const char*>(in), length});
      case LWS_CALLBACK_HTTP_WRITEABLE:
        return *body == nullptr ? 0 : write(wsi, *body);
      case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
      case LWS_CALLBACK_CLOSED_HTTP:
        if (body != nullptr) delete std::exchange(*body, nullptr);
        return 0;
      case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;  // a WebSocket is asked for
      default:
        return 0;
    }
  }

  static int answer(lws* wsi, Body*& body, std::string_view path) {
    const bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    Answer answer;
    if (head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) {
      const auto* handle = static_cast<const Handle*>(lws_context_user(lws_get_context(wsi)));
      answer = (*handle)(path);
    } else {
      answer = {405, "text/plain; charset=utf-8", "GET is expected\n"};
    }
    std::array<unsigned char, LWS_PRE + 1024> buffer;
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const end = buffer.data() + buffer.size();
    if (lws_add_http_common_headers(wsi, static_cast<unsigned>(answer.status), answer.content_type,
                                    answer.body.size(), &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
      return -1;
    }
    if (head) return lws_http_transaction_completed(wsi);
    delete std::exchange(body, new Body{std::move(answer.body), 0});
    lws_callback_on_writable(wsi);
    return 0;
  }

  static int write(lws* wsi, Body*& body) {
    std::array<unsigned char, LWS_PRE + piece_bytes> buffer;
    const size_t size = std::min(body->text.size() - body->written, piece_bytes);
    std::memcpy(buffer.data() + LWS_PRE, body->text.data() + body->written, size);
    body->written += size;
    const bool last = body->written == body->text.size();
    const auto how = last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP;
    if (lws_write(wsi, buffer.data() + LWS_PRE, size, how) < 0) return -1;
    if (!last) {
      lws_callback_on_writable(wsi);
      return 0;
    }
    delete std::exchange(body, nullptr);
    return lws_http_transaction_completed(wsi);
  }

  Loop& loop_;
  void* foreign_loop_ = nullptr;
  std::shared_ptr<lws_context*> context_;  // libwebsockets sets the pointer to null when all is gone
};

HttpListener::HttpListener(Loop& loop, Handle handle) : loop_(loop), handle_(std::move(handle)) {}
HttpListener::~HttpListener() = default;

Result<void> HttpListener::listen(const std::optional<HttpOptions>& options) {
  if (options == options_) return {};
  if (options && options_ && options->address.empty() && options->socket.path == options_->socket.path) {
    if (auto set = ipc::set_rights(options->socket); !set) return set;
    options_ = options;
    return {};
  }
  ipc::ListeningSocket made;
  int port = 0;
  if (options && options->address.empty()) {
    auto listening = ipc::listen_on(options->socket);
    if (!listening) return listening.error();
    made = std::move(*listening);
  } else if (options) {
    port = options->port;
    auto socket = listen_on_tcp(options->address, port);
    if (!socket) {
      socket.error().message = "metrics: listening on " + options->address + " port " +
                               std::to_string(options->port) + ": " + socket.error().message;
      return socket.error();
    }
    made.socket = std::move(*socket);
  }
  if (options && !context_) {
    auto context = std::make_unique<Context>(loop_, handle_);
    if (!context->works()) {
      return Error{ErrorKind::system,
                   "metrics: libwebsockets can't start: is its libuv plugin installed "
                   "(libwebsockets-evlib-uv), are file descriptors left?",
                   {}};
    }
    context_ = std::move(context);
  }
  acceptor_.reset();
  file_ = std::move(made.file);
  port_ = port;
  options_ = options;
  if (options) {
    acceptor_ = std::make_unique<Acceptor>(loop_, std::move(made.socket),
                                           [this](Fd socket) { context_->take(std::move(socket)); });
  }
  return {};
}

}  // namespace aribus::daemon
