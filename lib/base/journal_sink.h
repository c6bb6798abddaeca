// Writes the log into systemd's journal, as entries with fields.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include "base/fd.h"
#include "base/result.h"

namespace aribus {

// The text of an entry's field, as https://systemd.io/JOURNAL_NATIVE_PROTOCOL has it.
void append_journal_field(std::string& entry, std::string_view name, std::string_view value);

// Sends each line as one datagram with the fields of log_line(). Unlike sd_journal_send(3) it never waits:
// lines for which the journal has no room are counted, and the next one that it takes follows a line with
// their number. Belongs to one thread.
class JournalSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // Whether standard error is connected to the journal.
  [[nodiscard]] static bool is_standard_error();

  // Errors: system when nobody listens at `path`.
  [[nodiscard]] static Result<std::shared_ptr<JournalSink>> make(
      const std::string& path = "/run/systemd/journal/socket");

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  explicit JournalSink(Fd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] bool send(const std::string& entry) const;

  Fd socket_;
  uint64_t lost_ = 0;
};

}  // namespace aribus
