#include "net/listener_check.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus {
namespace {

// An address of either family; one of IPv4 as IPv6 maps it.
struct Address {
  in6_addr bytes{};

  explicit Address(const in6_addr& v6) : bytes(v6) {}
  explicit Address(const in_addr& v4) {
    bytes.s6_addr[10] = bytes.s6_addr[11] = 0xFF;
    std::memcpy(&bytes.s6_addr[12], &v4, sizeof v4);
  }

  [[nodiscard]] bool is_v4() const { return IN6_IS_ADDR_V4MAPPED(&bytes); }
  [[nodiscard]] const void* data() const { return is_v4() ? &bytes.s6_addr[12] : &bytes.s6_addr[0]; }
  [[nodiscard]] size_t size() const { return is_v4() ? sizeof(in_addr) : sizeof(in6_addr); }
  [[nodiscard]] bool is_any() const {
    const auto* begin = static_cast<const char*>(data());
    return std::all_of(begin, begin + size(), [](char c) { return c == 0; });
  }
  [[nodiscard]] bool is_loopback() const {
    return is_v4() ? bytes.s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&bytes);
  }
  bool operator==(const Address& other) const { return IN6_ARE_ADDR_EQUAL(&bytes, &other.bytes); }
};

std::optional<Address> parse(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return Address(v4);
  in6_addr v6{};
  const std::string plain = text.substr(0, text.find('%'));  // without its zone
  if (::inet_pton(AF_INET6, plain.c_str(), &v6) == 1) return Address(v6);
  return {};
}

// A socket of this machine, as the kernel describes it.
struct Found {
  inet_diag_msg of;
  bool v6_only = false;

  [[nodiscard]] Address address() const {
    if (of.idiag_family == AF_INET) return Address(in_addr{of.id.idiag_src[0]});
    in6_addr v6{};
    std::memcpy(&v6, of.id.idiag_src, sizeof v6);
    return Address(v6);
  }
  // Whether it takes connections to `to`, which is on its port.
  [[nodiscard]] bool listens_at(const Address& to) const {
    const Address own = address();
    if (!own.is_any()) return own == to;
    return own.is_v4() == to.is_v4() || (to.is_v4() && !v6_only);
  }
};

Found read_found(const nlmsghdr& message) {
  const auto* body = static_cast<const inet_diag_msg*>(NLMSG_DATA(&message));
  Found found{*body};
  auto* attribute = reinterpret_cast<const rtattr*>(body + 1);
  auto left = static_cast<unsigned>(message.nlmsg_len - NLMSG_LENGTH(sizeof *body));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == INET_DIAG_SKV6ONLY)
      found.v6_only = *static_cast<const uint8_t*>(RTA_DATA(attribute)) != 0;
  }
  return found;
}

// The kernel's answer to one question: with NLM_F_DUMP all sockets that fit, otherwise the one, if there is.
Result<std::vector<Found>> ask(const inet_diag_req_v2& question, int flags) {
  const Fd kernel(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  struct {
    nlmsghdr head;
    inet_diag_req_v2 question;
  } request{{sizeof request, SOCK_DIAG_BY_FAMILY, static_cast<uint16_t>(NLM_F_REQUEST | flags), 1, 0},
            question};
  if (!kernel.valid() || ::send(kernel.get(), &request, sizeof request, 0) < 0)
    return system_error("sock_diag");
  std::vector<Found> all;
  alignas(nlmsghdr) std::array<char, 32 << 10> buffer;
  for (;;) {
    const ssize_t count = ::recv(kernel.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return system_error("sock_diag");
    auto left = static_cast<unsigned>(count);
    for (auto* at = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(at, left);
         at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_type == NLMSG_DONE) return all;
      if (at->nlmsg_type == NLMSG_ERROR) {
        errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error;
        if (errno == ENOENT && flags == 0) return all;
        return system_error("sock_diag");
      }
      all.push_back(read_found(*at));
    }
    if (flags == 0) return all;
  }
}

inet_diag_req_v2 question_about(sa_family_t family, int port) {
  inet_diag_req_v2 question{};
  question.sdiag_family = static_cast<uint8_t>(family);
  question.sdiag_protocol = IPPROTO_TCP;
  question.id.idiag_sport = htons(static_cast<uint16_t>(port));
  question.id.idiag_cookie[0] = question.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

// The sockets that accept connections to `address` and `port`.
Result<std::vector<Found>> listeners(const Address& address, int port) {
  std::vector<Found> all;
  for (const sa_family_t family : {AF_INET6, AF_INET}) {
    inet_diag_req_v2 question = question_about(family, port);
    question.idiag_states = 1U << TCP_LISTEN;
    auto some = ask(question, NLM_F_DUMP);
    if (!some) return some.error();
    std::ranges::copy_if(*some, std::back_inserter(all), [&](const Found& found) {
      return found.of.id.idiag_sport == question.id.idiag_sport && found.listens_at(address);
    });
  }
  return all;
}

// The other end of a connection, when it is on this machine.
Result<std::optional<Found>> other_end(const Address& near, int near_port, const Address& far, int far_port) {
  inet_diag_req_v2 question = question_about(far.is_v4() ? AF_INET : AF_INET6, far_port);
  question.id.idiag_dport = htons(static_cast<uint16_t>(near_port));
  std::memcpy(question.id.idiag_src, far.data(), far.size());
  std::memcpy(question.id.idiag_dst, near.data(), near.size());
  const auto found = ask(question, 0);
  if (!found) return found.error();
  // Where there is none the kernel names a listener.
  if (found->empty() || found->front().of.idiag_state == TCP_LISTEN) return std::optional<Found>();
  return std::optional(found->front());
}

// From /etc/passwd only: a name service would block the loop.
std::string local_name_of(uid_t id) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"), std::fclose);
  if (file == nullptr) return {};
  while (const passwd* entry = ::fgetpwent(file.get())) {
    if (entry->pw_uid == id) return entry->pw_name;
  }
  return {};
}

std::string text_of(uid_t id) {
  const std::string name = local_name_of(id);
  return (name.empty() ? "a user" : "user '" + name + "'") + " (uid " + std::to_string(id) + ")";
}

SocketAddress address_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    return {::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), ntohs(v4->sin_port)};
  }
  if (address.ss_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  return {::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs(v6->sin6_port)};
}

// The users of the other end. Nothing: it is on another machine.
Result<std::optional<std::vector<uid_t>>> owners(const SocketAddress& local, const SocketAddress& remote) {
  std::optional<std::vector<uid_t>> found;
  const std::optional<Address> near = parse(local.address), far = parse(remote.address);
  if (!near || !far) return found;
  const auto end = other_end(*near, local.port, *far, remote.port);
  if (!end) return end.error();
  if (!*end && !far->is_loopback() && !far->is_any() && !(*near == *far)) return found;
  const auto listening = listeners(*far, remote.port);
  if (!listening) return listening.error();
  found.emplace();
  for (const Found& one : *listening) found->push_back(one.of.idiag_uid);
  // Until it is accepted it has no owner; the users who listen count.
  if (*end && (*end)->of.idiag_inode != 0) found->push_back((*end)->of.idiag_uid);
  return found;
}

}  // namespace

std::pair<SocketAddress, SocketAddress> addresses_of(int socket) {
  sockaddr_storage near{}, far{};
  socklen_t size = sizeof near;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&near), &size) != 0) return {};
  size = sizeof far;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&far), &size) != 0) return {};
  return {address_of(near), address_of(far)};
}

bool ListenerCheck::is_right(uid_t found) const {
  if (user_) return found == user_->id;
  return found == 0 || found == ::geteuid() || local_name_of(found) == "asterisk";
}

Result<void> ListenerCheck::operator()(const SocketAddress& local, const SocketAddress& remote) {
  const auto found = owners(local, remote);
  const std::string port = "port " + std::to_string(remote.port) + " of " + remote.address;
  std::string wrong;
  if (!found) {
    wrong = "whose " + port + " is can't be found out (" + found.error().message + ")";
  } else if (*found && (*found)->empty()) {
    wrong = "nobody listens on " + port + " any more";
  } else if (*found) {
    const auto other = std::ranges::find_if_not(**found, [&](uid_t id) { return is_right(id); });
    if (other != (*found)->end()) wrong = port + " belongs to " + text_of(*other);
  }
  if (wrong.empty()) {
    warned_.clear();
    return {};
  }
  if (user_) {
    return Error{
        ErrorKind::not_connected,
        wrong + ", not to user '" + user_->name + "' (uid " + std::to_string(user_->id) +
            "), so the password was not sent. Does Asterisk run, and as the user that is configured?",
        {}};
  }
  if (warn_ && warned_ != wrong) {
    warn_(wrong + ", and gets the password. Set `user` to the one that Asterisk runs as");
  }
  warned_ = wrong;
  return {};
}

}  // namespace aribus
