// Programs that a test runs.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"
#include "tests/support/memory.h"

namespace aribus::test {

// A child process; killed and waited for at the end of its scope.
class Process {
 public:
  // Starts `argv` with `environment` ("NAME=value") added; its output goes to `output_file`, or to a pipe
  // when that is empty (then read it with read_line()).
  explicit Process(const std::vector<std::string>& argv, const std::string& output_file = {},
                   const std::vector<std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The processor's time that it has used so far. Throws when it has ended and was waited for.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The exit status (128 + n when killed by signal n); nothing when it does not end in time.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  // The next line of the output's pipe; nothing when none comes in time.
  std::optional<std::string> read_line(std::chrono::milliseconds timeout);
  // Memory that is resident now, in bytes (VmRSS).
  [[nodiscard]] size_t resident_bytes() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
  Fd output_;
  std::string buffered_;
};

// Runs `argv` to its end and returns what it printed. Throws when it fails or takes longer than `timeout`.
std::string run(const std::vector<std::string>& argv,
                std::chrono::milliseconds timeout = std::chrono::seconds(30));

// A directory that is removed at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace aribus::test
