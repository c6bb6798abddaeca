#include "trace.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include "json/json.h"
#include "net/websocket_frame.h"

namespace aribus::bench {

Trace Trace::load(const std::string& path, std::string_view left_out) {
  Trace trace;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Result<Json> event = parse_json(line);
    if (!event) fail(path + ": an event is no JSON: " + event.error().message);
    if (find_string(*event, "type") == left_out) continue;
    trace.types.emplace_back(find_string(*event, "type"));
    if (trace.application.empty()) trace.application = find_string(*event, "application");
    trace.events.push_back(std::move(line));
  }
  if (trace.events.empty()) fail("no events in " + path);
  return trace;
}

std::vector<std::string> Trace::frequent_types(size_t count) const {
  std::map<std::string, size_t> times;
  for (const std::string& type : types) ++times[type];
  std::vector<std::string> names;
  for (const auto& [type, n] : times) names.push_back(type);
  std::ranges::stable_sort(names, [&](const auto& a, const auto& b) { return times[a] > times[b]; });
  if (names.size() < count) fail("the trace has " + std::to_string(names.size()) + " types of events only");
  names.resize(count);
  return names;
}

Frames websocket_frames(const Trace& trace) {
  Frames frames;
  for (const std::string& event : trace.events) {
    std::string frame;
    append_frame(frame, Opcode::text, event, std::nullopt);
    frames.add(frame);
  }
  return frames;
}

uint64_t Selection::count(uint64_t events) const {
  const uint64_t rest = events % period;
  return events / period * places.size() +
         static_cast<uint64_t>(std::ranges::count_if(places, [&](uint64_t place) { return place < rest; }));
}

void fail(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  std::quick_exit(1);
}

void require(bool ok, const std::string& what) {
  if (!ok) fail(what + ": " + std::strerror(errno));
}

}  // namespace aribus::bench
