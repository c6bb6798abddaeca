// A terminal for a test, and what must not reach one.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus::test {

// Everything that a terminal obeys or that turns its text around, as it may stand in a JSON string.
inline constexpr std::string_view poison_in_json =
    R"(\u001b[2J\u001b]0;x\u0007\u009b2J)"
    "\xC2\x9B[31m\xC2\x9D"
    R"(0;x\u009c\r\nforged\b\t\u0000)"
    "\x7F"
    R"(\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff!)";

// What of `output` a terminal would obey, with its surroundings; "" when nothing. The sequences that the tool
// has for colours, the cursor and the screen may be there, and ends of lines that are its own.
inline std::string harm_in(std::string_view output) {
  constexpr std::string_view own[] = {
      "\x1b[0m", "\x1b[1m",     "\x1b[31m",    "\x1b[32m",  "\x1b[33m",  "\x1b[90m", "\x1b[K",   "\x1b[H",
      "\x1b[J",  "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h", "\x1b[?25l", "\x1b[7m",  "\x1b[?7l", "\x1b[?7h"};
  const auto found = [&](size_t at) {
    const size_t begin = at < 40 ? 0 : at - 40;
    std::string text = "at byte " + std::to_string(at) + ": ";
    for (const char c : output.substr(begin, 80)) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
      text += c >= ' ' && c < 0x7F ? std::string(1, c) : hex;
    }
    return text;
  };
  for (size_t at = 0; at < output.size();) {
    const std::string_view rest = output.substr(at);
    const auto byte = static_cast<unsigned char>(rest[0]);
    if (rest.starts_with("\nforged")) return found(at);
    if (rest.starts_with("\r\x1b[K")) {
      at += 4;
    } else if (rest.starts_with("\r\n")) {
      ++at;
    } else if (byte == 0x1B) {
      size_t length = 0;
      for (const std::string_view sequence : own)
        length = rest.starts_with(sequence) ? sequence.size() : length;
      if (length == 0) return found(at);
      at += length;
    } else if (byte < 0x80) {
      if ((byte < ' ' && byte != '\n') || byte == 0x7F) return found(at);
      ++at;
    } else {
      const size_t size = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      if (byte < 0xC2 || byte > 0xF4 || rest.size() < size) return found(at);
      uint32_t code = byte & (0x7Fu >> size);
      for (size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(rest[i]);
        if ((next & 0xC0) != 0x80) return found(at);
        code = code << 6 | (next & 0x3Fu);
      }
      const bool obeyed = code < 0xA0 || code == 0x61C || (code >= 0x200B && code <= 0x200F) ||
                          (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
                          code == 0xFEFF;
      if (obeyed) return found(at);
      at += size;
    }
  }
  return {};
}

// Standard input, output and error of this process on a terminal, until end().
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char name[64];
    if (!master_.valid() || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0 ||
        ::ptsname_r(master_.get(), name, sizeof name) != 0) {
      throw std::runtime_error("no terminal");
    }
    Fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios mode{};
    ::tcgetattr(slave.get(), &mode);
    ::cfmakeraw(&mode);  // bytes come as they were written
    ::tcsetattr(slave.get(), TCSANOW, &mode);
    flush();
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      before_[fd].reset(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
      ::dup2(slave.get(), fd);
    }
    reader_ = std::thread([this] {
      char bytes[16 * 1024];
      for (ssize_t count = 0; (count = ::read(master_.get(), bytes, sizeof bytes)) > 0;) {
        text_.append(bytes, static_cast<size_t>(count));
      }
    });
  }
  ~Terminal() { end(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // What was written.
  const std::string& end() {
    if (!reader_.joinable()) return text_;
    flush();
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(before_[fd].get(), fd);
    reader_.join();  // the other end is closed
    return text_;
  }

 private:
  static void flush() {
    std::fflush(stdout);
    std::fflush(stderr);
  }

  Fd master_;
  Fd before_[3];
  std::string text_;
  std::thread reader_;
};

}  // namespace aribus::test
