#include "net/websocket.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/dns_resolver.h"
#include "net/stream.h"
#include "net/websocket_channel.h"
#include "net/websocket_handshake.h"

namespace aribus {
namespace {

constexpr size_t read_bytes = 16 << 10;

class StreamWebSocket : public WebSocket {
 public:
  explicit StreamWebSocket(Loop& loop)
      : loop_(loop), deadline_(loop), attempt_deadline_(loop), gone_(loop), channel_(loop) {}
  ~StreamWebSocket() override { close(); }

  void connect(WebSocketOptions options, Handlers handlers) override;
  Result<void> send(std::string text) override { return channel_.send(text); }
  void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) override {
    channel_.set_times(ping_interval, silence_timeout);
  }
  [[nodiscard]] Milliseconds last_byte() const override { return channel_.last_byte(); }
  void end(Milliseconds timeout) override;
  void close() override;

 private:
  void connect_to_next_address();
  void on_connected();
  void on_readable();
  bool take_answer();
  void refuse(int status, std::string body);
  void on_opened(std::string_view rest);
  void fail_attempt(const std::string& reason);
  void finish(const WebSocketClosed& closed);

  Loop& loop_;
  WebSocketOptions options_;
  std::shared_ptr<const Handlers> handlers_;  // a callback may replace them while one of them runs
  DnsResolver resolver_;
  Timer deadline_;
  Timer attempt_deadline_;              // for one address, while there are others
  std::vector<std::string> addresses_;  // still to be tried, the next one last
  std::unique_ptr<Stream> stream_;      // until it is open
  Retired<Stream> gone_;
  HandshakeRequest request_;
  std::string answer_;  // received so far
  WebSocketChannel channel_;
};

void StreamWebSocket::connect(WebSocketOptions options, Handlers handlers) {
  close();
  options_ = std::move(options);
  handlers_ = std::make_shared<Handlers>(std::move(handlers));
  deadline_.once(options_.connect_timeout, [this] {
    finish({0,
            "no WebSocket at " + options_.url.authority() + " within " +
                std::to_string(options_.connect_timeout.count()) + " ms",
            {},
            false});
  });
  resolver_.start(loop_, options_.url.host,
                  [this](std::vector<std::string> addresses, const std::string& error) {
                    addresses_.assign(addresses.rbegin(), addresses.rend());
                    if (!addresses_.empty()) return connect_to_next_address();
                    // Not from within connect().
                    attempt_deadline_.once(Milliseconds(0), [this, error] {
                      finish({0, "the name " + options_.url.host + " has no address: " + error, {}, false});
                    });
                  });
}

void StreamWebSocket::connect_to_next_address() {
  const std::string address = std::move(addresses_.back());
  addresses_.pop_back();
  answer_.clear();
  Stream::Handlers handlers;
  handlers.connected = [this] { on_connected(); };
  handlers.failed = [this](const std::string& reason) { fail_attempt(reason); };
  handlers.readable = [this] { on_readable(); };
  auto stream = Stream::connect(loop_, address, options_.url, options_.tls, std::move(handlers));
  if (!stream) {
    // Not from within connect().
    attempt_deadline_.once(Milliseconds(0),
                           [this, reason = stream.error().message] { fail_attempt(reason); });
    return;
  }
  stream_ = std::move(*stream);
  if (addresses_.empty()) return attempt_deadline_.stop();
  attempt_deadline_.once(options_.connect_timeout / static_cast<int>(addresses_.size() + 1),
                         [this, address] { fail_attempt("no answer from " + address); });
}

void StreamWebSocket::on_connected() {
  if (options_.may_send) {
    const auto [local, remote] = addresses_of(stream_->socket());
    if (const auto may = options_.may_send(local, remote); !may) return fail_attempt(may.error().message);
  }
  request_.target = options_.target;
  request_.host = options_.url.authority();
  request_.key = random_key();
  request_.subprotocols = {options_.subprotocol};
  request_.authorization = options_.authorization;
  stream_->write(request_text(request_));
  if (stream_->has_more()) on_readable();
}

// Before the handshake is done there is no orderly end.
void StreamWebSocket::end(Milliseconds timeout) {
  if (channel_.is_open()) return channel_.end(timeout);
  finish({0, "closed", {}, false});
}

void StreamWebSocket::close() {
  resolver_.cancel();
  deadline_.stop();
  attempt_deadline_.stop();
  addresses_.clear();
  gone_.add(std::move(stream_));
  channel_.close();
}

void StreamWebSocket::finish(const WebSocketClosed& closed) {
  close();
  const auto handlers = handlers_;
  if (handlers->closed) handlers->closed(closed);
}

void StreamWebSocket::fail_attempt(const std::string& reason) {
  gone_.add(std::move(stream_));
  if (!addresses_.empty()) return connect_to_next_address();
  finish({0, "no WebSocket at " + options_.url.authority() + ": " + reason, {}, false});
}

void StreamWebSocket::on_opened(std::string_view rest) {
  addresses_.clear();
  attempt_deadline_.stop();
  deadline_.stop();
  const auto handlers = handlers_;
  channel_.open(
      std::move(stream_),
      {WebSocketRole::client, options_.ping_interval, options_.silence_timeout, options_.max_message_bytes},
      {handlers->text,
       [this](const WebSocketChannel::End& end) {
         finish({0, end.reason, {}, end.orderly});
       }},
      rest);
  if (handlers->opened) handlers->opened();
}

void StreamWebSocket::on_readable() {
  do {
    char bytes[read_bytes];
    const Result<size_t> count = stream_->read(bytes, sizeof bytes);
    if (!count) {
      // The connection may have broken in the middle of a refusal.
      if (const size_t size = handshake_size(answer_); size > 0) {
        const HandshakeAnswer answer = read_answer(std::string_view(answer_).substr(0, size), request_);
        return refuse(answer.status, answer_.substr(size));
      }
      return fail_attempt(count.error().message);
    }
    if (*count == 0) return;
    answer_.append(bytes, *count);
  } while (!take_answer() && stream_->has_more());
}

// Returns true when the current connection has ended or is open.
bool StreamWebSocket::take_answer() {
  const size_t size = handshake_size(answer_);
  if (std::max(size, size == 0 ? answer_.size() : 0) > max_handshake_bytes) {
    fail_attempt("its answer is over " + std::to_string(max_handshake_bytes) + " bytes");
    return true;
  }
  if (size == 0) return false;
  const HandshakeAnswer answer = read_answer(std::string_view(answer_).substr(0, size), request_);
  if (!answer.error.empty()) {
    fail_attempt(answer.error);
    return true;
  }
  if (answer.status == 101) {
    on_opened(std::string(answer_, size));
    return true;
  }
  const size_t body_bytes = std::min(answer.body_bytes, max_handshake_bytes);
  if (answer_.size() < size + body_bytes) return false;
  refuse(answer.status, answer_.substr(size, body_bytes));
  return true;
}

void StreamWebSocket::refuse(int status, std::string body) {
  finish({status, "the WebSocket was refused with HTTP status " + std::to_string(status), std::move(body),
          false});
}

}  // namespace

std::unique_ptr<WebSocket> make_websocket(Loop& loop) {
  return std::make_unique<StreamWebSocket>(loop);
}

}  // namespace aribus
