#include "base/journal_sink.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"

namespace aribus {
namespace {

// The fields that every entry has.
std::string entry_of(char priority, std::string_view text) {
  std::string entry;
  append_journal_field(entry, "MESSAGE", text);
  append_journal_field(entry, "PRIORITY", {&priority, 1});
  append_journal_field(entry, "SYSLOG_IDENTIFIER", "aribusd");
  return entry;
}

}  // namespace

void append_journal_field(std::string& entry, std::string_view name, std::string_view value) {
  entry += name;
  if (value.find('\n') == std::string_view::npos) {
    entry += '=';
  } else {  // the form for values with line ends: the length as 64 bits, little-endian
    entry += '\n';
    for (int shift = 0; shift < 64; shift += 8) entry += static_cast<char>(value.size() >> shift & 0xff);
  }
  entry += value;
  entry += '\n';
}

bool JournalSink::is_standard_error() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
}

Result<std::shared_ptr<JournalSink>> JournalSink::make(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid() ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error("the journal's socket " + path);
  }
  return std::shared_ptr<JournalSink>(new JournalSink(std::move(socket)));
}

void JournalSink::sink_it_(const spdlog::details::log_msg& message) {
  static constexpr std::string_view priorities = "7764326";  // by the level
  // journalctl leaves out a text with control characters, or with -o cat shows them as they are.
  const std::string text = escape_controls({message.payload.data(), message.payload.size()}, "\n");
  std::string entry = entry_of(priorities[static_cast<size_t>(message.level)], text);
  for (const LogField& field : LogFieldsInForce::present()) {
    if (field.value.empty()) continue;
    entry += "ARIBUS_";
    append_journal_field(entry, field.name, field.value);
  }
  if (lost_ > 0) {
    if (!send(entry_of('4', std::to_string(lost_) + " lines of the log are lost: the journal took no more")))
      return void(++lost_);
    lost_ = 0;
  }
  if (!send(entry)) ++lost_;
}

bool JournalSink::send(const std::string& entry) const {
  return ::send(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL) >= 0;
}

}  // namespace aribus
