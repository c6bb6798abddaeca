#include "bus/record_log.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "base/utf8.h"
#include "record/own_records.h"
#include "record/record_text.h"

namespace aribus::bus {
namespace {

constexpr size_t max_names = 4096;      // ARI has some 50 types; more are invented
constexpr size_t max_name_bytes = 256;  // a longer one has no number
constexpr size_t max_ids = 1024;        // of one record, in the index
constexpr uint8_t no_slot = 0xFF;

// Has the processor fetch the place of the next line into its cache while the next record is made: it has not
// been used since the ring was there before. It may be behind the ring's end, where the ring is once more.
void fetch_ahead(const char* place) {
  constexpr size_t ahead = 640, line = 64;
  for (size_t at = 0; at < ahead; at += line) __builtin_prefetch(place + at, 1);
}

// Replaces a record that is too large for the ring.
record::Record too_large(const record::Record& record, size_t bytes, size_t limit) {
  const record::Malformed malformed{.invalid = "a record of type " + to_valid_utf8(record.type, 64) +
                                               " over the limit of " + std::to_string(limit) +
                                               " bytes (a quarter of bus.ring_bytes)",
                                    .text = {},
                                    .bytes = bytes};
  return record::own_record(malformed, record.server, record.time);
}

}  // namespace

Result<RecordLog> RecordLog::make(const RecordLogOptions& options, const Framing& framing) {
  if (options.ring_bytes < min_ring_bytes) {
    return Error{ErrorKind::invalid_params,
                 "ring_bytes: at least " + std::to_string(min_ring_bytes / 1024) + "KiB is expected",
                 {}};
  }
  if (!options.path.empty()) return open(options, framing);
  Result<MirroredMemory> ring = MirroredMemory::make(options.ring_bytes);
  if (!ring) return ring.error();
  return RecordLog(std::move(*ring), nullptr, framing);
}

Result<RecordLog> RecordLog::open(const RecordLogOptions& options, const Framing& framing) {
  Result<RingFile> file = RingFile::open(options.path, options.ring_bytes);
  if (!file) return file.error();
  const auto log_on = [&](RingFile& opened) {
    MirroredMemory ring = opened.take_ring();
    return RecordLog(std::move(ring), std::make_unique<RingFile>(std::move(opened)), framing);
  };
  RecordLog log = log_on(*file);
  if (!log.resumed()) return log;
  if (log.read_file()) {
    log.log_damage(options.path);
    return log;
  }
  Result<RingFile> replaced = RingFile::replace(options.path, options.ring_bytes,
                                                "the file's records are damaged", std::move(*log.file_));
  if (!replaced) return replaced.error();
  return log_on(*replaced);
}

// Records of under 256 bytes, or with more than four ids on average, are dropped a little before the ring is
// full.
RecordLog::RecordLog(MirroredMemory ring, std::unique_ptr<RingFile> file, const Framing& framing)
    : file_(std::move(file)),
      ring_(std::move(ring)),
      entries_(ring_.size() / 256),
      slots_(entries_.size() / records_a_block),
      ids_(ring_.size() / 64),
      names_{""},
      declared_(ari::models().size()),
      stream_(resumed() ? file_->stream() : random_hex(6)),
      framing_(framing) {
  make_line(framing_.head.size());
  framing.tail.copy(tail_, max_tail_bytes);
  if (file_ && !resumed()) file_->set_stream(stream_);
}

namespace {

// Takes the first line off `text`, with its end; all of it if there is no end.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n') + 1);
  const std::string_view taken = line.empty() ? text : line;
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace

// The record's text in a complete line; "" if the line has not the framing.
std::string_view RecordLog::unframed(std::string_view line) const {
  if (line.size() < min_line_bytes() || !line.starts_with(framing_.head) || !line.ends_with(framing_.tail))
    return {};
  return line.substr(framing_.head.size(), line.size() - framing_.head.size() - framing_.tail.size());
}

// The seq of a whole line, or 0 when it can't be read.
uint64_t RecordLog::read(JsonTape& tape, std::string_view line, record::Record& record) const {
  const std::string_view text = unframed(line);
  return text.empty() ? 0 : record::read_text(tape, text, record).value_or(0);
}

size_t RecordLog::min_line_bytes() const {
  return framing_.head.size() + record::min_text_bytes + framing_.tail.size();
}

uint64_t RecordLog::most_records(size_t bytes) const {
  return std::max<uint64_t>(1, bytes / min_line_bytes());
}

// Whether `bytes` bytes that can't be read can be `count` records.
bool RecordLog::have_room(size_t bytes, uint64_t count) const {
  return bytes == 0 ? count == 0 : count >= 1 && count <= most_records(bytes);
}

// Builds the index from the file. Bytes that can't be read count as the records missing between the lines
// around them. Returns false if nothing can be read.
bool RecordLog::read_file() {
  JsonTape tape;
  record::Record record;
  end_offset_ = file_->begin();
  std::string_view rest = bytes(file_->begin(), file_->end() - file_->begin());
  first_ = next_ = whole_from_ =
      rest.empty() ? std::max<uint64_t>(1, file_->next()) : 0;  // 0: the first line decides
  std::string_view damaged = rest.substr(0, 0);
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const uint64_t seq = read(tape, line, record);
    const bool follows = seq != 0 && seq == next_ && damaged.empty();
    if (!follows && !fits(seq, damaged, rest)) {
      damaged = {damaged.data(), damaged.size() + line.size()};
      continue;
    }
    if (next_ == 0) {
      start_at(seq, damaged);
    } else if (seq != next_) {
      add_damaged(seq, damaged.size());
    }
    damaged = rest.substr(0, 0);
    const size_t ids = ids_kept(record.ids);
    make_room(line.size(), ids);
    add_entry(line.size(), record, ids);
  }
  if (next_ != 0 && !damaged.empty()) end_at_damage(damaged);
  return !stream_.empty() && next_ != 0;
}

// Whether a line that does not simply follow can be record `seq`, behind `damaged` bytes and in front of
// `rest`: the missing records have room, and one of the next lines agrees. (A line whose own number is
// damaged reads as well as any.)
bool RecordLog::fits(uint64_t seq, std::string_view damaged, std::string_view rest) const {
  if (seq == 0 || (next_ != 0 && !have_room(damaged.size(), seq - next_))) return false;
  constexpr int asked = 4;
  JsonTape tape;
  record::Record record;
  uint64_t due = seq + 1;  // of the next line, if nothing is missing
  size_t unread_bytes = 0;
  bool any = false;
  for (int i = 0; i < asked && !rest.empty(); ++i) {
    const std::string_view line = take_line(rest);
    const uint64_t other = read(tape, line, record);
    if (other == 0) {
      unread_bytes += line.size();
      continue;
    }
    if (have_room(unread_bytes, other - due)) return true;
    any = true;
    ++due;
  }
  return !any;
}

// The first readable line is record `seq`. How many records the damaged bytes in front of it were is unknown:
// each line counts as one, up to the numbers below `seq`.
void RecordLog::start_at(uint64_t seq, std::string_view damaged) {
  const auto lines = static_cast<uint64_t>(std::ranges::count(damaged, '\n'));
  const uint64_t count = std::min({lines, most_records(damaged.size()), seq - 1});
  first_ = next_ = whole_from_ = seq - count;
  if (count == 0) {
    end_offset_ += damaged.size();
  } else {
    add_damaged(seq, damaged.size());
  }
}

// No line says how many records these bytes were. If the header does not either, the largest possible number
// is skipped, so that no seq is used twice.
void RecordLog::end_at_damage(std::string_view damaged) {
  const uint64_t next = file_->next();
  const bool known = have_room(damaged.size(), next - next_);
  add_damaged(known ? next : next_ + most_records(damaged.size()), damaged.size());
}

// Adds the records from here up to `to` as damaged; the next `bytes` bytes of the ring are what is left of
// them.
void RecordLog::add_damaged(uint64_t to, size_t bytes) {
  const uint64_t from = next_;
  damaged_.push_back({from, to});
  whole_from_ = to;
  while (next_ < to) {
    make_room(bytes, 0);
    Entry& entry = next_entry(0);
    entry.type = entry.server = entry.app = 0;
    entry.ids_count = 0;
    entry.has_calls = false;
    end_offset_ += std::exchange(bytes, 0);
  }
}

void RecordLog::log_damage(const std::string& path) const {
  uint64_t count = 0;
  for (const Range& range : damaged_) count += range.to - range.from;
  if (count == 0) return;
  spdlog::warn("bus.path {}: {} records are damaged and lost, the first of them record {}", path, count,
               damaged_.front().from);
}

uint64_t RecordLog::behind_damage(uint64_t seq) const {
  const auto at = std::ranges::upper_bound(damaged_, seq, {}, &Range::to);
  return at != damaged_.end() && at->from <= seq ? at->to : seq;
}

uint64_t RecordLog::next_damage(uint64_t seq) const {
  const auto at = std::ranges::upper_bound(damaged_, seq, {}, &Range::from);
  return at == damaged_.end() ? next_ : at->from;
}

uint16_t RecordLog::number(std::string_view name, uint16_t& latest) {
  if (latest != 0 && names_[latest] == name) return latest;
  return latest = find_number(name);
}

uint16_t RecordLog::type_number(const record::Record& record) {
  if (record.declared == nullptr) return find_number(record.type);
  uint16_t& known = declared_[static_cast<size_t>(record.declared - ari::models().data())];
  if (known == 0) known = find_number(record.type);
  return known;
}

uint16_t RecordLog::find_number(std::string_view name) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  if (names_.size() >= max_names || name.size() > max_name_bytes) return 0;
  const auto made = static_cast<uint16_t>(names_.size());
  numbers_.emplace(names_.emplace_back(name), made);
  return made;
}

std::string RecordLog::line_of(const record::Record& record, uint64_t seq) const {
  std::string line(framing_.head);
  line.resize(line.size() + record::max_text_bytes(record));
  line.resize(
      static_cast<size_t>(record::write_text(record, seq, line.data() + framing_.head.size()) - line.data()));
  return line.append(framing_.tail);
}

size_t RecordLog::add_listener(std::function<void()> listener) {
  listeners_.push_back({next_listener_, std::move(listener)});
  return next_listener_++;
}

void RecordLog::remove_listener(size_t number) {
  std::erase_if(listeners_, [&](const Listener& listener) { return listener.number == number; });
}

void RecordLog::make_line(size_t bytes) {
  line_ = std::make_unique_for_overwrite<char[]>(bytes);
  line_size_ = bytes;
  framing_.head.copy(line_.get(), framing_.head.size());
}

uint64_t RecordLog::append(const record::Record& record) {
  const size_t max = framing_.head.size() + record::max_text_bytes(record) + max_tail_bytes;
  if (line_size_ < max) make_line(max);
  char* const end = record::write_text(record, next_, line_.get() + framing_.head.size());
  std::memcpy(end, tail_, max_tail_bytes);  // all of it: a fixed size costs the least
  const std::string_view line(line_.get(), end + framing_.tail.size());
  if (line.size() > max_line_bytes()) return append(too_large(record, line.size(), max_line_bytes()));
  const size_t ids = ids_kept(record.ids);
  make_room(line.size(), ids);
  std::memcpy(ring_.data() + end_offset_ % ring_.size(), line.data(), line.size());
  const Entry& added = add_entry(line.size(), record, ids);
  fetch_ahead(ring_.data() + end_offset_ % ring_.size());
  if (added.server != counted_server_ || counts_of_server_ == nullptr) count_for(added.server);
  ++counts_of_server_[added.type];
  if (file_) file_->set_end(end_offset_, next_);
  for (const Listener& listener : listeners_) listener.call();
  return next_ - 1;
}

// How many ids of a record go into the index: all of them, or none when they are too many.
size_t RecordLog::ids_kept(const record::IdSet& ids) const {
  return ids.size() > std::min(max_ids, ids_.size() / 4) ? 0 : ids.size();
}

// Drops the oldest records until one of `bytes` bytes with `ids` ids fits.
void RecordLog::make_room(size_t bytes, size_t ids) {
  const uint64_t before = first_;
  while (first_ < next_ && (end_offset_ + bytes - entry(first_).offset > ring_.size() ||
                            end_ids_ + ids - entry(first_).ids_begin > ids_.size() ||
                            next_ - first_ >= entries_.size() - records_a_block)) {
    ++first_;
  }
  if (first_ == before) return;
  whole_from_ = std::max(whole_from_, first_);
  while (!damaged_.empty() && damaged_.front().to <= first_) damaged_.pop_front();
  if (file_) file_->set_begin(first_ < next_ ? entry(first_).offset : end_offset_);
}

// The entry of the next record, whose line is the next `length` bytes of the ring.
Entry& RecordLog::next_entry(size_t length) {
  if (next_ % records_a_block == 0 || next_ == first_) slots_[next_ / records_a_block].fill(0);
  Entry& entry = entries_[next_++];
  entry.offset = end_offset_;
  entry.length = static_cast<uint32_t>(length);
  entry.ids_begin = end_ids_;
  return entry;
}

// Adds the index entry of the record whose line is the next `length` bytes of the ring. `kept` of its ids go
// into the index: see ids_kept().
const Entry& RecordLog::add_entry(size_t length, const record::Record& record, size_t kept) {
  const record::IdSet& ids = record.ids;
  auto& slots = slots_[next_ / records_a_block];
  const uint64_t bit = uint64_t{1} << next_ % records_a_block;
  Entry& entry = next_entry(length);
  entry.type = type_number(record);
  entry.server = number(record.server, server_);
  entry.app = number(record.app, app_);
  if (slot_of_.size() <= entry.type) slot_of_.resize(entry.type + 1U, no_slot);
  uint8_t& slot = slot_of_[entry.type];
  if (slot == no_slot) slot = make_slot(entry.type);
  slots[slot] |= bit;
  entry.ids_count = kept < ids.size() ? any_id : static_cast<uint16_t>(kept);
  entry.has_calls = false;
  for (size_t i = 0; i < kept; ++i) {
    const record::IdSet::Id id = ids[i];
    ids_[end_ids_++] = id.hash;
    entry.has_calls |= id.kind == record::IdKind::call;
  }
  if (kept < ids.size()) entry.has_calls = !ids.of(record::IdKind::call).empty();
  end_offset_ += length;
  return entry;
}

void RecordLog::count_for(uint16_t server) {
  if (counts_.size() <= server) counts_.resize(server + 1U);
  counts_[server].resize(max_names);
  counts_of_server_ = counts_[server].data();
  counted_server_ = server;
}

uint8_t RecordLog::make_slot(uint16_t type) {
  if (type == 0 || slot_names_.size() == type_slots - 1) return type_slots - 1;
  slot_names_.push_back(type);
  return static_cast<uint8_t>(slot_names_.size() - 1);
}

std::string_view RecordLog::lines(uint64_t from, uint64_t to) const {
  if (from >= to) return {};
  const Entry& last = entry(to - 1);
  const uint64_t begin = entry(from).offset;
  return bytes(begin, last.offset + last.length - begin);
}

uint64_t RecordLog::record_at(uint64_t from, uint64_t to, size_t bytes) const {
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
