// The files of `aribus record`: a record a line, as JSON. Between them are the tool's own, of the types
// record.subscribed (with a cursor), record.disconnected and record.lost: they say what is missing, and where
// in which stream the file ends.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/time.h"
#include "client/item.h"
#include "json/json.h"

namespace aribus::cli {

// The next line, without its end; false when there is none, or the file can't be read: then it is bad(). One
// that is longer than the tool takes is cut, and so is no record.
[[nodiscard]] bool read_line(std::istream& file, std::string& line);

// The client's item for a record of the tool's own; nothing for other records.
[[nodiscard]] std::optional<client::Item> recorded_item(const JsonValue& record);

class Recording {
 public:
  enum class Mode { fresh, append, overwrite };

  // Opens the file, or makes it, for its owner alone: there are numbers and digits of callers in it.
  // Something that is no regular file, as a pipe, is only written to. With `append`, a last line that was cut
  // off is removed. Errors: internal, with cause and cure: it can't be opened; it is not empty, and `mode` is
  // `fresh`; it is no recording; another process writes to it.
  [[nodiscard]] static Result<Recording> open(const std::string& path, Mode mode);

  // The place in the stream after the last record, "" when the file does not say.
  [[nodiscard]] std::string cursor() const;
  // How many bytes of a cut line were removed.
  [[nodiscard]] size_t removed_bytes() const { return removed_bytes_; }
  // How many records were added.
  [[nodiscard]] uint64_t count() const { return count_; }

  // Adds a record, or one of the client's own items, that came at `now`.
  // Errors: as flush().
  [[nodiscard]] Result<void> add(const client::Item& item, WallTime now);
  // Writes what was added. Errors: internal, with the file's name; whole records are in the file then.
  [[nodiscard]] Result<void> flush();

 private:
  Recording(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  // Finds the end of the earlier recording.
  [[nodiscard]] Result<void> read_through(size_t size);

  std::string path_;
  Fd file_;
  bool is_regular_ = false;
  size_t size_ = 0;  // of the file
  size_t removed_bytes_ = 0;
  std::string stream_;  // of the records; "": not known
  uint64_t seq_ = 0;    // of the last one
  uint64_t count_ = 0;
  std::string unwritten_;
};

}  // namespace aribus::cli
