// The daemon's log: spdlog, into systemd's journal or onto standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/result.h"

namespace aribus {

// Sends the log to standard error at `level`: trace, debug, info, warning, error or off. When systemd has
// connected standard error to its journal ($JOURNAL_STREAM, systemd.exec(5)), lines go there as entries with
// fields. Either way control characters are escaped (escape_controls); on standard error, line ends as well,
// so that each line there is one of the log.
[[nodiscard]] Result<void> start_log(std::string_view level);

// Another level from now on. Required: it is one of those.
void set_log_level(std::string_view level);

// Warnings that others can cause as often as they like: one a second, or each `pause`, is logged, and with
// the next one how many were left out.
class RareWarnings {
 public:
  using Clock = std::chrono::steady_clock;

  // `now` is for tests.
  explicit RareWarnings(std::function<Clock::time_point()> now = Clock::now,
                        Clock::duration pause = std::chrono::seconds(1))
      : now_(std::move(now)), pause_(pause) {}

  void warn(std::string_view text);

 private:
  std::function<Clock::time_point()> now_;
  Clock::duration pause_;
  std::optional<Clock::time_point> latest_;
  uint64_t left_out_ = 0;
};

// Something that a line is about: the field ARIBUS_<name> of its entry in the journal. The text says it as
// well, as standard error shows nothing else.
struct LogField {
  std::string_view name;   // of A-Z, 0-9 and _, as SERVER
  std::string_view value;  // "": there is no such field
};

// Hands the fields to the sink, beside spdlog, whose lines have none. For log_line, and for loggers of their
// own.
class LogFieldsInForce {
 public:
  explicit LogFieldsInForce(std::span<const LogField> fields) { present_ = fields; }
  ~LogFieldsInForce() { present_ = {}; }
  LogFieldsInForce(const LogFieldsInForce&) = delete;
  LogFieldsInForce& operator=(const LogFieldsInForce&) = delete;

  [[nodiscard]] static std::span<const LogField> present() { return present_; }

 private:
  static thread_local std::span<const LogField> present_;
};

// Logs one line: log_line(spdlog::level::info, {{"SERVER", server}, {"APP", app}}, "{}: …", server).
template <typename... Args>
void log_line(spdlog::level::level_enum level, std::initializer_list<LogField> fields,
              spdlog::format_string_t<Args...> format, Args&&... args) {
  const LogFieldsInForce about({fields.begin(), fields.size()});
  spdlog::log(level, format, std::forward<Args>(args)...);
}

}  // namespace aribus
