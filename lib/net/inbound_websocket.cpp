#include "net/inbound_websocket.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "base/log.h"
#include "net/pending_handshakes.h"
#include "net/tcp_socket.h"
#include "net/websocket_handshake.h"

namespace aribus {
namespace {

constexpr size_t max_pending = 32;
constexpr int backlog = 64;  // short, so that the peer does not wait in it longer than it tries to connect
constexpr Milliseconds listen_again{1000};
constexpr Milliseconds probe_timeout{250};  // Asterisk gives up a handshake after 500 ms
constexpr size_t read_buffer_bytes = 16 << 10;

std::string digest(std::string_view text) {
  std::string bytes(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

// Takes the same time whatever is wrong with `header`.
bool is_right(std::string_view header, const std::string& expected) {
  const std::string given = digest(header);
  return CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

std::string peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    uv_ip_name(reinterpret_cast<const sockaddr*>(&address), text, sizeof text);
  }
  constexpr std::string_view ipv4_on_ipv6 = "::ffff:";
  const std::string_view name(text);
  return std::string(name.starts_with(ipv4_on_ipv6) ? name.substr(ipv4_on_ipv6.size()) : name);
}

}  // namespace

// A connection whose handshake is under way. Its callbacks may drop it: it then calls nothing more and is
// destroyed at the end of the turn.
class InboundWebSocket::PendingHandshake {
 public:
  PendingHandshake(InboundWebSocket& owner, Fd socket, std::unique_ptr<TlsSession> tls)
      : owner_(owner),
        name_(peer_of(socket.get())),
        fd_(socket.get()),
        since_(owner.loop_.now()),
        deadline_(owner.loop_) {
    Stream::Handlers handlers;
    handlers.connected = [this] {
      if (stream_->has_more()) read();
    };
    handlers.failed = [this](const std::string&) { leave(); };
    handlers.readable = [this] { read(); };
    stream_ = Stream::accept(owner.loop_, std::move(socket), std::move(tls), std::move(handlers));
    deadline_.once(owner.websocket_options_.connect_timeout, [this] { leave(); });
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] HandshakeView view() const {
    const HandshakeState kind = owner_.candidate_ == this ? HandshakeState::right
                                : refused_                ? HandshakeState::refused
                                : bytes_.empty()          ? HandshakeState::silent
                                                          : HandshakeState::speaking;
    return {name_, since_, kind};
  }
  // Whether it has sent bytes that were not read yet.
  [[nodiscard]] bool is_about_to_speak() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }

  // The request is being decided on: from now on only the decider's deadline applies.
  void wait() { deadline_.stop(); }

  void refuse(const std::string& answer) {
    if (!stream_) return;
    refused_ = true;
    stream_->write(answer);
    deadline_.once(listen_again, [this] { leave(); });
    stream_->leave([this] { leave(); });
  }
  // Refuses it after `pause`, then calls `refused`.
  void refuse_after(Milliseconds pause, const std::string& answer, std::function<void()> refused) {
    refused_ = true;
    deadline_.once(pause, [this, answer, refused = std::move(refused)] {
      refuse(answer);
      refused();
    });
  }

  // The stream, on which the handshake is done, and the bytes that followed the request.
  std::unique_ptr<Stream> accept_upgrade(std::string& rest) {
    deadline_.stop();
    rest = bytes_;
    stream_->write(accepting_answer(key, "ari"));
    return std::move(stream_);
  }

  // No callback runs after this. The stream is gone if the upgrade was accepted.
  void silence() noexcept {
    deadline_.stop();
    if (stream_) stream_->silence();
    silent_ = true;
  }

  std::string key;  // of the WebSocket's handshake

 private:
  void read() {
    do {
      char bytes[read_buffer_bytes];
      const Result<size_t> count = stream_->read(bytes, sizeof bytes);
      if (!count) return leave();
      if (*count == 0) return;
      const size_t seen = bytes_.size();
      bytes_.append(bytes, *count);
      if (bytes_.size() > max_handshake_bytes) {
        return refuse(refusing_answer("431 Request Header Fields Too Large"));
      }
      if (const size_t size = asked_ ? 0 : handshake_size(bytes_, seen); size > 0) {
        asked_ = true;
        const std::string head = bytes_.substr(0, size);
        bytes_.erase(0, size);
        owner_.take(*this, head);
      }
    } while (!silent_ && !refused_ && stream_->has_more());
  }
  void leave() { owner_.drop(*this); }

  InboundWebSocket& owner_;
  std::string name_;
  int fd_;  // of stream_
  Milliseconds since_;
  Timer deadline_;
  std::string bytes_;
  bool asked_ = false;
  bool refused_ = false;
  bool silent_ = false;
  std::unique_ptr<Stream> stream_;
};

InboundWebSocket::InboundWebSocket(Loop& loop, ListenOptions options, const std::string& username,
                                   const std::string& password, Asked asked)
    : loop_(loop),
      options_(std::move(options)),
      expected_(digest("Basic " + base64(username + ":" + password))),
      asked_(std::move(asked)),
      retry_(loop),
      gone_(loop),
      guess_log_(loop),
      channel_(loop) {}

InboundWebSocket::~InboundWebSocket() {
  close();
}

void InboundWebSocket::connect(WebSocketOptions options, Handlers handlers) {
  close();
  websocket_options_ = std::move(options);
  handlers_ = std::make_shared<Handlers>(std::move(handlers));
  retry_.once(Milliseconds(0), [this] { listen(); });  // not from within connect()
}

void InboundWebSocket::listen() {
  const auto again = [this](const Error& error) {
    retry_.once(listen_again, [this] { listen(); });
    fail("can't listen for Asterisk on " + options_.address + " port " + std::to_string(options_.port) +
         ": " + error.message);
  };
  if (!options_.tls.certificate_file.empty()) {
    auto made = TlsServer::make(options_.tls);
    if (!made) return again(made.error());
    tls_ = std::move(*made);
  }
  int port = options_.port;
  Result<Fd> socket = listen_on_tcp(options_.address, port, backlog);
  if (!socket) return again(socket.error());
  port_ = port;
  acceptor_ = std::make_unique<Acceptor>(loop_, std::move(*socket),
                                         [this](Fd accepted) { on_accept(std::move(accepted)); });
}

void InboundWebSocket::on_accept(Fd socket) {
  if (pending_.size() >= max_pending && !make_room()) return;
  pending_.push_back(std::make_unique<PendingHandshake>(*this, std::move(socket),
                                                        tls_ ? TlsSession::accept(*tls_) : nullptr));
}

bool InboundWebSocket::make_room() {
  std::vector<HandshakeView> views;
  for (const auto& handshake : pending_) views.push_back(handshake->view());
  auto leaving = who_makes_room(views, loop_.now());
  while (leaving && views[*leaving].kind == HandshakeState::silent &&
         pending_[*leaving]->is_about_to_speak()) {
    views[*leaving].kind = HandshakeState::speaking;
    leaving = who_makes_room(views, loop_.now());
  }
  if (leaving) drop(*pending_[*leaving]);
  return leaving.has_value();
}

void InboundWebSocket::drop(PendingHandshake& handshake) {
  const auto at = std::ranges::find(pending_, &handshake, &std::unique_ptr<PendingHandshake>::get);
  if (at == pending_.end()) return;
  if (candidate_ == &handshake) candidate_ = nullptr;
  gone_.add(std::move(*at));
  pending_.erase(at);
}

void InboundWebSocket::take(PendingHandshake& handshake, const std::string& head) {
  const auto refuse = [&](std::string_view status, const std::string& text, const std::string& reason) {
    handshake.refuse(refusing_answer(status, text + "\n"));
    fail(reason);
  };
  const Result<HandshakeRequest> request = read_request(head);
  if (!request) return handshake.refuse(request.error().message);
  if (!guesses_.may_try(handshake.name(), loop_.now())) {
    guesses_.not_looked_at();
    ++unlogged_guesses_;
    return handshake.refuse(refusing_answer("429 Too Many Requests", "Wrong passwords came from here.\n"));
  }
  if (!is_right(request->authorization, expected_)) return turn_away(handshake);
  if (request->target.substr(0, request->target.find('?')) != options_.path) {
    return refuse("404 Not Found", "The path is " + options_.path + ".",
                  handshake.name() +
                      " connects to another path. The uri in Asterisk's websocket_client.conf must end "
                      "in " +
                      options_.path);
  }
  if (std::ranges::find(request->subprotocols, "ari") == request->subprotocols.end()) {
    return refuse("400 Bad Request", "The sub-protocol is ari.",
                  handshake.name() +
                      " does not offer the sub-protocol ari. Asterisk's websocket_client.conf needs "
                      "protocols=ari");
  }
  handshake.key = request->key;
  if (candidate_ != nullptr) candidate_->refuse(refusing_answer("503 Service Unavailable"));
  candidate_ = &handshake;
  handshake.wait();
  if (!channel_.is_open()) return ask();
  const uint64_t number = ++asking_;
  channel_.probe(probe_timeout, [this, number](bool alive) {
    if (number != asking_ || candidate_ == nullptr) return;
    if (!alive) return ask();
    candidate_->refuse(refusing_answer("409 Conflict", "Another connection stands.\n"));
    candidate_ = nullptr;
  });
}

void InboundWebSocket::turn_away(PendingHandshake& handshake) {
  const std::string reason =
      handshake.name() +
      " connects with a wrong user or password. Compare Asterisk's websocket_client.conf with username and "
      "password";
  log_guess(reason);
  const std::string answer = refusing_answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"aribus\"",
                                             "Wrong user or password.\n");
  const Milliseconds pause = guesses_.wrong(handshake.name(), loop_.now());
  if (pause.count() > 0) return handshake.refuse_after(pause, answer, [this, reason] { fail(reason); });
  handshake.refuse(answer);
  fail(reason);
}

// While nothing is connected, fail() reports the first one.
void InboundWebSocket::log_guess(const std::string& reason) {
  if (guess_log_.active()) {
    ++unlogged_guesses_;
    return;
  }
  if (channel_.is_open()) spdlog::warn("{}", reason);
  guess_log_.once(options_.guess_log_interval, [this] { log_further_guesses(); });
}

void InboundWebSocket::log_further_guesses() {
  const uint64_t count = std::exchange(unlogged_guesses_, 0);
  if (count == 0) return;
  spdlog::warn("{} further attempts to connect to {} port {} with a wrong user or password in {} s", count,
               options_.address, options_.port, options_.guess_log_interval.count() / 1000);
  guess_log_.once(options_.guess_log_interval, [this] { log_further_guesses(); });
}

void InboundWebSocket::ask() {
  const uint64_t number = ++asking_;
  asked_([this, number](const Result<void>& answer) { settle(number, answer); });
}

void InboundWebSocket::settle(uint64_t number, const Result<void>& answer) {
  if (number != asking_ || candidate_ == nullptr) return;
  if (answer) return open();
  std::exchange(candidate_, nullptr)
      ->refuse(refusing_answer("503 Service Unavailable", answer.error().message));
}

void InboundWebSocket::open() {
  const auto handlers = handlers_;
  if (channel_.is_open()) {
    channel_.close();
    handlers->closed({0, "the event stream was dead: Asterisk has connected again", {}, false});
    if (candidate_ == nullptr) return;  // it called close()
  }
  PendingHandshake& handshake = *std::exchange(candidate_, nullptr);
  std::string rest;
  std::unique_ptr<Stream> stream = handshake.accept_upgrade(rest);
  drop(handshake);
  channel_.open(std::move(stream),
                {WebSocketRole::server, websocket_options_.ping_interval, websocket_options_.silence_timeout,
                 websocket_options_.max_message_bytes},
                {handlers->text,
                 [handlers](const WebSocketChannel::End& end) {
                   handlers->closed({0, end.reason, {}, end.orderly});
                 },
                 handlers->resumed},
                rest);
  if (handlers->opened) handlers->opened();
}

// While there is a connection, failed handshakes of others are not reported.
void InboundWebSocket::fail(std::string reason) {
  if (channel_.is_open()) return;
  const auto handlers = handlers_;
  handlers->closed({0, std::move(reason), {}, false});
}

void InboundWebSocket::end(Milliseconds timeout) {
  stop_listening();
  if (channel_.is_open()) return channel_.end(timeout);
  fail("closed");
}

void InboundWebSocket::close() {
  stop_listening();
  channel_.close();
}

void InboundWebSocket::stop_listening() {
  ++asking_;
  retry_.stop();
  acceptor_.reset();
  port_ = 0;
  while (!pending_.empty()) drop(*pending_.front());
}

}  // namespace aribus
