#include "base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>

#include "base/journal_sink.h"
#include "base/nearest.h"

namespace aribus {
namespace {

spdlog::sink_ptr standard_error() {
  if (JournalSink::is_standard_error()) {
    if (auto journal = JournalSink::make()) return std::move(*journal);
  }
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  return sink;
}

}  // namespace

thread_local std::span<const LogField> LogFieldsInForce::present_;

Result<void> start_log(std::string_view level) {
  static constexpr std::string_view names[] = {"trace", "debug", "info", "warning", "error", "off"};
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return Error{
        ErrorKind::invalid_params,
        "log level '" + std::string(level) + "' is none of " + join(names) + did_you_mean(level, names),
        {}};
  }
  auto logger = std::make_shared<spdlog::logger>("aribus", standard_error());
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void set_log_level(std::string_view level) {
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

}  // namespace aribus
