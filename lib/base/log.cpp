#include "base/log.h"

#include <cstdlib>
#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/nearest.h"

namespace aribus {
namespace {

// %J: the syslog priority of the message as "<N>", as sd-daemon(3) defines it.
class PriorityFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    static constexpr std::string_view prefixes[] = {"<7>", "<7>", "<6>", "<4>", "<3>", "<2>", "<6>"};
    const std::string_view prefix = prefixes[static_cast<int>(message.level)];
    out.append(prefix.data(), prefix.data() + prefix.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PriorityFlag>(); }
};

}  // namespace

Result<void> start_log(std::string_view level) {
  static constexpr std::string_view names[] = {"trace", "debug", "info", "warning", "error", "off"};
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return Error{
        ErrorKind::invalid_params,
        "log level '" + std::string(level) + "' is none of " + join(names) + did_you_mean(level, names),
        {}};
  }
  auto logger = std::make_shared<spdlog::logger>("aribus", std::make_shared<spdlog::sinks::stderr_sink_st>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityFlag>('J');
  formatter->set_pattern(std::getenv("JOURNAL_STREAM") != nullptr ? "%J%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void set_log_level(std::string_view level) {
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

}  // namespace aribus
