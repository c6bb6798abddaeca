// A program on a terminal of its own, with somebody who looks and types.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus::test {

// Killed and waited for at the end of its scope.
class OnTerminal {
 public:
  OnTerminal(std::vector<std::string> argv, unsigned short rows, unsigned short columns) {
    winsize size{rows, columns, 0, 0};
    int master = -1;
    pid_ = ::forkpty(&master, nullptr, nullptr, &size);
    if (pid_ < 0) throw std::runtime_error("no terminal");
    if (pid_ == 0) {
      std::vector<char*> words;
      for (std::string& word : argv) words.push_back(word.data());
      words.push_back(nullptr);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    master_.reset(master);
  }
  ~OnTerminal() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  void type(std::string_view keys) {
    if (::write(master_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
      throw std::runtime_error("typing failed");
  }
  void resize(unsigned short rows, unsigned short columns) {
    const winsize size{rows, columns, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
  }
  void signal(int number) const { ::kill(pid_, number); }

  // Waits until `text` is written, behind where what was waited for before ended; false when it does not come
  // within 20 s.
  [[nodiscard]] bool shows(std::string_view text) {
    while (true) {
      if (const size_t at = written_.find(text, looked_); at != std::string::npos) {
        looked_ = at + text.size();
        return true;
      }
      if (!read()) return false;
    }
  }
  // All that was written so far.
  [[nodiscard]] const std::string& written() const { return written_; }
  // Lines are edited and echoed, as shells leave it.
  [[nodiscard]] bool is_as_it_was() const {
    termios mode{};
    return ::tcgetattr(master_.get(), &mode) == 0 && (mode.c_lflag & ICANON) != 0 &&
           (mode.c_lflag & ECHO) != 0;
  }
  // Reads to the end of the program, and returns its exit status (128 + n when killed by signal n).
  [[nodiscard]] int wait() {
    while (read()) continue;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  // False at the program's end, or when nothing came for 20 s.
  bool read() {
    pollfd one{master_.get(), POLLIN, 0};
    if (::poll(&one, 1, 20'000) <= 0) return false;
    char bytes[16 * 1024];
    const ssize_t count = ::read(master_.get(), bytes, sizeof bytes);
    if (count > 0) written_.append(bytes, static_cast<size_t>(count));
    return count > 0;
  }

  pid_t pid_ = -1;
  Fd master_;
  std::string written_;
  size_t looked_ = 0;
};

}  // namespace aribus::test
