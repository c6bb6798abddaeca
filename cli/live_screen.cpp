#include "cli/live_screen.h"

#include <algorithm>
#include <csignal>

#include <poll.h>
#include <unistd.h>

#include "cli/output.h"

namespace aribus::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds rest_of_key{50};  // the rest of an escape sequence comes sooner

volatile std::sig_atomic_t stop_wanted = 0;
volatile std::sig_atomic_t end_wanted = 0;

void on_signal(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

LiveScreen::LiveScreen() {
  on_signal(SIGWINCH, [](int) {});  // wait() ends, and the screen is redrawn
  for (const int number : {SIGHUP, SIGQUIT}) on_signal(number, [](int) { end_wanted = 1; });
  open();
}

void LiveScreen::open() {
  on_signal(SIGTSTP, [](int) { stop_wanted = 1; });
  has_keys_ = ::isatty(STDIN_FILENO) != 0 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
  if (has_keys_) {
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
  }
  out().open_screen();
  open_ = true;
}

void LiveScreen::close() {
  if (!open_) return;
  open_ = false;
  out().close_screen();
  if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  on_signal(SIGTSTP, SIG_DFL);
}

bool LiveScreen::is_over() const {
  return gone_ || end_wanted != 0;
}

void LiveScreen::stop_process() {
  stop_wanted = 0;
  close();
  ::raise(SIGTSTP);  // returns when the process continues
  open();
}

std::vector<Key> LiveScreen::wait(int fd, milliseconds timeout) {
  if (keys_.is_waiting()) timeout = std::min(timeout, rest_of_key);
  pollfd both[2] = {{has_keys_ && !gone_ ? STDIN_FILENO : -1, POLLIN, 0}, {fd, POLLIN, 0}};
  const int ready = ::poll(both, 2, static_cast<int>(timeout.count()));
  if (stop_wanted != 0) stop_process();
  if (ready < 0) return {};
  if (both[0].revents == 0) return ready == 0 ? keys_.give_up_waiting() : std::vector<Key>{};
  char bytes[4096];
  const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
  if (count <= 0) {
    gone_ = true;
    return {};
  }
  return keys_.read({bytes, static_cast<size_t>(count)});
}

}  // namespace aribus::cli
