// The file of the ring, with which the stream survives the process.
//
// Format, in native byte order: one page of header, then ring_bytes of ring.
//
//   offset  size
//        0     8  magic, "aribuslg"
//        8     4  version, 1
//       12     4  closed: 1 when the file was closed properly
//       16     8  ring_bytes
//       24    64  boot: the id of the machine's boot (/proc/sys/kernel/random/boot_id)
//       88    32  stream: the name of the stream
//      128     8  begin: where the kept lines begin, in bytes since the stream's start
//      136     8  end: where they end, likewise
//      144     8  next: the number of the record that will be written at `end`; 0 in files of 0.1.0
//
// The byte at the stream's offset n is in the ring at n modulo ring_bytes. Between `begin` and `end` there
// are whole lines only.
//
// Order of writes. A new file gets its magic last: without it there is no log. Appending a line does
//
//   1. begin := the first line that the new one does not overwrite
//   2. the bytes of the line
//   3. end := behind it
//   4. next := its number + 1
//
// Each place is one aligned word, and the fences keep this order, so a process that is killed between any two
// instructions leaves complete lines: after 1 some lines fewer, after 2 a line that does not count yet. After
// 3 `next` may be one too low; the last line has the right number. The kernel keeps the pages of a killed
// process. When the machine goes down, its pages reach the disk in any order: a file that was not closed
// properly and is from another boot is therefore set aside, not resumed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "bus/mirrored_memory.h"

namespace aribus::bus {

// Owns the file and its mapping; belongs to a RecordLog.
class RingFile {
 public:
  // Opens or creates `path` with mode 0600; a file that others could read gets that mode, with a warning. If
  // the file can't be resumed, or others could write to it, a new one is made as "<path>.new", for
  // put_in_place(). Errors: system; invalid_params if another process uses it, or it is a symbolic link, no
  // regular file or another user's.
  [[nodiscard]] static Result<RingFile> open(const std::string& path, size_t ring_bytes);
  // Makes a new file to replace `before`, the open file at `path`, because of `reason`. Errors: system.
  [[nodiscard]] static Result<RingFile> replace(const std::string& path, size_t ring_bytes,
                                                const std::string& reason, RingFile before);
  // Puts a new file in place: the old file becomes "<path>.old", replacing an earlier one, and the new file
  // becomes `path`. Does nothing if there is no new file. Errors: system; `path` is then unchanged.
  [[nodiscard]] Result<void> put_in_place();
  // Closes the file properly. A new file that was not put in place is removed.
  ~RingFile();
  RingFile(RingFile&&) = default;
  RingFile& operator=(RingFile&&) = delete;

  // Whether it has a stream to resume; if not, why an older file was not resumed, or "".
  [[nodiscard]] bool resumed() const { return resumed_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // The ring. Called once.
  [[nodiscard]] MirroredMemory take_ring() { return std::move(*std::exchange(ring_, nullptr)); }
  [[nodiscard]] std::string stream() const;
  void set_stream(const std::string& stream);
  // Where the kept lines begin and end, in bytes since the stream's start.
  [[nodiscard]] uint64_t begin() const;
  [[nodiscard]] uint64_t end() const;
  void set_begin(uint64_t offset);
  // `next` is the number of the record that will be written there.
  void set_end(uint64_t offset, uint64_t next);
  // That number, for a file without lines. 0: unknown. It may be one too low after the process was killed.
  [[nodiscard]] uint64_t next() const;

 private:
  struct Header;
  struct Unmap {
    void operator()(Header* header) const;
  };

  RingFile() = default;
  [[nodiscard]] Result<void> map(const std::string& path, size_t ring_bytes);

  Fd file_;
  std::string path_;                  // of a new file that is not in place: its final path
  std::unique_ptr<RingFile> before_;  // the file at that path, kept open so that it stays locked
  std::unique_ptr<Header, Unmap> header_;
  std::unique_ptr<MirroredMemory> ring_;
  bool resumed_ = false;
  std::string reason_;
};

}  // namespace aribus::bus
