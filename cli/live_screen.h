// A terminal that is a screen with keys for a while.
#pragma once

#include <chrono>
#include <vector>

#include <termios.h>

#include "cli/keys.h"

namespace aribus::cli {

// Opens the screen of standard output, and has keys come from standard input as they are pressed, until
// close() or the end of its life: then the terminal is as it was. Without a terminal at standard input there
// are no keys.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen() { close(); }
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  void close();

  // Waits until keys come, `fd` (-1: none) is readable, a signal comes (as when the terminal has another
  // size), or the time is over. Returns the keys. Stops the process where Ctrl-Z asked for it.
  [[nodiscard]] std::vector<Key> wait(int fd, std::chrono::milliseconds timeout);
  // The terminal has gone, or SIGHUP or SIGQUIT (Ctrl-\\) has asked for the end.
  [[nodiscard]] bool is_over() const;

 private:
  void open();
  void stop_process();

  bool open_ = false, has_keys_ = false, gone_ = false;
  termios before_{};
  KeyReader keys_;
};

}  // namespace aribus::cli
