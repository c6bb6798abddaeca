#include "bus/log.h"

#include <cstring>

#include "base/bytes.h"

namespace aribus::bus {
namespace {

constexpr size_t max_names = 4096;  // ARI has some 50 types; more is somebody's garbage
constexpr size_t max_ids = 1024;    // of one record, in the index

// Stands in for a record that is too large for the ring.
record::Record too_large(const record::Record& record, size_t bytes, size_t limit) {
  const std::string fields = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "invalid",
                 "a record of type " + to_valid_utf8(record.type, 64) + " over the limit of " +
                     std::to_string(limit) + " bytes (a quarter of bus.ring_bytes)");
    write_key(writer, "bytes");
    writer.Uint64(bytes);
    writer.EndObject();
  });
  return record::own_record("Malformed", record.server, fields, record.time);
}

}  // namespace

Result<Log> Log::make(size_t ring_bytes) {
  if (ring_bytes < min_ring_bytes) {
    return Error{ErrorKind::invalid_params,
                 "ring_bytes: at least " + std::to_string(min_ring_bytes / 1024) + "KiB is expected",
                 {}};
  }
  Result<MirroredMemory> ring = MirroredMemory::make(ring_bytes);
  if (!ring) return ring.error();
  // Records of under 256 bytes, or with more than four ids on average, are evicted a little before their
  // bytes are.
  return Log(std::move(*ring), ring_bytes / 256, ring_bytes / 64);
}

Log::Log(MirroredMemory ring, size_t entries, size_t ids)
    : ring_(std::move(ring)), entries_(entries), ids_(ids), names_{""}, stream_(random_hex(6)) {}

uint16_t Log::number(const std::string& name) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  if (names_.size() >= max_names) return 0;
  const auto made = static_cast<uint16_t>(names_.size());
  names_.push_back(name);
  numbers_.emplace(name, made);
  return made;
}

uint64_t Log::append(const record::Record& record) {
  if (const size_t size = max_line_size(record); line_.size() < size) line_.resize(size);
  const std::string_view line(line_.data(), write_line(record, next_, line_.data()));
  if (line.size() > max_line_bytes()) return append(too_large(record, line.size(), max_line_bytes()));

  size_t ids = record.ids.size();
  const bool too_many_ids = ids > std::min(max_ids, ids_.size() / 4);
  if (too_many_ids) ids = 0;
  while (first_ < next_ &&
         (end_offset_ + line.size() - entry(first_).offset > ring_.size() ||
          end_ids_ + ids - entry(first_).ids_begin > ids_.size() || next_ - first_ >= entries_.size())) {
    ++first_;
  }

  Entry& entry = entries_[next_ % entries_.size()];
  entry.offset = end_offset_;
  entry.length = static_cast<uint32_t>(line.size());
  entry.type = number(record.type);
  entry.server = number(record.server);
  entry.app = number(record.app);
  entry.ids_begin = end_ids_;
  entry.ids_count = too_many_ids ? any_id : static_cast<uint16_t>(ids);
  std::memcpy(ring_.data() + end_offset_ % ring_.size(), line.data(), line.size());
  end_offset_ += line.size();
  for (size_t i = 0; i < ids; ++i) ids_[end_ids_++ % ids_.size()] = record.ids[i].hash;
  const uint64_t seq = next_++;
  if (listener_) listener_();
  return seq;
}

std::string_view Log::lines(uint64_t from, uint64_t to) const {
  if (from >= to) return {};
  const Entry& last = entry(to - 1);
  const uint64_t begin = entry(from).offset;
  return bytes(begin, last.offset + last.length - begin);
}

uint64_t Log::record_at(uint64_t from, uint64_t to, size_t bytes) const {
  if (from >= to) return to;
  const uint64_t behind = entry(from).offset + bytes;
  while (from < to) {
    const uint64_t middle = from + (to - from) / 2;
    const Entry& record = entry(middle);
    if (record.offset + record.length > behind) {
      to = middle;
    } else {
      from = middle + 1;
    }
  }
  return to;
}

}  // namespace aribus::bus
