#include "cli/doctor/machine.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/catch.h"

namespace aribus::cli {

TEST_CASE("the doctor sees which processes are connected to a port") {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener.get(), 4) == 0);
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const int port = ntohs(address.sin_port);
  CHECK(connected_to(port).empty());
  const Fd first(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      second(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::connect(second.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  const auto found = connected_to(port);
  REQUIRE(found.size() == 1);
  CHECK(found.begin()->first == ::getpid());
  CHECK(found.begin()->second.connections == 2);
  CHECK(runs_here(found.begin()->second.name));
}

TEST_CASE("the doctor knows this machine by its addresses") {
  CHECK(is_this_machine("127.0.0.1"));
  CHECK(is_this_machine("localhost"));
  CHECK_FALSE(is_this_machine("192.0.2.1"));
  CHECK_FALSE(is_this_machine("nowhere.invalid"));
  CHECK_FALSE(runs_here("no such process"));
}

}  // namespace aribus::cli
