#include "systems.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <sys/socket.h>

#include "json/json.h"
#include "net/websocket_frame.h"
#include "sockets.h"

namespace aribus::bench {
namespace {

std::string read_line(int fd) {
  std::string line;
  for (char byte = 0;; line += byte) {
    require(::recv(fd, &byte, 1, 0) == 1, "reading a greeting");
    if (byte == '\n') return line;
  }
}

void read_until(int fd, std::string_view line) {
  while (read_line(fd) != line) continue;
}

// The answer to one request.
Json ask(int fd, const std::string& request) {
  write_all(fd, request + "\n");
  const std::string line = read_line(fd);
  Result<Json> answer = parse_json(line);
  if (!answer || find(*answer, "result") == nullptr) fail("aribusd answers " + line);
  return std::move(*answer);
}

// The same on a new WebSocket, whose handshake it does.
Json ask_by_websocket(int fd, const std::string& request) {
  become_websocket(fd);
  std::string frame;
  append_frame(frame, Opcode::text, request, random_mask());
  write_all(fd, frame);
  FrameReader reader;
  for (char byte = 0; ::recv(fd, &byte, 1, 0) == 1;) {
    std::string_view bytes(&byte, 1);
    const auto received = reader.next(bytes);
    if (!received) continue;
    Result<Json> answer = parse_json(received->payload);
    if (!answer || find(*answer, "result") == nullptr)
      fail("aribusd answers " + std::string(received->payload));
    return std::move(*answer);
  }
  fail("aribusd does not answer on its WebSocket");
}

System redis(const Trace& trace) {
  System system{"redis", {}, "CLIENT REPLY OFF\r\n", 7, {}};
  for (const std::string& event : trace.events) {
    const std::string payload = "$5\r\ntrace\r\n$" + std::to_string(event.size()) + "\r\n" + event + "\r\n";
    system.frames.add("*3\r\n$7\r\nPUBLISH\r\n" + payload);
    system.record_bytes.push_back(std::string_view("*3\r\n$7\r\nmessage\r\n").size() + payload.size());
  }
  return system;
}

System nats(const Trace& trace) {
  System system{"nats", {}, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n", 2, {}};
  for (const std::string& event : trace.events) {
    const std::string size_and_payload = std::to_string(event.size()) + "\r\n" + event + "\r\n";
    system.frames.add("PUB trace " + size_and_payload);
    system.record_bytes.push_back(std::string_view("MSG trace 1 ").size() + size_and_payload.size());
  }
  return system;
}

}  // namespace

System make_system(const std::string& name, const Trace& trace) {
  if (name == "redis") return redis(trace);
  if (name == "nats") return nats(trace);
  if (name != "aribus" && name != "relay") fail("no system '" + name + "'");
  System system{name, websocket_frames(trace), "", 1, {}};
  if (name == "relay") {
    for (const std::string& event : trace.events) system.record_bytes.push_back(event.size() + 1);
  }
  return system;
}

Fd connect_publisher(const System& system, const std::string& upstream) {
  Fd socket = system.name == "redis" || system.name == "nats" ? connect_to(upstream)
                                                              : accept_websocket(std::atoi(upstream.c_str()));
  write_all(socket.get(), system.greeting);
  return socket;
}

Subscribed subscribe(const System& system, const std::string& address, const std::string& type) {
  Subscribed made{connect_to(address + (system.websocket ? ".web" : "")), 0};
  const int fd = made.socket.get();
  if (system.name == "redis") {
    write_all(fd, "SUBSCRIBE trace\r\n");
    read_until(fd, ":1\r");
  } else if (system.name == "nats") {
    write_all(fd, system.greeting + "SUB trace 1\r\nPING\r\n");
    read_until(fd, "PONG\r");
  } else if (system.name == "relay") {
    read_until(fd, "ready");
  } else {
    const std::string params = type.empty() ? "{}" : R"({"types":[")" + type + R"("]})";
    const std::string request = R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":)" + params + "}";
    const Json answer = system.websocket ? ask_by_websocket(fd, request) : ask(fd, request);
    const std::string cursor(find_string(answer["result"], "cursor"));
    made.next_seq = std::strtoull(cursor.c_str() + cursor.find(':') + 1, nullptr, 10) + 1;
  }
  return made;
}

void settle(const System& system, int subscriber) {
  if (system.name != "nats") return;
  read_until(subscriber, "PING\r");
  write_all(subscriber, "PONG\r\n");
}

void await_ready(const std::string& address) {
  const Fd socket = connect_to(address);
  for (int i = 0; i < 1000; ++i) {
    const Json status = ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"status"})");
    if (status["result"]["servers"][0]["connected"].GetBool()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail("aribusd does not get connected");
}

}  // namespace aribus::bench
