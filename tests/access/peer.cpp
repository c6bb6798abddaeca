#include "tests/access/peer.h"

#include <csignal>
#include <cstring>
#include <stdexcept>

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aribus::test {
namespace {

constexpr int patience_ms = 30'000;

// In the child: becomes `identity`, connects, and hands the connection over. Returns the exit status.
int connect_as(const Identity& identity, const std::string& path, int to_parent) {
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0) return 2;
  if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) return 2;
  if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) return 2;
  int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 3;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof connection)] = {};
  char byte = 0;
  iovec piece{&byte, 1};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof connection);
  std::memcpy(CMSG_DATA(header), &connection, sizeof connection);
  if (::sendmsg(to_parent, &message, 0) != 1) return 4;
  ::close_range(STDERR_FILENO + 1, ~0U, 0);  // the connections of other peers, too
  for (;;) ::pause();
}

Fd receive_fd(int from) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 0;
  iovec piece{&byte, 1};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  int received = -1;
  if (::recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != nullptr)
    std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  return Fd(received);
}

}  // namespace

Peer::Peer(const std::string& path, const Identity& identity) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw std::runtime_error("socketpair");
  const Fd here(pair[0]);
  Fd there(pair[1]);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(connect_as(identity, path, there.get()));
  process_ = Process(child);
  there = {};  // so that the end of the process is seen
  socket_ = receive_fd(here.get());
  if (!socket_.valid()) throw std::runtime_error("the peer can't connect to " + path);
}

Peer::Process::~Process() {
  if (id_ == 0) return;
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
}

void Peer::send(const std::string& line) const {
  const std::string text = line + "\n";
  if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("sending " + line);
}

Json Peer::next() {
  size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    pollfd ready{socket_.get(), POLLIN, 0};
    char bytes[65536];
    const ssize_t count =
        ::poll(&ready, 1, patience_ms) > 0 ? ::recv(socket_.get(), bytes, sizeof bytes, 0) : 0;
    if (count <= 0) throw std::runtime_error("nothing more is received");
    buffer_.append(bytes, static_cast<size_t>(count));
  }
  Result<Json> message = parse_json(buffer_.substr(0, end));
  if (!message) throw std::runtime_error("no JSON: " + buffer_.substr(0, end));
  buffer_.erase(0, end + 1);
  return std::move(*message);
}

bool Peer::silent() {
  pollfd ready{socket_.get(), POLLIN, 0};
  return buffer_.empty() && ::poll(&ready, 1, 100) == 0;
}

Json Peer::ask(const std::string& method, const std::string& params) {
  const int id = next_id_++;
  send(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" +
       params + "}");
  for (;;) {
    Json answer = next();
    const JsonValue* its = find(answer, "id");
    if (its != nullptr && its->IsInt() && its->GetInt() == id) return answer;
    if (its != nullptr && its->IsNull()) return answer;  // the connection is refused
  }
}

int Peer::code(const std::string& method, const std::string& params) {
  return code_in(ask(method, params));
}

int code_in(const JsonValue& answer) {
  const JsonValue* error = find(answer, "error");
  return error == nullptr ? 0 : (*error)["code"].GetInt();
}

std::string rule_in(const JsonValue& answer) {
  const JsonValue* error = find(answer, "error");
  const JsonValue* data = error == nullptr ? nullptr : find(*error, "data");
  return data == nullptr ? "-" : std::string(find_string(*data, "rule", "-"));
}

}  // namespace aribus::test
