#include "cli/status_view.h"

#include <cstdio>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

uint64_t number(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsUint64() ? value->GetUint64() : 0;
}

std::string since(const JsonValue& object, std::string_view name, WallTime now) {
  const auto from = parse_time(find_string(object, name));
  return from ? duration_text(*from, now) : "?";
}

std::string mebibytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string server_text(const JsonValue& server, WallTime now, bool colour) {
  const std::string state = printable(find_string(server, "state"));
  const std::string_view code = state == "ready"                         ? green
                                : state == "down" || state == "replaced" ? red
                                                                         : yellow;
  std::string out = "  " + paint(colour, printable(find_string(server, "name")), bold) + "  " +
                    paint(colour, state, code) + " for " + since(server, "since", now);
  if (const auto version = find_string(server, "version"); !version.empty()) {
    out += ", Asterisk " + printable(version);
  }
  out += ", applications: " + joined(server, "apps") + "\n";
  if (const auto reason = find_string(server, "reason"); !reason.empty()) {
    out += "      " + paint(colour, printable(reason), red) + "\n";
  }
  if (const std::string replaced = joined(server, "replaced"); !replaced.empty()) {
    out += "      " + paint(colour, "taken by another client: " + replaced, red) + " (aribus call reclaim)\n";
  }
  return out + "      " + std::to_string(number(server, "received")) + " events, " +
         std::to_string(number(server, "requests_open")) + " requests under way, by " +
         std::string(find_string(server, "rest")) + "\n";
}

}  // namespace

std::string status_text(const JsonValue& status, WallTime now, bool colour) {
  std::string out = "aribusd " + printable(find_string(status, "aribus")) + ", process " +
                    std::to_string(number(status, "pid")) + ", running for " + since(status, "started", now) +
                    ", " + std::to_string(number(status, "connections")) + " connections, " +
                    std::to_string(number(status, "subscribers")) + " subscribers\n\nServers\n";
  if (const JsonValue* servers = find(status, "servers")) {
    for (const JsonValue& server : servers->GetArray()) out += server_text(server, now, colour);
  }
  if (const JsonValue* bus = find(status, "bus")) {
    out += "\nBus\n  records " + std::to_string(number(*bus, "first")) + " to " +
           std::to_string(number(*bus, "next") - 1) + " of the stream " +
           printable(find_string(*bus, "stream")) + ", " + mebibytes(number(*bus, "used_bytes")) + " of " +
           mebibytes(number(*bus, "ring_bytes")) + "\n";
    if (const auto path = find_string(*bus, "path"); !path.empty()) out += "  in " + printable(path) + "\n";
    if (const auto reason = find_string(*bus, "reason"); !reason.empty()) {
      out += "  began anew: " + printable(reason) + "\n";
    }
  }
  if (const JsonValue* loop = find(status, "loop")) {
    out += "\nLoop\n  longest turn " + std::to_string(number(*loop, "longest_turn_us")) + " µs, lately " +
           std::to_string(number(*loop, "longest_turn_lately_us")) + " µs\n";
  }
  return out;
}

}  // namespace aribus::cli
