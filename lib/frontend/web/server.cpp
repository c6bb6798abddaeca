#include "frontend/web/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "frontend/web/handshake.h"
#include "frontend/web/websocket_transport.h"
#include "net/pending_handshakes.h"
#include "net/websocket_handshake.h"

namespace aribus::frontend {
namespace {

constexpr size_t max_handshakes = 32;

std::vector<SocketOptions> list_of(const std::optional<SocketOptions>& socket) {
  return socket ? std::vector{*socket} : std::vector<SocketOptions>();
}

}  // namespace

// A connection that is no WebSocket yet.
class WebServer::Handshake {
 public:
  Handshake(WebServer& server, Fd socket, control::Peer peer)
      : peer(std::move(peer)),
        user_(std::to_string(this->peer.uid)),
        since_(server.loop_.now()),
        socket_(std::move(socket)),
        poll_(std::in_place, server.loop_, socket_.get()),
        deadline_(server.loop_) {
    poll_->watch(UV_READABLE, [this, &server](int) { read(server); });
    deadline_.once(server.handshake_timeout_, [this, &server] {
      server.refuse(*this, refusing_answer("408 Request Timeout", "No whole request came in time.\n"));
    });
  }

  [[nodiscard]] HandshakeView view() const {
    return {user_, since_, bytes_.empty() ? HandshakeState::silent : HandshakeState::speaking};
  }
  // Reads what has come of the request; ends the handshake if that is all of it.
  void read(WebServer& server) {
    std::array<char, max_handshake_bytes> buffer;
    const ssize_t count =
        ::recv(socket_.get(), buffer.data(), max_handshake_bytes - bytes_.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (count <= 0) return server.drop(*this);
    const size_t seen = bytes_.size();
    bytes_.append(buffer.data(), static_cast<size_t>(count));
    if (handshake_size(bytes_, seen) > 0) return server.finish(*this, bytes_);
    const size_t line = bytes_.find('\n');
    if (line != std::string::npos && bytes_.find(" HTTP/1.") > line) {
      return server.refuse(
          *this, refusing_answer("400 Bad Request",
                                 "This socket is for WebSockets: a request such as GET /rpc HTTP/1.1 is "
                                 "expected. Lines of JSON go to another socket.\n"));
    }
    if (bytes_.size() < max_handshake_bytes) return;
    server.refuse(*this, refusing_answer("431 Request Header Fields Too Large",
                                         "The head of a request has at most 16 KiB.\n"));
  }
  // Whether all of `text` was taken.
  bool send(std::string_view text) {
    return ::send(socket_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  Fd release() {
    silence();
    return std::move(socket_);
  }
  void silence() noexcept {
    poll_.reset();
    deadline_.stop();
  }

  control::Peer peer;

 private:
  std::string user_;
  Milliseconds since_;
  Fd socket_;
  std::optional<Poll> poll_;  // of socket_: destroyed first
  Timer deadline_;
  std::string bytes_;
};

WebServer::WebServer(Loop& loop, session::Sessions& sessions, const std::optional<SocketOptions>& socket,
                     Milliseconds handshake_timeout)
    : loop_(loop),
      sessions_(sessions),
      handshake_timeout_(handshake_timeout),
      gone_(loop),
      listeners_(loop, list_of(socket),
                 [this](Fd accepted, control::Peer peer) { begin(std::move(accepted), std::move(peer)); }) {}

WebServer::~WebServer() = default;

Result<void> WebServer::prepare(const std::optional<SocketOptions>& socket) {
  return listeners_.prepare(list_of(socket));
}

void WebServer::close() {
  listeners_.close();
  while (!handshakes_.empty()) {
    refuse(*handshakes_.back(), refusing_answer("503 Service Unavailable", "aribusd stops.\n"));
  }
}

void WebServer::begin(Fd socket, control::Peer peer) {
  if (handshakes_.size() >= max_handshakes) make_room();
  handshakes_.push_back(std::make_unique<Handshake>(*this, std::move(socket), std::move(peer)));
}

// Those whose request has come meanwhile are done; otherwise one is dropped.
void WebServer::make_room() {
  std::vector<Handshake*> all;
  for (const auto& handshake : handshakes_) all.push_back(handshake.get());
  for (Handshake* handshake : all) handshake->read(*this);
  if (handshakes_.size() < max_handshakes) return;
  std::vector<HandshakeView> views;
  for (const auto& handshake : handshakes_) views.push_back(handshake->view());
  const size_t leaving = who_makes_room(views, loop_.now()).value_or(0);
  refuse(*handshakes_[leaving],
         refusing_answer("503 Service Unavailable", "Too many handshakes are under way.\n"));
}

// `bytes` begin with the head of a request.
void WebServer::finish(Handshake& handshake, const std::string& bytes) {
  const size_t head_bytes = handshake_size(bytes);
  const Result<std::string> answer = accept_request(std::string_view(bytes).substr(0, head_bytes));
  if (!answer) return refuse(handshake, answer.error().message);
  if (bytes.size() > head_bytes) {
    return refuse(handshake,
                  refusing_answer("400 Bad Request", "Bytes follow the request before it is answered.\n"));
  }
  if (!handshake.send(*answer)) return drop(handshake);
  control::Peer peer = std::move(handshake.peer);
  Fd socket = handshake.release();
  drop(handshake);
  sessions_.add(std::make_unique<WebSocketTransport>(loop_, std::move(socket)), std::move(peer));
}

void WebServer::refuse(Handshake& handshake, const std::string& answer) {
  handshake.send(answer);
  const std::string_view text = answer;
  const std::string_view status = text.substr(0, text.find('\r'));
  std::string_view sentence = text.substr(std::min(handshake_size(text), text.size()));
  if (sentence.ends_with('\n')) sentence.remove_suffix(1);
  warnings_.warn("no WebSocket for user " + std::to_string(handshake.peer.uid) + " on " +
                 handshake.peer.socket + ": " + std::string(status.substr(status.find(' ') + 1)) + ": " +
                 std::string(sentence));
  drop(handshake);
}

void WebServer::drop(Handshake& handshake) {
  const auto at = std::ranges::find(handshakes_, &handshake, &std::unique_ptr<Handshake>::get);
  gone_.add(std::move(*at));
  handshakes_.erase(at);
}

}  // namespace aribus::frontend
