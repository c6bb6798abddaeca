#include "service/http_listener.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>
#include <list>
#include <utility>

#include <libwebsockets.h>
#include <unistd.h>

#include "base/log.h"
#include "net/numeric_address.h"
#include "net/tcp_socket.h"

namespace aribus::service {
namespace {

constexpr size_t max_connections = 64;
constexpr unsigned max_descriptors = max_connections + 8;  // libwebsockets' own among them
constexpr int request_seconds = 5;                         // for a request to come
constexpr int idle_seconds = 5;                            // between two on one connection

bool is_same_name(std::string_view one, std::string_view other) {
  const auto folded = [](unsigned char c) { return std::tolower(c); };
  return std::ranges::equal(one, other, {}, folded, folded);
}

// Whether a request with the header Host `text` may be for this machine. This stops DNS rebinding: a page
// from elsewhere can resolve its own host name to this machine's address to read from it, but the header
// still has that host name.
bool is_this_host(std::string_view text) {
  const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const size_t end = bracket > 0 ? bracket + 1 : text.find(':');
  if (bracket == std::string_view::npos) return false;
  std::string_view name = bracket > 0 ? text.substr(1, bracket - 1) : text.substr(0, end);
  const std::string_view port = end < text.size() ? text.substr(end) : "";
  if (!port.empty() &&
      (port[0] != ':' || port.find_first_not_of("0123456789", 1) != std::string_view::npos)) {
    return false;
  }
  if (name.ends_with('.')) name.remove_suffix(1);
  char machine[HOST_NAME_MAX + 1] = "";
  ::gethostname(machine, HOST_NAME_MAX);
  return is_numeric_address(std::string(name)) || is_same_name(name, "localhost") ||
         (!name.empty() && is_same_name(name, machine));
}

}  // namespace

// libwebsockets' state. On a foreign loop it ends in two steps: first it closes its handles, and when the
// loop has closed them it frees the rest.
class HttpListener::Context {
 public:
  Context(Loop& loop, const Handle& handle) : loop_(loop), state_(std::make_shared<State>()) {
    static const lws_protocols protocols[] = {{"http", &Context::on_event, 0, 0, 0, nullptr, 0}, {}};
    lws_set_log_level(LLL_ERR, [](int, const char* line) {
      static RareWarnings warnings;
      std::string_view text(line);
      while (text.ends_with('\n')) text.remove_suffix(1);
      warnings.warn("libwebsockets: " + std::string(text));
    });
    state_->handle = &handle;
    foreign_loop_ = loop.raw();
    state_->loop = loop.raw();
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.vhost_name = "monitoring";
    info.server_string = "aribus";
    info.options = LWS_SERVER_OPTION_LIBUV;
    info.foreign_loops = &foreign_loop_;
    info.fd_limit_per_thread = max_descriptors;
    info.timeout_secs = request_seconds;
    info.keepalive_timeout = idle_seconds;
    info.gid = -1;
    info.uid = -1;
    info.user = state_.get();
    info.pcontext = &state_->context;
    state_->context = lws_create_context(&info);
  }
  ~Context() {
    if (state_->context != nullptr) lws_context_destroy(state_->context);
    loop_.at_end([state = state_] {
      if (state->context != nullptr) lws_context_destroy(state->context);
    });
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] bool works() const { return state_->context != nullptr; }
  // Whether requests that come from now on may name any host.
  void take_any_host(bool any) { state_->any_host = any; }

  void take(Fd socket) const {
    auto& connections = state_->connections;
    if (connections.size() >= max_connections) {
      lws* const oldest = connections.front();
      connections.pop_front();
      lws_set_timeout(oldest, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
    lws_vhost* vhost = lws_get_vhost_by_name(state_->context, "monitoring");
    // It closes the socket when it can't take it.
    if (lws* const wsi = lws_adopt_socket_vhost(vhost, socket.release())) connections.push_back(wsi);
  }

 private:
  // The state of libwebsockets' callbacks. It outlives this object.
  struct State {
    lws_context* context = nullptr;  // libwebsockets sets it to null when all is gone
    const Handle* handle = nullptr;
    uv_loop_t* loop = nullptr;
    bool any_host = false;
    std::list<lws*> connections;  // the one that was idle longest first
  };

  static State& state_of(lws* wsi) { return *static_cast<State*>(lws_context_user(lws_get_context(wsi))); }

  static int on_event(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
    switch (reason) {
      case LWS_CALLBACK_HTTP:
        detail::begin_turn(state_of(wsi).loop);
        if (!answer(wsi, {static_cast<const char*>(in), length})) return -1;
        return lws_http_transaction_completed(wsi);
      case LWS_CALLBACK_WSI_DESTROY:
        state_of(wsi).connections.remove(wsi);
        return 0;
      case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return is_same_name(static_cast<const char*>(in), "websocket") ? -1 : answer_as_it_is(wsi);
      default:
        return 0;
    }
  }

  static Answer answer_to(lws* wsi, std::string_view path) {
    const State& state = state_of(wsi);
    std::array<char, 256> host{};
    const int length = lws_hdr_total_length(wsi, WSI_TOKEN_HOST);
    const int copied = lws_hdr_copy(wsi, host.data(), host.size(), WSI_TOKEN_HOST);
    if (!state.any_host && length > 0 && (copied < 0 || !is_this_host(host.data()))) {
      return {421, "text/plain; charset=utf-8",
              "the host of the url is another one's: an address in figures, localhost or this machine's name "
              "is expected\n"};
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0 ||
        lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) {
      return (*state.handle)(path);
    }
    return {405, "text/plain; charset=utf-8", "GET is expected\n"};
  }

  // Answers a request to switch protocols, for example to HTTP/2, in HTTP/1.1; libwebsockets completes it.
  static int answer_as_it_is(lws* wsi) {
    std::array<char, 256> path{};
    const bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    const int length =
        lws_hdr_copy(wsi, path.data(), path.size(), head ? WSI_TOKEN_HEAD_URI : WSI_TOKEN_GET_URI);
    return length > 0 && answer(wsi, path.data()) ? 1 : -1;
  }

  // Returns false when the connection is broken.
  static bool answer(lws* wsi, std::string_view path) {
    auto& connections = state_of(wsi).connections;
    if (const auto at = std::ranges::find(connections, wsi); at != connections.end())
      connections.splice(connections.end(), connections, at);
    const bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    Answer answer = answer_to(wsi, path);
    std::array<unsigned char, LWS_PRE + 1024> buffer;
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const end = buffer.data() + buffer.size();
    if (lws_add_http_common_headers(wsi, static_cast<unsigned>(answer.status), answer.content_type,
                                    answer.body.size(), &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
      return false;
    }
    if (head) return true;
    // libwebsockets buffers what the socket does not take at once.
    const size_t size = answer.body.size();
    answer.body.insert(0, LWS_PRE, '\0');
    auto* const body = reinterpret_cast<unsigned char*>(answer.body.data()) + LWS_PRE;
    return lws_write(wsi, body, size, LWS_WRITE_HTTP_FINAL) >= 0;
  }

  Loop& loop_;
  void* foreign_loop_ = nullptr;
  std::shared_ptr<State> state_;
};

HttpListener::HttpListener(Loop& loop, Handle handle) : loop_(loop), handle_(std::move(handle)) {}
HttpListener::~HttpListener() = default;

Result<void> HttpListener::listen(const std::optional<HttpOptions>& options) {
  if (options == options_) return {};
  if (options && options_ && options->address.empty() && options->socket.path == options_->socket.path) {
    if (auto set = set_rights(options->socket); !set) return set;
    options_ = options;
    return {};
  }
  ListeningSocket made;
  int port = 0;
  if (options && options->address.empty()) {
    auto listening = listen_on(options->socket);
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
    context_->take_any_host(options->address.empty());  // browsers can't reach a Unix socket
    acceptor_ = std::make_unique<Acceptor>(loop_, std::move(made.socket),
                                           [this](Fd socket) { context_->take(std::move(socket)); });
  }
  return {};
}

}  // namespace aribus::service
