// The record log: every record of the stream, as the lines that most readers send on, in one ring of fixed
// size that all readers share.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "bus/cursor.h"
#include "bus/mirrored_memory.h"
#include "bus/ring_file.h"
#include "json/json_tape.h"
#include "record/record.h"

namespace aribus::bus {

// What is known of a record without reading its line.
struct Entry {
  uint64_t offset;     // of its line, counted from the start of the stream
  uint64_t ids_begin;  // of its id hashes, counted likewise
  uint32_t length;     // of its line, in bytes
  uint16_t type;       // RecordLog::name
  uint16_t server;     // RecordLog::name
  uint16_t app;        // RecordLog::name
  uint16_t ids_count;  // any_id: too many to keep
  bool has_calls;      // among its ids
};
inline constexpr uint16_t any_id = 0xFFFF;

struct RecordLogOptions {
  size_t ring_bytes = 64 << 20;
  std::string path = {};  // file for the ring, so that the stream survives the process; "": memory

  bool operator==(const RecordLogOptions&) const = default;
};

// What surrounds the text of each record in the ring. The front-end whose programs read the most gives it, so
// that it can send lines just as they are here. `tail` has at most 8 bytes and ends with a newline; neither
// has another one. Both outlive the log.
struct Framing {
  std::string_view head;
  std::string_view tail;
};

// The stream of records; the newest ones that fit into the ring are kept. `seq` starts at 1 and grows by one.
// The index takes up to a quarter of the ring's bytes in addition. Used on the loop's thread only.
class RecordLog {
 public:
  // Continues the stream of the file if its lines have this framing and it can be resumed. A record whose
  // line is damaged keeps its seq: see readable_from(). Errors: invalid_params if `ring_bytes` is under
  // min_ring_bytes or the file must not be used (RingFile::open()); system.
  [[nodiscard]] static Result<RecordLog> make(const RecordLogOptions& options, const Framing& framing);
  // If the file's stream could not be resumed: sets the file aside and puts the new one in its place. To be
  // called once nothing else can fail; until then the old file is unchanged. Errors: system.
  [[nodiscard]] Result<void> put_in_place() { return file_ ? file_->put_in_place() : Result<void>(); }

  static constexpr size_t min_ring_bytes = 64 * 1024;
  // A record may take this much of the ring: a larger one is replaced by one of type Malformed.
  [[nodiscard]] size_t max_line_bytes() const { return ring_.size() / 4; }

  // Appends a record, drops as many of the oldest ones as necessary, and calls the listeners. Returns its
  // seq.
  uint64_t append(const record::Record& record);
  // From now on `listener` is called after each append, on the same stack. It adds and removes none. Returns
  // the number by which it can be removed.
  size_t add_listener(std::function<void()> listener);
  void remove_listener(size_t number);

  // The seq of the oldest record kept, and of the next one to come: the log holds [first, next).
  [[nodiscard]] uint64_t first() const { return first_; }
  [[nodiscard]] uint64_t next() const { return next_; }
  [[nodiscard]] Cursor cursor() const { return {stream_, next_ - 1}; }
  [[nodiscard]] const std::string& stream() const { return stream_; }
  // Whether the stream of a file was resumed; if not, why not: "" if there was none.
  [[nodiscard]] bool resumed() const { return file_ && file_->resumed(); }
  [[nodiscard]] std::string_view not_resumed_because() const {
    return file_ ? std::string_view(file_->reason()) : std::string_view();
  }

  // The first record from `seq` on that is kept and readable, or next(). Those before it are lost.
  [[nodiscard]] uint64_t readable_from(uint64_t seq) const {
    if (seq < whole_from_) [[unlikely]]
      return behind_damage(std::max(seq, first_));
    return seq;
  }
  // Where the readable records from `seq` on end. Required: `seq` is readable.
  [[nodiscard]] uint64_t readable_until(uint64_t seq) const {
    if (seq < whole_from_) [[unlikely]]
      return next_damage(seq);
    return next_;
  }

  // Required below: first() <= seq < next(). What they return is valid until the next append. The line and
  // the text of a record that can't be read are empty.
  [[nodiscard]] const Entry& entry(uint64_t seq) const { return entries_[seq]; }
  [[nodiscard]] std::string_view line(uint64_t seq) const {
    return bytes(entry(seq).offset, entry(seq).length);
  }
  // The record alone, without the framing.
  [[nodiscard]] std::string_view record_text(uint64_t seq) const { return unframed(line(seq)); }
  // The line that `record` would have as number `seq`.
  [[nodiscard]] std::string line_of(const record::Record& record, uint64_t seq) const;
  // The lines of [from, to), one after the other.
  [[nodiscard]] std::string_view lines(uint64_t from, uint64_t to) const;
  // The first record of [from, to) that ends after the first `bytes` bytes of lines(from, to), or `to`.
  [[nodiscard]] uint64_t record_at(uint64_t from, uint64_t to, size_t bytes) const;
  // Types have slots; types that come when all others are taken share the last one.
  static constexpr size_t type_slots = 64;
  static constexpr size_t records_a_block = 64;
  [[nodiscard]] size_t slot_count() const { return slot_names_.size(); }
  // The type of a slot, except the last.
  [[nodiscard]] const std::string& slot_name(size_t slot) const { return names_[slot_names_[slot]]; }
  // The records of a block, those from block * records_a_block on, that have a type of that slot: the lowest
  // bit is the first record. Bits of dropped records mean nothing.
  [[nodiscard]] uint64_t of_slot(uint64_t block, size_t slot) const { return slots_[block][slot]; }
  [[nodiscard]] uint64_t id(const Entry& entry, size_t i) const { return ids_[entry.ids_begin + i]; }

  // The type, server or app with that number. 0: it has none, because there were too many or it is longer
  // than 256 bytes; then only the record's text has it.
  [[nodiscard]] const std::string& name(uint16_t number) const { return names_[number]; }

  // Number of records appended since this object was made, by server and type, both as numbers of name();
  // empty for servers without records.
  [[nodiscard]] const std::vector<std::vector<uint64_t>>& counts() const { return counts_; }

  [[nodiscard]] size_t ring_bytes() const { return ring_.size(); }
  [[nodiscard]] size_t used_bytes() const { return next_ == first_ ? 0 : end_offset_ - entry(first_).offset; }

 private:
  // A ring of elements. Its memory is used once they are written.
  template <typename Element>
  class Circle {
   public:
    // Room for at least `size`.
    explicit Circle(size_t size)
        : mask_(std::bit_ceil(size) - 1), elements_(std::make_unique_for_overwrite<Element[]>(mask_ + 1)) {}
    [[nodiscard]] size_t size() const { return mask_ + 1; }
    [[nodiscard]] Element& operator[](uint64_t i) { return elements_[i & mask_]; }
    [[nodiscard]] const Element& operator[](uint64_t i) const { return elements_[i & mask_]; }

   private:
    size_t mask_;
    std::unique_ptr<Element[]> elements_;
  };

  RecordLog(MirroredMemory ring, std::unique_ptr<RingFile> file, const Framing& framing);
  [[nodiscard]] static Result<RecordLog> open(const RecordLogOptions& options, const Framing& framing);
  [[nodiscard]] bool read_file();
  [[nodiscard]] uint64_t read(JsonTape& tape, std::string_view line, record::Record& record) const;
  [[nodiscard]] std::string_view unframed(std::string_view line) const;
  [[nodiscard]] size_t min_line_bytes() const;
  [[nodiscard]] uint64_t most_records(size_t bytes) const;
  [[nodiscard]] bool have_room(size_t bytes, uint64_t count) const;
  [[nodiscard]] bool fits(uint64_t seq, std::string_view damaged, std::string_view rest) const;
  void start_at(uint64_t seq, std::string_view damaged);
  void end_at_damage(std::string_view damaged);
  void add_damaged(uint64_t to, size_t bytes);
  void log_damage(const std::string& path) const;
  [[nodiscard]] uint64_t behind_damage(uint64_t seq) const;
  [[nodiscard]] uint64_t next_damage(uint64_t seq) const;
  void make_room(size_t bytes, size_t ids);
  void make_line(size_t bytes);
  Entry& next_entry(size_t length);
  const Entry& add_entry(size_t length, const record::Record& record, size_t kept);
  [[nodiscard]] size_t ids_kept(const record::IdSet& ids) const;
  uint16_t number(std::string_view name, uint16_t& latest);
  uint16_t find_number(std::string_view name);
  uint16_t type_number(const record::Record& record);
  [[nodiscard]] uint8_t make_slot(uint16_t type);
  void count_for(uint16_t server);
  [[nodiscard]] std::string_view bytes(uint64_t offset, size_t length) const {
    return {ring_.data() + offset % ring_.size(), length};
  }

  struct Range {
    uint64_t from;  // records [from, to)
    uint64_t to;
  };

  std::unique_ptr<RingFile> file_;  // nullptr: memory
  MirroredMemory ring_;
  Circle<Entry> entries_;
  Circle<std::array<uint64_t, type_slots>> slots_;  // of 64 records each
  Circle<uint64_t> ids_;
  std::deque<std::string> names_;
  uint16_t server_ = 0;               // the latest one: nearly always the next one, too
  uint16_t app_ = 0;                  // likewise
  std::vector<uint16_t> declared_;    // the number of each declared type, 0 for none yet
  std::vector<uint8_t> slot_of_;      // by the type's number; 0xFF: none yet
  std::vector<uint16_t> slot_names_;  // the types' numbers, by slot
  std::unordered_map<std::string_view, uint16_t, TextHash> numbers_;
  std::vector<std::vector<uint64_t>> counts_;
  uint64_t* counts_of_server_ = nullptr;  // of counted_server_, the latest one; by type
  uint16_t counted_server_ = 0;
  std::string stream_;
  uint64_t first_ = 1;
  uint64_t next_ = 1;
  std::deque<Range> damaged_;  // records whose lines can't be read
  uint64_t whole_from_ = 1;    // from here on all records are kept and readable
  uint64_t end_offset_ = 0;
  uint64_t end_ids_ = 0;
  struct Listener {
    size_t number;
    std::function<void()> call;
  };

  std::vector<Listener> listeners_;
  size_t next_listener_ = 1;
  static constexpr size_t max_tail_bytes = 8;

  Framing framing_;
  char tail_[max_tail_bytes] = {};  // of the framing
  // Room for the line being appended; the framing's head is always in it. It is not filled with zeros, as a vector is:
  // there may be room for much more than is needed.
  std::unique_ptr<char[]> line_;
  size_t line_size_ = 0;
};

}  // namespace aribus::bus
