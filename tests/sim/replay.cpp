#include "replay.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "frame.h"

namespace aribus::sim {
namespace {

constexpr size_t batch_bytes = 256 * 1024;
constexpr std::string_view record_start = R"({"seq":)";  // as `aribus record` writes them

// The event that a record of aribus was made of; "" for those of its own making.
std::string recorded_event(const std::string& line) {
  rapidjson::Document record;
  if (record.Parse(line.data(), line.size()).HasParseError() || !record.IsObject()) return {};
  const auto text = [&](const char* name) {
    const auto at = record.FindMember(name);
    return at != record.MemberEnd() && at->value.IsString() ? std::string(at->value.GetString()) : "";
  };
  const std::string type = text("type"), time = text("time");
  if (type.empty() || type.find('.') != std::string::npos || type == "Malformed" || !time.ends_with('Z'))
    return {};
  record.AddMember(
      "timestamp",
      rapidjson::Value((time.substr(0, time.size() - 1) + "+0000").c_str(), record.GetAllocator()),
      record.GetAllocator());
  record.AddMember("application", rapidjson::Value(text("app").c_str(), record.GetAllocator()),
                   record.GetAllocator());
  for (const char* name : {"seq", "time", "server", "app", "channels", "bridges", "playbacks", "recordings",
                           "endpoints", "devices", "known", "invalid", "synthetic"}) {
    record.RemoveMember(name);
  }
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  record.Accept(writer);
  return {out.GetString(), out.GetSize()};
}

}  // namespace

bool Replay::load(const Options& options) {
  std::ifstream file(options.replay, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    if (line.starts_with(record_start)) line = recorded_event(line);
    if (line.empty()) continue;
    frames_ += frame(Opcode::text, line);
    ends_.push_back(frames_.size());
  }
  rate_ = options.rate;
  loops_ = options.loops;
  return is_loaded();
}

void Replay::start(Connection& connection) {
  places_[connection.id()] = {};
  if (rate_ == 0) refill(connection);
}

void Replay::append(Connection& connection, Place& place, uint64_t count, size_t bytes) const {
  while (count > 0 && bytes > 0 && (loops_ == 0 || place.loops < loops_)) {
    const size_t begin = place.next == 0 ? 0 : ends_[place.next - 1];
    size_t last = std::min<uint64_t>(ends_.size() - place.next, count) + place.next;
    const auto limit = std::upper_bound(ends_.begin(), ends_.end(), begin + bytes) - ends_.begin();
    last = std::max(place.next + 1, std::min(last, static_cast<size_t>(limit)));
    connection.send(std::string_view(frames_).substr(begin, ends_[last - 1] - begin));
    bytes -= std::min(bytes, ends_[last - 1] - begin);
    count -= last - place.next;
    place.sent += last - place.next;
    place.next = last;
    if (place.next < ends_.size()) continue;
    place.next = 0;
    ++place.loops;
  }
}

void Replay::refill(Connection& connection) {
  const auto found = places_.find(connection.id());
  if (found == places_.end() || rate_ != 0 || connection.pending_bytes() > 0) return;
  append(connection, found->second, std::numeric_limits<uint64_t>::max(), batch_bytes);
}

void Replay::tick(Connection& connection, uint64_t now_ms) {
  const auto found = places_.find(connection.id());
  if (found == places_.end() || rate_ == 0) return;
  auto& place = found->second;
  if (place.started_ms == 0) place.started_ms = now_ms;
  const auto due = (now_ms - place.started_ms) * rate_ / 1000;
  if (due > place.sent) append(connection, place, due - place.sent, std::numeric_limits<size_t>::max());
}

}  // namespace aribus::sim
