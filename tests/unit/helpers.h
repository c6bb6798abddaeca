// What several unit tests need: a bounded turn of the loop, temporary files, JSON and records in one line.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

#include "bus/record_log.h"
#include "json/json.h"
#include "net/loop.h"
#include "protocol/rpc.h"
#include "record/event_reader.h"
#include "record/record_text.h"
#include "tests/support/memory.h"

namespace aribus::test {

// Turns `loop` until `done()`, but not for longer than `limit`, which a busy machine does not exceed. Returns
// whether it was done.
inline bool pump(Loop& loop, const std::function<bool()>& done, Milliseconds limit = Milliseconds(30'000)) {
  bool expired = false;
  Timer timer(loop);
  timer.once(limit, [&] { expired = true; });
  while (!done() && !expired) {
    // What is due now: UV_RUN_ONCE would wait for more after it.
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    if (!done() && !expired) uv_run(loop.raw(), UV_RUN_ONCE);
  }
  return done();
}

// Turns `loop` for `time`: for what must not happen, and for nothing else.
inline void pump_for(Loop& loop, Milliseconds time) {
  pump(
      loop, [] { return false; }, time);
}

// `text` parsed; throws when it is no JSON.
inline Json json(std::string_view text) {
  Result<Json> parsed = parse_json(text);
  if (!parsed) throw std::runtime_error(parsed.error().message + ": " + std::string(text));
  return std::move(*parsed);
}

// Memory of this process that is resident now.
inline size_t resident_bytes() {
  size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A directory that is removed with all that is in it.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "aribus-unit-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file that only its owner may read, and returns its path.
  [[nodiscard]] std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name)) << text;
    std::filesystem::permissions(path(name), std::filesystem::perms(0600));
    return path(name);
  }

 private:
  std::string path_;
};

// The record of one message.
inline record::Record read_event(std::string_view text, size_t total_bytes, std::string_view server,
                                 WallTime received) {
  record::Record record;
  record::EventReader([&] { return received; }).read(text, total_bytes, server, record);
  return record;
}

// The record's text.
inline std::string record_text(const record::Record& record, uint64_t seq) {
  std::string text(record::max_text_bytes(record), '\0');
  text.resize(static_cast<size_t>(record::write_text(record, seq, text.data()) - text.data()));
  return text;
}

// What surrounds it in the daemon's log, and the whole line.
inline constexpr bus::Framing framing{rpc::event_head, rpc::event_tail};
inline std::string to_line(const record::Record& record, uint64_t seq) {
  return std::string(framing.head) + record_text(record, seq) + std::string(framing.tail);
}

// A record of type `type`, as the daemon would make it of an event.
inline record::Record record_of(const std::string& type, const std::string& server = "pbx1",
                                const std::string& app = "demo") {
  record::Record record;
  record.time = WallTime(Milliseconds(1'795'000'000'000));
  record.server = server;
  record.app = app;
  record.type = type;
  return record;
}

// A record whose line has about `bytes` bytes more than it needs.
inline record::Record padded_record(size_t bytes, const std::string& type = "Padded") {
  record::Record record = record_of(type);
  record.fields = R"(,"padding":")" + std::string(bytes, 'x') + '"';
  return record;
}

}  // namespace aribus::test
