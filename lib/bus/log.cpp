#include "bus/log.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace aribus::bus {
namespace {

constexpr size_t max_names = 4096;      // ARI has some 50 types; more is somebody's garbage
constexpr size_t max_name_bytes = 256;  // a longer one has no number
constexpr size_t max_ids = 1024;        // of one record, in the index
constexpr uint8_t no_slot = 0xFF;

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

Result<Log> Log::make(const LogOptions& options) {
  if (options.ring_bytes < min_ring_bytes) {
    return Error{ErrorKind::invalid_params,
                 "ring_bytes: at least " + std::to_string(min_ring_bytes / 1024) + "KiB is expected",
                 {}};
  }
  if (!options.path.empty()) return open(options);
  Result<MirroredMemory> ring = MirroredMemory::make(options.ring_bytes);
  if (!ring) return ring.error();
  return Log(std::move(*ring), nullptr);
}

Result<Log> Log::open(const LogOptions& options) {
  Result<RingFile> file = RingFile::open(options.path, options.ring_bytes);
  if (!file) return file.error();
  const auto log_on = [](RingFile& opened) {
    MirroredMemory ring = opened.take_ring();
    return Log(std::move(ring), std::make_unique<RingFile>(std::move(opened)));
  };
  Log log = log_on(*file);
  if (!log.resumed() || log.read_file()) return log;
  log.file_.reset();
  Result<RingFile> afresh =
      RingFile::open_afresh(options.path, options.ring_bytes, "the file's records are damaged");
  if (!afresh) return afresh.error();
  return log_on(*afresh);
}

// Records of under 256 bytes, or with more than four ids on average, are evicted a little before their bytes
// are.
Log::Log(MirroredMemory ring, std::unique_ptr<RingFile> file)
    : file_(std::move(file)),
      ring_(std::move(ring)),
      entries_(ring_.size() / 256),
      slots_(entries_.size() / records_a_block),
      ids_(ring_.size() / 64),
      names_{""},
      declared_(ari::models().size()),
      stream_(resumed() ? file_->stream() : random_hex(6)) {
  if (file_ && !resumed()) file_->set_stream(stream_);
}

// Makes the index of what the file holds. False: it is not what a daemon wrote.
bool Log::read_file() {
  JsonTape tape;
  end_offset_ = file_->begin();
  std::string_view rest = bytes(file_->begin(), file_->end() - file_->begin());
  bool first = true;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view line = rest.substr(0, end + 1);
    rest.remove_prefix(line.size());
    if (std::exchange(first, false)) first_ = next_ = 0;  // as the first line says
    if (!read_line(tape, line)) return false;
  }
  return !stream_.empty();
}

bool Log::read_line(JsonTape& tape, std::string_view line) {
  record::Record record;
  const auto seq = record::read_line(tape, line, record);
  if (!seq || (next_ != 0 && *seq != next_)) return false;
  if (next_ == 0) first_ = next_ = *seq;
  make_room(line.size(), ids_kept(record.ids));
  add_entry(line.size(), record);
  return true;
}

uint16_t Log::number(std::string_view name, uint16_t& latest) {
  if (latest != 0 && names_[latest] == name) return latest;
  return latest = find_number(name);
}

uint16_t Log::type_number(const record::Record& record) {
  if (record.declared == nullptr) return find_number(record.type);
  uint16_t& known = declared_[static_cast<size_t>(record.declared - ari::models().data())];
  if (known == 0) known = find_number(record.type);
  return known;
}

uint16_t Log::find_number(std::string_view name) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  if (names_.size() >= max_names || name.size() > max_name_bytes) return 0;
  const auto made = static_cast<uint16_t>(names_.size());
  numbers_.emplace(names_.emplace_back(name), made);
  return made;
}

uint64_t Log::append(const record::Record& record) {
  if (const size_t size = max_line_size(record); line_.size() < size) line_.resize(size);
  const std::string_view line(line_.data(), write_line(record, next_, line_.data()));
  if (line.size() > max_line_bytes()) return append(too_large(record, line.size(), max_line_bytes()));
  make_room(line.size(), ids_kept(record.ids));
  std::memcpy(ring_.data() + end_offset_ % ring_.size(), line.data(), line.size());
  const Entry& added = add_entry(line.size(), record);
  if (added.server != counted_server_ || counts_of_server_ == nullptr) count_for(added.server);
  ++counts_of_server_[added.type];
  if (file_) file_->set_end(end_offset_);
  if (listener_) listener_();
  return next_ - 1;
}

// How many ids of a record go into the index: all of them, or none when they are too many.
size_t Log::ids_kept(const record::Ids& ids) const {
  return ids.size() > std::min(max_ids, ids_.size() / 4) ? 0 : ids.size();
}

// Lets go of the oldest records, until one of `bytes` with `ids` fits.
void Log::make_room(size_t bytes, size_t ids) {
  const uint64_t before = first_;
  while (first_ < next_ && (end_offset_ + bytes - entry(first_).offset > ring_.size() ||
                            end_ids_ + ids - entry(first_).ids_begin > ids_.size() ||
                            next_ - first_ >= entries_.size() - records_a_block)) {
    ++first_;
  }
  if (file_ && first_ != before) file_->set_begin(first_ < next_ ? entry(first_).offset : end_offset_);
}

// The index's part of the record whose line is the next `length` bytes of the ring.
const Entry& Log::add_entry(size_t length, const record::Record& record) {
  const record::Ids& ids = record.ids;
  const size_t kept = ids_kept(ids);
  auto& slots = slots_[next_ / records_a_block];
  if (next_ % records_a_block == 0 || next_ == first_) slots.fill(0);
  Entry& entry = entries_[next_];
  entry.offset = end_offset_;
  entry.length = static_cast<uint32_t>(length);
  entry.type = type_number(record);
  entry.server = number(record.server, server_);
  entry.app = number(record.app, app_);
  if (slot_of_.size() <= entry.type) slot_of_.resize(entry.type + 1U, no_slot);
  uint8_t& slot = slot_of_[entry.type];
  if (slot == no_slot) slot = make_slot(entry.type);
  slots[slot] |= uint64_t{1} << next_ % records_a_block;
  entry.ids_begin = end_ids_;
  entry.ids_count = kept < ids.size() ? any_id : static_cast<uint16_t>(kept);
  for (size_t i = 0; i < kept; ++i) ids_[end_ids_++] = ids[i].hash;
  end_offset_ += length;
  ++next_;
  return entry;
}

void Log::count_for(uint16_t server) {
  if (counts_.size() <= server) counts_.resize(server + 1U);
  counts_[server].resize(max_names);
  counts_of_server_ = counts_[server].data();
  counted_server_ = server;
}

uint8_t Log::make_slot(uint16_t type) {
  if (type == 0 || slot_names_.size() == type_slots - 1) return type_slots - 1;
  slot_names_.push_back(type);
  return static_cast<uint8_t>(slot_names_.size() - 1);
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
