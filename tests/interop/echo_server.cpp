#include "tests/interop/echo_server.h"

#include <sys/socket.h>

#include "net/tcp_socket.h"
#include "net/websocket_handshake.h"

namespace aribus::test {

EchoServer::EchoServer(Loop& loop) : listener_(listen_on_tcp("127.0.0.1", port_).value()) {
  poll_.emplace(loop, listener_.get());
  poll_->watch(UV_READABLE, [this, &loop](int) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return;
    Connection& made = *connections_.emplace_back(std::make_unique<Connection>());
    made.socket = std::move(socket);
    made.poll.emplace(loop, made.socket.get());
    made.poll->watch(UV_READABLE, [this, &made](int events) {
      if ((events & UV_WRITABLE) != 0) send(made, {});
      if ((events & UV_READABLE) != 0 && made.socket.valid()) read(made);
    });
  });
}

void EchoServer::read(Connection& connection) {
  char buffer[5000];
  const ssize_t count = ::recv(connection.socket.get(), buffer, sizeof buffer, 0);
  if (count <= 0) {
    connection.poll.reset();
    connection.socket.reset();
    return;
  }
  std::string_view bytes(buffer, static_cast<size_t>(count));
  if (!connection.open && !take_request(connection, bytes)) return;
  while (const auto received = connection.reader.next(bytes)) answer(connection, *received);
}

bool EchoServer::take_request(Connection& connection, std::string_view& bytes) {
  const size_t before = connection.head.size();
  connection.head += bytes;
  const size_t size = handshake_size(connection.head);
  if (size == 0) return false;
  bytes.remove_prefix(size - before);
  const auto request = read_request(std::string_view(connection.head).substr(0, size));
  connection.open = request.ok();
  if (!request) {
    send(connection, request.error().message);
    return false;
  }
  send(connection,
       accepting_answer(request->key, request->subprotocols.empty() ? "" : request->subprotocols.front()));
  return true;
}

void EchoServer::answer(Connection& connection, const Received& received) {
  std::string out;
  switch (received.kind) {
    case Received::Kind::text:
      append_frame(out, Opcode::text, received.payload, {});
      break;
    case Received::Kind::binary:
      append_frame(out, Opcode::binary, received.payload, {});
      break;
    case Received::Kind::ping:
      append_frame(out, Opcode::pong, received.payload, {});
      break;
    case Received::Kind::pong:
      break;
    case Received::Kind::close:
      closed.push_back(received.code);
      append_frame(out, Opcode::close, close_payload(received.code), {});
      break;
    case Received::Kind::violation:
      violations.emplace_back(received.payload);
      append_frame(out, Opcode::close, close_payload(received.code), {});
  }
  send(connection, out);
  if (received.kind == Received::Kind::close) ::shutdown(connection.socket.get(), SHUT_WR);
}

void EchoServer::send(Connection& connection, std::string_view bytes) {
  connection.unsent += bytes;
  while (!connection.unsent.empty()) {
    const ssize_t count =
        ::send(connection.socket.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (count < 0) break;
    connection.unsent.erase(0, static_cast<size_t>(count));
  }
  connection.poll->watch(connection.unsent.empty() ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

}  // namespace aribus::test
