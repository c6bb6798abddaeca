#include "cli/status_view.h"

#include <cstdio>

#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

std::string since(const JsonValue& object, std::string_view name, WallTime now) {
  const auto from = parse_time(find_string(object, name));
  return from ? duration_text(*from, now) : "?";
}

std::string mebibytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string as_milliseconds(uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(microseconds) / 1000);
  return text;
}

class StatusLines {
 public:
  explicit StatusLines(size_t columns) : columns_(columns) {}

  void title(const char* text) {
    out_.emplace_back();
    out_.emplace_back(text);
  }
  void add(size_t indent, const Text& text) {
    for (Text& line : paragraph(text, columns_, indent)) out_.push_back(std::move(line));
  }
  [[nodiscard]] std::vector<Text> take() { return std::move(out_); }

 private:
  size_t columns_;
  std::vector<Text> out_;
};

void add_server(StatusLines& out, const JsonValue& server, WallTime now) {
  const std::string_view state = find_string(server, "state");
  const Style style = state == "ready"                         ? Style::green
                      : state == "down" || state == "replaced" ? Style::red
                                                               : Style::yellow;
  Text first = Text(find_string(server, "name"), Style::bold) + ": " + Text(state, style);
  if (state != "replaced") first += " for " + since(server, "since", now);  // which is of the connection
  if (const auto version = find_string(server, "version"); !version.empty()) {
    first += Text(", Asterisk ") + version;
  }
  const std::string apps = joined(server, "apps");
  out.add(2, apps.empty() ? first : first + ", applications: " + apps);
  if (const auto reason = find_string(server, "reason"); !reason.empty()) {
    out.add(6, Text(reason, Style::red));
  }
  if (const std::string replaced = joined(server, "replaced"); !replaced.empty()) {
    out.add(6, Text("taken by another client: " + replaced, Style::red) +
                   " ('aribus call reclaim' takes it back)");
  }
  const std::string_view rest = find_string(server, "rest");
  // An aribusd before 0.2.0 does not say how many calls there are.
  const Text calls =
      find(server, "calls") == nullptr ? "" : counted(number_of(server, "calls"), "call") + "; ";
  out.add(6, calls + counted(number_of(server, "received"), "event") + " received; commands go over " +
                 (rest == "http"        ? Text("HTTP")
                  : rest == "websocket" ? Text("the WebSocket")
                                        : Text(rest)) +
                 ", " + counted(number_of(server, "requests_open"), "request") +
                 (number_of(server, "requests_open") == 1 ? " waits" : " wait") + " for an answer");
}

void add_bus(StatusLines& out, const JsonValue& bus) {
  const uint64_t first = number_of(bus, "first");
  const uint64_t next = number_of(bus, "next");
  out.title("Bus");
  out.add(2, (next > first ? counted(next - first, "record") + " kept, " + std::to_string(first) + " to " +
                                 std::to_string(next - 1) + " of the stream "
                           : std::string("no records yet in the stream ")) +
                 Text(find_string(bus, "stream")) + "; " + mebibytes(number_of(bus, "used_bytes")) + " of " +
                 mebibytes(number_of(bus, "ring_bytes")) + " used");
  if (const auto path = find_string(bus, "path"); !path.empty()) out.add(2, Text("in ") + path);
  if (const auto reason = find_string(bus, "reason"); !reason.empty()) {
    out.add(2, Text("new stream: ") + reason);
  }
}

}  // namespace

std::vector<Text> status_lines(const JsonValue& status, WallTime now, size_t columns) {
  StatusLines out(columns);
  Text first = "aribusd " + Text(find_string(status, "aribus")) + ", process " +
               std::to_string(number_of(status, "pid")) + ", running for " + since(status, "started", now);
  out.add(0, first);
  out.add(0, counted(number_of(status, "connections"), "connection") + " of programs, " +
                 counted(number_of(status, "subscribers"), "subscriber"));
  const uint64_t lost = number_of(status, "lost_records");
  if (lost > 0) {
    out.add(0, Text(counted(lost, "record") + " lost by programs that were too slow", Style::red) +
                   " ('aribus clients' says which)");
  }
  out.title("Asterisk");
  if (const JsonValue* servers = find(status, "servers")) {
    for (const JsonValue& server : servers->GetArray()) add_server(out, server, now);
  }
  if (const JsonValue* bus = find(status, "bus")) add_bus(out, *bus);
  if (const JsonValue* loop = find(status, "loop")) {
    out.title("Loop");
    out.add(2, "longest turn " + as_milliseconds(number_of(*loop, "longest_turn_us")) + ", lately " +
                   as_milliseconds(number_of(*loop, "longest_turn_lately_us")));
  }
  return out.take();
}

}  // namespace aribus::cli
