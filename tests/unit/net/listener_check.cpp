// Who gets the password on this machine.
#include "net/listener_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ari/client.h"
#include "base/fd.h"
#include "net/tcp_socket.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using aribus::test::FakeAsterisk;
using aribus::test::pump;

namespace {

ListenerUser own_user() {
  return {"myself", ::geteuid()};
}
ListenerUser other_user() {
  return {"other", ::geteuid() + 7000};
}

// A connection of this process with itself.
struct Connection {
  Fd listener, near, far;

  explicit Connection(const std::string& bound, const std::string& to, bool v6_only = false) {
    const bool v6 = bound.find(':') != std::string::npos;
    listener = Fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int only = v6_only ? 1 : 0;
    if (v6) ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    sockaddr_storage address{};
    fill(address, bound, 0);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size_of(address)) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    connect(to, port);
  }
  void connect(const std::string& to, int to_port) {
    sockaddr_storage address{};
    fill(address, to, to_port);
    near = Fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(near.get(), reinterpret_cast<sockaddr*>(&address), size_of(address)) == 0);
  }
  void accept() { far = Fd(::accept(listener.get(), nullptr, nullptr)); }
  [[nodiscard]] Result<void> checked(std::optional<ListenerUser> user) const {
    const auto [local, remote] = addresses_of(near.get());
    return ListenerCheck(std::move(user), {})(local, remote);
  }

  static void fill(sockaddr_storage& address, const std::string& text, int port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<uint16_t>(port));
    } else {
      REQUIRE(::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(static_cast<uint16_t>(port));
    }
  }
  static socklen_t size_of(const sockaddr_storage& address) {
    return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  int port = 0;
};

}  // namespace

TEST_CASE("who listens is found, on either family, accepted or not") {
  for (const auto& [bound, to] : {std::pair{"127.0.0.1", "127.0.0.1"},
                                  {"0.0.0.0", "127.0.0.1"},
                                  {"0.0.0.0", "127.1.2.3"},
                                  {"::", "127.0.0.1"},
                                  {"::1", "::1"},
                                  {"::", "::1"},
                                  {"::", "::ffff:127.0.0.1"}}) {
    INFO(bound << " " << to);
    Connection connection(bound, to);
    CHECK(connection.checked(own_user()).ok());
    CHECK_FALSE(connection.checked(other_user()).ok());
    connection.accept();
    CHECK(connection.checked(own_user()).ok());
    const auto refused = connection.checked(other_user());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::not_connected);
    CHECK_THAT(refused.error().message,
               ContainsSubstring("port " + std::to_string(connection.port)) &&
                   ContainsSubstring("(uid " + std::to_string(::geteuid()) + ")") &&
                   ContainsSubstring("not to user 'other' (uid " + std::to_string(other_user().id) + ")"));
  }
}

TEST_CASE("a port that nobody listens on any more is nobody's, and one of the other family is another") {
  Connection connection("127.0.0.1", "127.0.0.1");
  connection.accept();
  connection.listener.reset();
  const auto refused = connection.checked(other_user());
  REQUIRE_FALSE(refused.ok());  // for who has accepted it is found all the same
  connection.far.reset();
  Connection left("127.0.0.1", "127.0.0.1");
  left.listener.reset();
  const auto [local, remote] = addresses_of(left.near.get());
  if (remote.port != 0) CHECK_FALSE(left.checked(own_user()).ok());
  const SocketAddress none{"127.0.0.1", 1};
  CHECK_THAT(ListenerCheck(own_user(), {})({"127.0.0.1", 2}, none).error().message,
             ContainsSubstring("nobody listens"));
  // Neither family alone takes connections of the other.
  const Connection v4("0.0.0.0", "127.0.0.1");
  CHECK_THAT(ListenerCheck(own_user(), {})({"::1", 2}, {"::1", v4.port}).error().message,
             ContainsSubstring("nobody listens"));
  const Connection v6("::", "::1", true);
  CHECK_THAT(ListenerCheck(own_user(), {})({"127.0.0.1", 2}, {"127.0.0.1", v6.port}).error().message,
             ContainsSubstring("nobody listens"));
}

TEST_CASE("another machine's listeners are not asked about") {
  ListenerCheck check(other_user(), {});
  CHECK(check({"10.1.2.3", 40000}, {"192.0.2.1", 8088}).ok());
  CHECK(check({"2001:db8::1", 40000}, {"2001:db8::2", 8088}).ok());
  // This machine's own, by whatever address.
  CHECK_FALSE(check({"10.1.2.3", 40000}, {"10.1.2.3", 1}).ok());
}

TEST_CASE("without a user nothing is refused, and the own user is right") {
  std::vector<std::string> warnings;
  ListenerCheck check({}, [&](const std::string& text) { warnings.push_back(text); });
  Connection connection("127.0.0.1", "127.0.0.1");
  const auto [local, remote] = addresses_of(connection.near.get());
  CHECK(check(local, remote).ok());
  CHECK(warnings.empty());
  for (int i = 0; i < 3; ++i) CHECK(check({"127.0.0.1", 2}, {"127.0.0.1", 1}).ok());
  REQUIRE(warnings.size() == 1);  // once until it changes
  CHECK_THAT(warnings[0], ContainsSubstring("nobody listens on port 1 of 127.0.0.1"));
  CHECK(check(local, remote).ok());
  CHECK(check({"127.0.0.1", 2}, {"127.0.0.1", 1}).ok());
  CHECK(warnings.size() == 2);
}

TEST_CASE("nothing of a request goes to another user's port") {
  Loop loop;
  FakeAsterisk rogue(loop, test::behave_well);
  ClientOptions options;
  options.url = rogue.url();
  options.password = "s3cret";
  options.apps = {"demo"};
  options.user = other_user();
  options.reconnect.first = Milliseconds(10);
  options.reconnect.max = Milliseconds(20);
  std::vector<std::string> reasons;
  Client::Handlers handlers;
  handlers.disconnected = [&](const std::string& reason, Milliseconds) { reasons.push_back(reason); };
  const auto client = Client::make(loop, options, std::move(handlers)).value();
  client->connect();
  REQUIRE(pump(loop, [&] { return reasons.size() >= 3; }));
  CHECK(rogue.requests.empty());
  CHECK(rogue.peers.size() >= 3);  // each on a connection of its own
  CHECK_THAT(reasons[0],
             ContainsSubstring("the password was not sent") && ContainsSubstring("not to user 'other'"));
}

TEST_CASE("Asterisk's own user is asked about once a connection, for requests and the event stream") {
  Loop loop;
  FakeAsterisk asterisk(loop, test::behave_well);
  ClientOptions options;
  options.url = asterisk.url();
  options.apps = {"demo"};
  options.user = own_user();
  const auto client = Client::make(loop, options).value();
  client->connect();
  REQUIRE(pump(loop, [&] { return client->is_connected(); }));
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    client->request("GET", "/channels", "", [&](const Result<HttpResponse>& answer) {
      CHECK(answer.ok());
      ++done;
    });
  }
  REQUIRE(pump(loop, [&] { return done == 20; }));
  CHECK(asterisk.peers.size() <= 9);
}

TEST_CASE("the handshake of a WebSocket is held back as well") {
  Loop loop;
  FakeAsterisk rogue(loop, test::behave_well);
  WebSocketOptions options;
  options.url = *parse_url(rogue.url());
  options.target = "/ari/events";
  options.authorization = "Basic x";
  options.may_send = [check = ListenerCheck(other_user(), {})](
                         const auto& local, const auto& remote) mutable { return check(local, remote); };
  std::string reason;
  WebSocket::Handlers handlers;
  handlers.closed = [&](const WebSocketClosed& closed) { reason = closed.reason; };
  const auto websocket = make_websocket(loop);
  websocket->connect(options, handlers);
  REQUIRE(pump(loop, [&] { return !reason.empty(); }));
  CHECK_THAT(reason, ContainsSubstring("not to user 'other'"));
  CHECK(rogue.requests.empty());
}
