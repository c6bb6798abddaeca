#include "tests/support/fake_asterisk.h"

#include <cerrno>
#include <charconv>

#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp_socket.h"
#include "net/websocket_frame.h"
#include "net/websocket_handshake.h"

namespace aribus::test {
namespace {

// The value of the header `name` (in lower case, as "content-length"), or "".
std::string header(std::string_view request, std::string_view name) {
  for (size_t at = request.find("\r\n"); at != std::string_view::npos; at = request.find("\r\n", at + 2)) {
    const std::string_view line = request.substr(at + 2, request.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool same = true;
    for (size_t i = 0; i < name.size(); ++i) same &= (line[i] | 0x20) == (name[i] | 0x20);
    if (!same) continue;
    std::string_view value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return std::string(value);
  }
  return {};
}

}  // namespace

FakeAsterisk::Peer::Peer(FakeAsterisk& owner, Fd socket) : owner_(owner), socket_(std::move(socket)) {
  poll_.emplace(owner.loop_, socket_.get());
  poll_->watch(UV_READABLE, [this](int) { read(); });
}

void FakeAsterisk::Peer::send(std::string_view bytes) {
  while (!bytes.empty() && open()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (!bytes.empty()) uv_run(owner_.loop_.raw(), UV_RUN_NOWAIT);  // the client must read for more to fit
  }
}

void FakeAsterisk::Peer::answer(int status, std::string_view body, std::string_view more_headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Status\r\n";
  if (!body.empty()) text += "Content-Type: application/json\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += more_headers;
  text += "\r\n";
  text += body;
  send(text);
}

void FakeAsterisk::Peer::upgrade(const std::string& request) {
  send(accepting_answer(header(request, "sec-websocket-key"), "ari"));
  upgraded_ = true;
}

void FakeAsterisk::Peer::frame(int opcode, std::string_view payload, bool final) {
  std::string bytes;
  append_frame(bytes, static_cast<Opcode>(opcode), payload, std::nullopt, final);
  send(bytes);
}

void FakeAsterisk::Peer::close() {
  poll_.reset();
  socket_.reset();
}

void FakeAsterisk::Peer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void FakeAsterisk::Peer::fall_silent() {
  poll_.reset();
}

void FakeAsterisk::Peer::read() {
  char buffer[65536];
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return close();
  input_.append(buffer, static_cast<size_t>(count));
  while (open() && !upgraded_) {
    const size_t head = input_.find("\r\n\r\n");
    if (head == std::string::npos) return;
    size_t body = 0;
    const std::string length = header(input_, "content-length");
    std::from_chars(length.data(), length.data() + length.size(), body);
    if (input_.size() < head + 4 + body) return;
    const std::string request = input_.substr(0, head + 4 + body);
    input_.erase(0, request.size());
    owner_.requests.push_back(request);
    owner_.script_(*this, request);
  }
  if (open()) read_frames();
}

// A client's frames are masked, and those that are sent here have less than 64 KiB.
void FakeAsterisk::Peer::read_frames() {
  while (input_.size() >= 6) {
    const auto byte = [this](size_t at) { return static_cast<unsigned char>(input_[at]); };
    const bool is_long = (byte(1) & 0x7F) == 126;
    const size_t length = is_long ? byte(2) * 256U + byte(3) : byte(1) & 0x7FU;
    const size_t mask = is_long ? 4 : 2;
    if (input_.size() < mask + 4 + length) return;
    const int opcode = input_[0] & 0x0F;
    owner_.frames.push_back(opcode);
    std::string payload = input_.substr(mask + 4, length);
    for (size_t i = 0; i < length; ++i) payload[i] = static_cast<char>(payload[i] ^ input_[mask + i % 4]);
    input_.erase(0, mask + 4 + length);
    if (opcode == 9) frame(10, payload);
    if (opcode == 10) owner_.last_pong = payload;
    if (opcode == 1 && owner_.on_text) owner_.on_text(*this, payload);
    if (opcode == 8) return close();
  }
}

FakeAsterisk::FakeAsterisk(Loop& loop, Script script)
    : loop_(loop), script_(std::move(script)), listener_(listen_on_tcp("127.0.0.1", port_).value()) {
  poll_.emplace(loop, listener_.get());
  poll_->watch(UV_READABLE, [this](int) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) peers.push_back(std::make_unique<Peer>(*this, std::move(socket)));
  });
}

FakeAsterisk::Peer* FakeAsterisk::websocket() const {
  for (const auto& peer : peers) {
    if (peer->open() && peer->upgraded()) return peer.get();
  }
  return nullptr;
}

size_t FakeAsterisk::count(std::string_view start) const {
  size_t found = 0;
  for (const std::string& request : requests) found += request.starts_with(start) ? 1 : 0;
  return found;
}

void FakeAsterisk::stop_listening() {
  poll_.reset();
  listener_.reset();
}

void behave_well(FakeAsterisk::Peer& peer, const std::string& request) {
  if (request.starts_with("GET /ari/asterisk/info")) {
    peer.answer(200, info_body);
  } else if (request.starts_with("GET /ari/events")) {
    peer.upgrade(request);
  } else {
    peer.answer(204, "");
  }
}

}  // namespace aribus::test
