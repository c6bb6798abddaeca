#include "cli/recording.h"

#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/numbers.h"
#include "cli/arguments.h"
#include "cli/output.h"

namespace aribus::cli {
namespace {

constexpr std::string_view record_start = R"({"seq":)";
constexpr std::string_view own_prefix = "record.";
constexpr std::string_view own_subscribed = R"("type":"record.subscribed")";
constexpr size_t written_at_once = size_t{1} << 20;

Error wrong(std::string message) {
  return Error{ErrorKind::internal, std::move(message), {}};
}

// The `seq` at the beginning of a line; nothing when it is no record.
std::optional<uint64_t> seq_of(std::string_view line) {
  if (!line.starts_with(record_start) || !line.ends_with('}')) return {};
  const std::string_view rest = line.substr(record_start.size());
  return whole_number<uint64_t>(rest.substr(0, rest.find(',')));
}

// Takes a cursor apart. Nothing when it is none.
std::optional<std::pair<std::string, uint64_t>> place_of(std::string_view cursor) {
  const size_t colon = cursor.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto seq = whole_number<uint64_t>(cursor.substr(colon + 1));
  if (!seq) return {};
  return std::pair(std::string(cursor.substr(0, colon)), *seq);
}

}  // namespace

bool read_line(std::istream& file, std::string& line) try {
  line.clear();
  for (int c = 0;
       line.size() <= max_line_bytes && (c = file.rdbuf()->sbumpc()) != std::char_traits<char>::eof();) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return !line.empty();
} catch (const std::ios_base::failure&) {  // of a folder, or of a disk that can't be read
  file.setstate(std::ios_base::badbit);
  return false;
}

std::optional<client::Item> recorded_item(const JsonValue& record) {
  const std::string_view type = find_string(record, "type");
  if (!type.starts_with(own_prefix)) return {};
  return client::Item{std::string(type.substr(own_prefix.size())), copy_of(record)};
}

Result<Recording> Recording::open(const std::string& path, Mode mode) {
  const int access = mode == Mode::append ? O_RDWR : O_WRONLY;
  Recording made(path, Fd(::open(path.c_str(), access | O_CREAT | O_CLOEXEC, 0600)));
  struct stat info {};
  if (!made.file_.valid() || ::fstat(made.file_.get(), &info) != 0) return file_error(path);
  made.is_regular_ = S_ISREG(info.st_mode);
  if (!made.is_regular_) return made;
  if (::flock(made.file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return wrong(path + ": another process records to this file");
  const auto size = static_cast<size_t>(info.st_size);
  if (mode == Mode::fresh && size > 0) {
    return wrong(
        path +
        ": the file is there already: --append continues it after its last record, --force overwrites it");
  }
  if (mode == Mode::append) {
    if (auto read = made.read_through(size); !read) return read.error();
  }
  if (::ftruncate(made.file_.get(), static_cast<off_t>(made.size_)) != 0) return file_error(path);
  ::lseek(made.file_.get(), 0, SEEK_END);
  return made;
}

Result<void> Recording::read_through(size_t size) {
  std::ifstream file(path_, std::ios::binary);
  size_t number = 0;
  for (std::string line; size_ < size && read_line(file, line);) {
    ++number;
    const bool is_cut = size_ + line.size() >= size;  // its end is missing
    if (is_cut && (number > 1 || line.starts_with(record_start))) break;
    const auto seq = seq_of(line);
    if (is_cut || !seq) {
      return wrong(path_ + ":" + std::to_string(number) +
                   ": no record, as 'aribus record' writes them: nothing is appended to such a file");
    }
    seq_ = *seq;
    if (line.find(own_subscribed) != std::string::npos) {
      const Result<Json> parsed = parse_own_json(line);
      const auto place = parsed && find_string(*parsed, "type") == "record.subscribed"
                             ? place_of(find_string(*parsed, "cursor"))
                             : std::nullopt;
      if (place) stream_ = place->first;
    }
    size_ += line.size() + 1;
  }
  if (file.bad()) return wrong(path_ + ": it can't be read");
  removed_bytes_ = size - size_;
  return {};
}

std::string Recording::cursor() const {
  return stream_.empty() ? "" : stream_ + ":" + std::to_string(seq_);
}

Result<void> Recording::add(const client::Item& item, WallTime now) {
  const JsonValue* seq = find(item.fields, item.type == "lost" ? "to" : "seq");
  if (seq != nullptr && seq->IsUint64()) seq_ = seq->GetUint64();
  if (const auto place = place_of(find_string(item.fields, "cursor")); item.type == "subscribed" && place) {
    stream_ = place->first;
    seq_ = place->second;
  }
  if (item.type != "subscribed" && item.type != "disconnected" && item.type != "lost") {
    ++count_;
    unwritten_ += harmless_json(to_text(item.fields)) + "\n";
  } else {
    unwritten_ += harmless_json(render([&](JsonWriter& writer) {
                    writer.StartObject();
                    write_key(writer, "seq");
                    writer.Uint64(seq_);
                    write_member(writer, "time", to_rfc3339(now));
                    write_member(writer, "type", std::string(own_prefix) + item.type);
                    for (const auto& member : item.fields.GetObject()) {
                      if (as_view(member.name) == "type") continue;
                      write_key(writer, as_view(member.name));
                      member.value.Accept(writer);
                    }
                    writer.EndObject();
                  })) +
                  "\n";
  }
  return unwritten_.size() < written_at_once ? Result<void>() : flush();
}

Result<void> Recording::flush() {
  size_t written = 0;
  while (written < unwritten_.size()) {
    const ssize_t count = ::write(file_.get(), unwritten_.data() + written, unwritten_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  if (written == unwritten_.size()) {
    size_ += written;
    unwritten_.clear();
    return {};
  }
  const Error error = file_error(path_ + ": writing failed");
  // Of the last record a part may have been written.
  const size_t whole = written == 0 ? 0 : unwritten_.rfind('\n', written - 1) + 1;  // 0 when there is none
  size_ += whole;
  if (is_regular_) static_cast<void>(::ftruncate(file_.get(), static_cast<off_t>(size_)));
  unwritten_.clear();
  return error;
}

}  // namespace aribus::cli
