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

// The names of the log's levels.
inline constexpr std::string_view log_levels[] = {"trace", "debug", "info", "warning", "error", "off"};

// Sends the log to standard error at `level`, one of log_levels. When systemd has connected standard error to
// its journal ($JOURNAL_STREAM, systemd.exec(5)), lines become entries with fields. Control characters are
// escaped (escape_controls); on standard error, line ends as well, so that each line there is one entry.
[[nodiscard]] Result<void> start_log(std::string_view level);

// Changes the level. Required: it is one of log_levels.
void set_log_level(std::string_view level);

// Warnings that others can cause at any rate: one per second, or per `pause`, is logged, and the next one
// says how many were left out.
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

// What a line is about: the field ARIBUS_<name> of its entry in the journal. The text says it as well,
// because standard error shows only the text.
struct LogField {
  std::string_view name;   // of A-Z, 0-9 and _, as SERVER
  std::string_view value;  // "": the field is left out
};

// Passes fields to the sink beside spdlog, whose lines have none. For log_line and for separate loggers.
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
