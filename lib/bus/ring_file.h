// A file that the ring lies in, so that the stream outlives the process.
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

// Layout: a header of one page, then the ring. The header says where in the stream the kept records begin and
// end, in bytes; what lies there are whole lines. Both places are single words, each written when what it
// promises holds: the beginning moves before bytes are overwritten, the end when a line is complete. A
// process that dies between any two instructions therefore leaves a file that holds whole lines only.
//
// A machine that goes down is another matter: its pages reach the disk in any order. Such a file (not closed,
// and of another boot) is not resumed.
class RingFile {
 public:
  // Opens `path` or makes it, with mode 0600: a file that others could read gets that mode, with a warning.
  // For a file that can't be resumed, or that others could write to, a new one is made, as "<path>.new": it
  // has to be put_in_place(). Errors: system, invalid_params (another process uses it; it is a symbolic link,
  // no regular file, or another user's).
  [[nodiscard]] static Result<RingFile> open(const std::string& path, size_t ring_bytes);
  // Makes a new one instead of `before`, the open file at `path`, because of `reason`. Errors: system.
  [[nodiscard]] static Result<RingFile> open_afresh(const std::string& path, size_t ring_bytes,
                                                    const std::string& reason, RingFile before);
  // Of a new file: the one before it becomes "<path>.old" - in place of an earlier one - and it becomes
  // `path`. Else nothing happens. Errors: system; then `path` is what it was.
  [[nodiscard]] Result<void> put_in_place();
  // Closes it properly. A new file that was not put in place is removed.
  ~RingFile();
  RingFile(RingFile&&) = default;
  RingFile& operator=(RingFile&&) = delete;

  // Whether it holds a stream; if not, why that of an older file was not resumed, or "".
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
  // `next` is the number of the record that will come there.
  void set_end(uint64_t offset, uint64_t next);
  // That number: for when the last line can't tell. 0: it is not known. A process that was killed may have
  // left the one before.
  [[nodiscard]] uint64_t next() const;

 private:
  struct Header;
  struct Unmap {
    void operator()(Header* header) const;
  };

  RingFile() = default;
  [[nodiscard]] Result<void> map(const std::string& path, size_t ring_bytes);

  Fd file_;
  std::string path_;                  // of a new file that is not in its place: that place
  std::unique_ptr<RingFile> before_;  // what lies there, which other processes are kept away from
  std::unique_ptr<Header, Unmap> header_;
  std::unique_ptr<MirroredMemory> ring_;
  bool resumed_ = false;
  std::string reason_;
};

}  // namespace aribus::bus
