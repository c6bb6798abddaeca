#include "cli/doctor/report.h"

#include "cli/terminal.h"

namespace aribus::cli {

void Report::title(const std::string& text) {
  out().line(Text(text, Style::bold));
  out().flush();
}

void Report::doing(const std::string& text) {
  out().passing("  …      " + text);
}

void Report::good(const std::string& what) {
  line("ok", Style::green, {what, ""});
}

void Report::note(const Finding& finding) {
  line("note", Style::yellow, finding);
}

void Report::wrong(const Finding& finding) {
  ++wrong_;
  line("wrong", Style::red, finding);
}

void Report::line(const char* verdict, Style style, const Finding& finding) {
  out().line("  " + Text(fitted(verdict, 5), style) + "  " + finding.what);
  if (!finding.cure.empty()) out().line("         " + finding.cure);
  out().flush();
}

}  // namespace aribus::cli
