#include "net/http.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/held_bytes.h"
#include "net/request_queue.h"

namespace aribus {
namespace {

// Asterisk closes a kept-alive connection after 15 s (http.conf: session_keep_alive); one that is older than
// this is not used again.
constexpr long max_idle_seconds = 12;
constexpr size_t max_header_bytes = 64 << 10;  // of one answer: interim ones and trailers included
// Read at a time. curl reads 100 times in a row before it returns, as long as they are full.
constexpr long curl_buffer_bytes = 2 << 10;
constexpr size_t moved_bytes = 1 << 20;  // of an answer; where it becomes longer, addresses are reserved for
constexpr size_t max_reserved_bytes = 64 << 20;    // so many (memory is what it fills)
constexpr uint64_t delivery_limit_ns = 1'000'000;  // of handing answers out, in one turn

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// The TLS connection is refused, by either side.
bool is_tls(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM;
}

// What to do about a failed connection, or "".
std::string_view cure_of(CURLcode code, std::string_view detail) {
  const auto says = [detail](std::string_view what) { return detail.find(what) != std::string_view::npos; };
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return ". Is the host's name right, and does the name server answer?";
    case CURLE_COULDNT_CONNECT:
      return ". Does Asterisk run, and is its http.conf enabled, with this bindaddr and bindport?";
    case CURLE_GOT_NOTHING:
      return ". Is this http.conf's tlsbindaddr (the url needs https://), or its sessionlimit reached?";
    case CURLE_SSL_CONNECT_ERROR:
      return says("wrong version number") ? ". No TLS is spoken there. Does the url need http://?" : "";
    case CURLE_PEER_FAILED_VERIFICATION:
      if (says("expired")) return ". Asterisk needs a new one (http.conf's tlscertfile)";
      if (says("issuer") || says("self") || says("signed"))
        return ". tls.ca_file must hold the authority that signed it";
      return ". The url must name the host as the certificate does";
    default:
      return "";
  }
}

std::string reason_of(CURLcode code, const char* detail) {
  std::string reason = detail[0] != '\0' ? detail : curl_easy_strerror(code);
  // "Failed to connect to HOST port PORT after N ms: Couldn't connect to server"
  if (code == CURLE_COULDNT_CONNECT) reason = reason.substr(0, reason.rfind(": "));
  return reason + std::string(cure_of(code, reason));
}

}  // namespace

// One request under way.
struct Transfer {
  Transfer(Loop& loop, HttpRequest its_request, Http::Done its_done, const HttpOptions& options,
           HeldBytes& held_bytes)
      : deadline(loop),
        began(loop.now()),
        request(std::move(its_request)),
        done(std::move(its_done)),
        max_response_bytes(options.max_response_bytes),
        held(held_bytes, request.requester.user) {}

  Timer deadline;  // of ours, not curl's, which does not read what has arrived before it looks at its clock
  Milliseconds began;
  HttpRequest request;
  Http::Done done;
  HttpResponse response;
  size_t max_response_bytes;
  size_t header_bytes = 0;
  HeldBytes::Answer held;
  RequestQueue::Id place = 0;       // in the queue
  std::optional<Error> over_bound;  // the answer is
  std::optional<Error> refused;     // by Requester::check; nothing was sent
  int attempts = 0;                 // connections on which curl was about to send it
  const MaySend* may_send = nullptr;
  bool is_new = false;                  // the connection was opened for this request, and was not asked about
  std::optional<std::string> not_sent;  // why it was not sent on it
  char detail[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, FreeList> headers;
  std::unique_ptr<CURL, FreeEasy> easy;

  static size_t on_body(char* bytes, size_t, size_t count, void* self_pointer) {
    auto* self = static_cast<Transfer*>(self_pointer);
    std::string& body = self->response.body;
    self->make_room(count);
    if (body.size() + count > self->max_response_bytes) {
      self->over_bound = too_large(self->request, self->max_response_bytes);
    } else if (!self->held.add(count)) {
      self->over_bound = too_many(self->request, body.size());
    }
    if (self->over_bound) return 0;
    body.append(bytes, count);
    return count;
  }

  // A large answer does not move again and again while it grows: that takes time.
  void make_room(size_t count) {
    std::string& body = response.body;
    if (body.size() < moved_bytes && body.size() + count >= moved_bytes) {
      body.reserve(std::min(max_response_bytes, max_reserved_bytes));
    }
  }

  static Error too_many(const HttpRequest& request, size_t bytes) {
    return Error{request.method == "GET" ? ErrorKind::too_much : ErrorKind::outcome_unknown,
                 "the answers being received hold too much memory, " + std::to_string(bytes) +
                     " bytes of this one; try again later",
                 {}};
  }

  static size_t on_header(char*, size_t, size_t count, void* self_pointer) {
    auto* self = static_cast<Transfer*>(self_pointer);
    self->header_bytes += count;
    if (self->header_bytes <= max_header_bytes) return count;
    self->over_bound = Error{ErrorKind::outcome_unknown,
                             "the answer to " + self->request.method + " " + self->request.target +
                                 " has more than " + std::to_string(max_header_bytes) + " bytes of headers",
                             {}};
    return 0;
  }

  // Called when a connection is established and the request is about to be sent. When a kept-alive connection
  // was closed without an answer, curl would send the request again on another one. A request that may have
  // reached the server and may have changed something must not be repeated.
  static int before_sending(void* self_pointer, char* remote, char* local, int remote_port, int local_port) {
    auto* self = static_cast<Transfer*>(self_pointer);
    const bool again = self->attempts++ > 0;
    if (again && self->sent_bytes() > 0 && self->request.method != "GET") return CURL_PREREQFUNC_ABORT;
    if (!self->may_still_be_sent()) return CURL_PREREQFUNC_ABORT;
    if (!*self->may_send || !std::exchange(self->is_new, false)) return CURL_PREREQFUNC_OK;
    const Result<void> may = (*self->may_send)({local, local_port}, {remote, remote_port});
    if (!may) self->not_sent = may.error().message;
    return may ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }

  // Whoever it is for may have lost the right to it while it waited for a connection.
  bool may_still_be_sent() {
    if (!request.requester.check) return true;
    const Result<void> may = (*request.requester.check)();
    if (!may) refused = may.error();
    return may.ok();
  }

  static int on_new_socket(void* self_pointer, curl_socket_t, curlsocktype) {
    static_cast<Transfer*>(self_pointer)->is_new = true;
    return CURL_SOCKOPT_OK;
  }

  long sent_bytes() const {
    long bytes = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &bytes);
    return bytes;
  }

  Error error_of(CURLcode code) const {
    const bool sent = attempts > 0 && (code == CURLE_ABORTED_BY_CALLBACK || sent_bytes() > 0);
    if (over_bound) return *over_bound;
    if (refused) return *refused;
    if (not_sent) return Error{ErrorKind::not_connected, std::string(nothing_sent) + *not_sent, {}};
    if (!sent) {
      return Error{is_tls(code) ? ErrorKind::refused : ErrorKind::not_connected,
                   std::string(nothing_sent) + reason_of(code, detail),
                   {}};
    }
    std::string why = "the connection ended before the answer";
    if (code == CURLE_OPERATION_TIMEDOUT) {
      why = "no answer within " + std::to_string(request.timeout.count()) + " ms";
    } else if (code == CURLE_GOT_NOTHING && request.method == "GET") {
      why += cure_of(code, {});
    }
    return no_answer(request, why);
  }
};

class Http::Multi {
 public:
  Multi(Loop& loop, HttpOptions options)
      : loop_(loop),
        options_(std::move(options)),
        timer_(loop),
        soon_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
        delivery_(loop, [this] { deliver(); }),
        base_(options_.url.text()),
        held_(options_.max_held_bytes),
        queue_(static_cast<size_t>(options_.max_connections)) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    if (ready != CURLE_OK || multi_ == nullptr) throw std::runtime_error("curl can't be initialised");
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket_wanted);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer_wanted);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.max_connections));
  }

  ~Multi() {
    for (const auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_, easy);
    transfers_.clear();
    curl_multi_cleanup(multi_);
  }

  void send(HttpRequest request, Done done) {
    auto transfer = std::make_unique<Transfer>(loop_, std::move(request), std::move(done), options_, held_);
    transfer->may_send = &options_.may_send;
    const RequestQueue::Id place =
        queue_.push(transfer->request.requester, transfer->request.method != "GET");
    transfer->place = place;
    // The queue is ours as well: in curl's, time-outs don't count.
    transfer->deadline.once(transfer->request.timeout, [this, place] { give_up(place); });
    waiting_.emplace(place, std::move(transfer));
    start_waiting();
  }

  size_t size() const { return transfers_.size() + waiting_.size() + finished_.size(); }
  void set_connect_timeout(Milliseconds timeout) { options_.connect_timeout = timeout; }

 private:
  struct Finished {
    std::unique_ptr<Transfer> transfer;
    Result<HttpResponse> result;
  };

  void start_waiting() {
    while (const auto place = queue_.next()) {
      auto node = waiting_.extract(*place);
      std::unique_ptr<Transfer> transfer = std::move(node.mapped());
      // A new one for each request: where a handle is used again and a header of the next answer is folded,
      // curl 7.88 reads memory that it has freed.
      transfer->easy.reset(curl_easy_init());
      if (transfer->easy == nullptr) throw std::bad_alloc();
      configure(*transfer);
      CURL* easy = transfer->easy.get();
      const Milliseconds left = transfer->began + transfer->request.timeout - loop_.now();
      transfer->deadline.once(std::max(left, Milliseconds(1)), [this, easy] { give_up(easy); });
      transfers_.emplace(easy, std::move(transfer));
      curl_multi_add_handle(multi_, easy);  // it begins at the end of the turn
    }
  }

  void give_up(RequestQueue::Id place) {
    auto node = waiting_.extract(place);
    const std::string timeout_ms = std::to_string(node.mapped()->request.timeout.count());
    finish(std::move(node.mapped()),
           Error{ErrorKind::not_connected,
                 std::string(nothing_sent) + "all " + std::to_string(options_.max_connections) +
                     " connections, or this user's share of them, were busy for " + timeout_ms + " ms",
                 {}});
  }

  void give_up(CURL* easy) {
    auto node = transfers_.extract(easy);
    const Error error =
        node.mapped()->error_of(CURLE_OPERATION_TIMEDOUT);  // before curl forgets what was sent
    abandoning_ = true;
    curl_multi_remove_handle(multi_, easy);
    abandoning_ = false;
    finish(std::move(node.mapped()), error);
  }

  // Its place is free, and `done` comes at the end of the turn, or of one soon after.
  void finish(std::unique_ptr<Transfer> transfer, Result<HttpResponse> result) {
    transfer->deadline.stop();
    queue_.remove(transfer->place);
    finished_.push_back({std::move(transfer), std::move(result)});
    delivery_.request();
    start_waiting();
  }

  void deliver() {
    const uint64_t began = uv_hrtime();
    do {
      Finished finished = std::move(finished_.front());
      finished_.pop_front();
      finished.transfer->done(std::move(finished.result));
    } while (!finished_.empty() && uv_hrtime() - began < delivery_limit_ns);
    if (!finished_.empty()) delivery_.request();
  }

  // The connection of an abandoned request ends with RST, so that the kernel's retransmissions over a lossy
  // link do not reach the server much later.
  static int on_close(void* self_pointer, curl_socket_t socket) {
    const linger at_once{1, 0};
    if (static_cast<Multi*>(self_pointer)->abandoning_) {
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    return ::close(socket);
  }

  void configure(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const HttpRequest& request = transfer.request;
    const auto set = [easy](CURLoption option, auto value) {
      const CURLcode code = curl_easy_setopt(easy, option, value);
      if (code != CURLE_OK) throw std::runtime_error(std::string("curl: ") + curl_easy_strerror(code));
    };
    set(CURLOPT_URL, (base_ + request.target).c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // an id may be ".."
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(CURLOPT_USERNAME, options_.username.c_str());
    set(CURLOPT_PASSWORD, options_.password.c_str());
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_PROXY, "");  // the environment's proxies are for other programs
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // otherwise a hanging look-up of a name is waited for
    set(CURLOPT_ERRORBUFFER, transfer.detail);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_MAXAGE_CONN, max_idle_seconds);
    set(CURLOPT_BUFFERSIZE, curl_buffer_bytes);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_CLOSESOCKETFUNCTION, &Multi::on_close);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_PREREQFUNCTION, &Transfer::before_sending);
    set(CURLOPT_PREREQDATA, &transfer);
    set(CURLOPT_SOCKOPTFUNCTION, &Transfer::on_new_socket);
    set(CURLOPT_SOCKOPTDATA, &transfer);
    set(CURLOPT_SSL_VERIFYPEER, options_.tls.verify_peer ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, options_.tls.verify_host ? 2L : 0L);
    if (!options_.tls.ca_file.empty()) set(CURLOPT_CAINFO, options_.tls.ca_file.c_str());
    curl_slist* headers = curl_slist_append(nullptr, "Expect:");
    if (!request.body.empty()) {
      headers = curl_slist_append(headers, "Content-Type: application/json");
      set(CURLOPT_POSTFIELDS, request.body.c_str());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    } else if (request.method == "POST" || request.method == "PUT") {
      set(CURLOPT_POSTFIELDS, "");
      set(CURLOPT_POSTFIELDSIZE, 0L);
      headers = curl_slist_append(headers, "Content-Type:");
    }
    transfer.headers.reset(headers);
    set(CURLOPT_HTTPHEADER, headers);
  }

  // Curl closes some sockets without on_close(): after CURL_POLL_REMOVE none may stay watched.
  static int on_socket_wanted(CURL*, curl_socket_t socket, int what, void* self_pointer, void*) {
    auto* self = static_cast<Multi*>(self_pointer);
    if (what == CURL_POLL_REMOVE) {
      self->sockets_.erase(socket);
      return 0;
    }
    auto at = self->sockets_.find(socket);
    if (at == self->sockets_.end()) at = self->sockets_.try_emplace(socket, self->loop_, socket).first;
    const int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    at->second.watch(events, [self, socket](int seen) {
      self->act(socket,
                (seen & UV_READABLE ? CURL_CSELECT_IN : 0) | (seen & UV_WRITABLE ? CURL_CSELECT_OUT : 0));
    });
    return 0;
  }

  // libuv runs a timer of 0 ms that a timer sets at once, before it looks at any descriptor: a transfer that
  // always has more to do would keep the loop.
  static int on_timer_wanted(CURLM*, long timeout_ms, void* self_pointer) {
    auto* self = static_cast<Multi*>(self_pointer);
    self->timer_.stop();
    if (timeout_ms == 0) self->soon_.request();
    if (timeout_ms > 0) {
      self->timer_.once(Milliseconds(timeout_ms), [self] { self->act(CURL_SOCKET_TIMEOUT, 0); });
    }
    return 0;
  }

  void act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) on_done(message->easy_handle, message->data.result);
    }
  }

  void on_done(CURL* easy, CURLcode code) {
    auto node = transfers_.extract(easy);
    Transfer& transfer = *node.mapped();
    curl_multi_remove_handle(multi_, easy);
    if (code != CURLE_OK) {
      const Error error = transfer.error_of(code);
      return finish(std::move(node.mapped()), error);
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const char* type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    transfer.response.status = static_cast<int>(status);
    transfer.response.content_type = type == nullptr ? "" : type;
    HttpResponse response = std::move(transfer.response);
    finish(std::move(node.mapped()), std::move(response));
  }

  Loop& loop_;
  HttpOptions options_;
  Timer timer_;
  EndOfTurn soon_;
  EndOfTurn delivery_;
  bool abandoning_ = false;  // a request, and its connection
  std::string base_;
  CURLM* multi_ = nullptr;
  std::map<curl_socket_t, Poll> sockets_;
  HeldBytes held_;
  RequestQueue queue_;                                    // of waiting_ and transfers_
  std::map<CURL*, std::unique_ptr<Transfer>> transfers_;  // under way, each on a connection of its own
  std::map<RequestQueue::Id, std::unique_ptr<Transfer>> waiting_;  // for a connection
  std::deque<Finished> finished_;                                  // `done` is still to be called
};

Error no_answer(const HttpRequest& request, const std::string& why) {
  return Error{ErrorKind::outcome_unknown,
               request.method == "GET" ? why : why + ": the outcome of " + request.method + " is unknown",
               R"({"timeout_ms":)" + std::to_string(request.timeout.count()) + "}"};
}

Error too_large(const HttpRequest& request, size_t limit) {
  return Error{ErrorKind::outcome_unknown,
               "the answer to " + request.method + " " + request.target + " is over the limit of " +
                   std::to_string(limit) + " bytes",
               {}};
}

Http::Http(Loop& loop, HttpOptions options) : multi_(std::make_unique<Multi>(loop, std::move(options))) {}
Http::~Http() = default;

void Http::send(HttpRequest request, Done done) {
  multi_->send(std::move(request), std::move(done));
}
void Http::set_connect_timeout(Milliseconds timeout) {
  multi_->set_connect_timeout(timeout);
}
size_t Http::open_requests() const {
  return multi_->size();
}

}  // namespace aribus
