#include "base/log.h"

#include <memory>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/journal_sink.h"
#include "base/suggest.h"
#include "base/utf8.h"

namespace aribus {
namespace {

// The text of an entry as one line, whatever characters it has: %* in a pattern.
class OneLine : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
    const std::string text = escape_controls({message.payload.data(), message.payload.size()});
    to.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneLine>();
  }
};

spdlog::sink_ptr standard_error() {
  if (JournalSink::is_standard_error()) {
    if (auto journal = JournalSink::make()) return std::move(*journal);
  }
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<OneLine>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %*");
  sink->set_formatter(std::move(formatter));
  return sink;
}

}  // namespace

thread_local std::span<const LogField> LogFieldsInForce::present_;

Result<void> start_log(std::string_view level) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return Error{ErrorKind::invalid_params,
                 "log level '" + std::string(level) + "' is none of " + join(log_levels) +
                     did_you_mean(level, log_levels),
                 {}};
  }
  auto logger = std::make_shared<spdlog::logger>("aribus", standard_error());
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void RareWarnings::warn(std::string_view text) {
  const auto now = now_();
  if (latest_ && now - *latest_ < pause_) {
    ++left_out_;
    return;
  }
  latest_ = now;
  const uint64_t left_out = std::exchange(left_out_, 0);
  left_out == 0 ? spdlog::warn("{}", text) : spdlog::warn("{} ({} more since the last one)", text, left_out);
}

void set_log_level(std::string_view level) {
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

}  // namespace aribus
