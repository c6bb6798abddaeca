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

void add_server(std::vector<Text>& out, const JsonValue& server, WallTime now) {
  const std::string_view state = find_string(server, "state");
  const Style style = state == "ready"                         ? Style::green
                      : state == "down" || state == "replaced" ? Style::red
                                                               : Style::yellow;
  Text first = "  " + Text(find_string(server, "name"), Style::bold) + "  " + Text(state, style) + " for " +
               since(server, "since", now);
  if (const auto version = find_string(server, "version"); !version.empty()) {
    first += Text(", Asterisk ") + version;
  }
  out.push_back(first + ", applications: " + joined(server, "apps"));
  if (const auto reason = find_string(server, "reason"); !reason.empty()) {
    out.push_back("      " + Text(reason, Style::red));
  }
  if (const std::string replaced = joined(server, "replaced"); !replaced.empty()) {
    out.push_back("      " + Text("taken by another client: " + replaced, Style::red) +
                  " (aribus call reclaim)");
  }
  out.push_back("      " + std::to_string(number(server, "received")) + " events, " +
                std::to_string(number(server, "requests_open")) + " requests under way, by " +
                Text(find_string(server, "rest")));
}

void add_bus(std::vector<Text>& out, const JsonValue& bus) {
  const uint64_t next = number(bus, "next");
  out.emplace_back();
  out.emplace_back("Bus");
  out.push_back("  records " + std::to_string(number(bus, "first")) + " to " +
                std::to_string(next > 0 ? next - 1 : 0) + " of the stream " +
                Text(find_string(bus, "stream")) + ", " + mebibytes(number(bus, "used_bytes")) + " of " +
                mebibytes(number(bus, "ring_bytes")));
  if (const auto path = find_string(bus, "path"); !path.empty()) out.push_back(Text("  in ") + path);
  if (const auto reason = find_string(bus, "reason"); !reason.empty()) {
    out.push_back(Text("  began anew: ") + reason);
  }
}

}  // namespace

std::vector<Text> status_lines(const JsonValue& status, WallTime now) {
  std::vector<Text> out;
  out.push_back("aribusd " + Text(find_string(status, "aribus")) + ", process " +
                std::to_string(number(status, "pid")) + ", running for " + since(status, "started", now) +
                ", " + std::to_string(number(status, "connections")) + " connections, " +
                std::to_string(number(status, "subscribers")) + " subscribers");
  out.emplace_back();
  out.emplace_back("Servers");
  if (const JsonValue* servers = find(status, "servers")) {
    for (const JsonValue& server : servers->GetArray()) add_server(out, server, now);
  }
  if (const JsonValue* bus = find(status, "bus")) add_bus(out, *bus);
  if (const JsonValue* loop = find(status, "loop")) {
    out.emplace_back();
    out.emplace_back("Loop");
    out.emplace_back("  longest turn " + std::to_string(number(*loop, "longest_turn_us")) + " µs, lately " +
                     std::to_string(number(*loop, "longest_turn_lately_us")) + " µs");
  }
  return out;
}

}  // namespace aribus::cli
