#include "cli/doctor/report.h"

#include <cstdio>

#include "cli/terminal.h"

namespace aribus::cli {

Report::Report() : terminal_(is_terminal()), colour_(has_colour()) {}

void Report::title(const std::string& text) {
  clear();
  std::printf("%s\n", paint(colour_, text, bold).c_str());
  std::fflush(stdout);
}

void Report::doing(const std::string& text) {
  if (!terminal_) return;
  clear();
  std::printf("  …      %s", text.c_str());
  std::fflush(stdout);
  doing_ = true;
}

void Report::good(const std::string& what) {
  line("ok", green.data(), {what, ""});
}

void Report::note(const Finding& finding) {
  line("note", yellow.data(), finding);
}

void Report::wrong(const Finding& finding) {
  ++wrong_;
  line("wrong", red.data(), finding);
}

void Report::line(const char* verdict, const char* colour, const Finding& finding) {
  clear();
  std::printf("  %s  %s\n", paint(colour_, fitted(verdict, 5), colour).c_str(), finding.what.c_str());
  if (!finding.cure.empty()) std::printf("         %s\n", finding.cure.c_str());
  std::fflush(stdout);
}

void Report::clear() {
  if (doing_) std::printf("\r\x1b[K");
  doing_ = false;
}

}  // namespace aribus::cli
