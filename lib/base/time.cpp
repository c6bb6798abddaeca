#include "base/time.h"

#include <cstring>

namespace aribus {
namespace {

// Takes exactly `digits` decimal digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return {};
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Writes `value`, 0 to 99, in two digits.
void put(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

// Reads numbers from fixed places of a text.
class Digits {
 public:
  explicit Digits(const char* text) : text_(text) {}
  int two(size_t at) { return digit(at) * 10 + digit(at + 1); }
  int three(size_t at) { return two(at) * 10 + digit(at + 2); }
  void expect(size_t at, char c) { good_ &= text_[at] == c; }
  // All were digits, and all expected characters were there.
  [[nodiscard]] bool good() const { return good_; }

 private:
  int digit(size_t at) {
    const unsigned value = static_cast<unsigned char>(text_[at]) - '0';
    good_ &= value < 10;
    return static_cast<int>(value);
  }
  const char* text_;
  bool good_ = true;
};

// Takes "Z", "+hh:mm" or "+hhmm".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return std::chrono::minutes(0);
  const bool negative = !text.empty() && text.front() == '-';
  if (!negative && (text.empty() || text.front() != '+')) return {};
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  take(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return {};
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return negative ? -offset : offset;
}

}  // namespace

WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(WallTime time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

void append_rfc3339(std::string& out, WallTime time) {
  char text[rfc3339_size];
  write_rfc3339(text, time);
  out.append(text, sizeof text);
}

void write_rfc3339(char* at, WallTime time) {
  // Consecutive times are of one minute, nearly always.
  static thread_local WallTime written = WallTime::min();
  static thread_local char text[rfc3339_size + 1];
  const auto minute = std::chrono::floor<std::chrono::minutes>(time);
  if (minute != written) {
    const auto day = std::chrono::floor<std::chrono::days>(minute);
    const std::chrono::year_month_day date(day);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    const auto since = static_cast<unsigned>((minute - day).count());
    std::memcpy(text, "0000-00-00T00:00:00.000Z", rfc3339_size);
    put(text, year / 100);
    put(text + 2, year % 100);
    put(text + 5, static_cast<unsigned>(date.month()));
    put(text + 8, static_cast<unsigned>(date.day()));
    put(text + 11, since / 60);
    put(text + 14, since % 60);
    written = minute;
  }
  const auto since = static_cast<unsigned>((time - minute).count());
  std::memcpy(at, text, rfc3339_size);
  put(at + 17, since / 1000);
  put(at + 20, since % 1000 / 10);
  at[22] = static_cast<char>('0' + since % 10);
}

std::optional<WallTime> parse_time(std::string_view text) {
  constexpr size_t seconds_end = 19;  // "2026-11-22T21:46:17"
  if (text.size() <= seconds_end) return {};
  // Consecutive times are of one minute, nearly always.
  static thread_local char read[16] = {};  // "2026-11-22T21:46"
  static thread_local WallTime minute;
  Digits digits(text.data());
  if (std::memcmp(read, text.data(), sizeof read) != 0) {
    const int year = digits.two(0) * 100 + digits.two(2);
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(digits.two(5))),
                                           std::chrono::day(static_cast<unsigned>(digits.two(8)))};
    const int hour = digits.two(11);
    const int minutes = digits.two(14);
    digits.expect(4, '-');
    digits.expect(7, '-');
    if (text[10] != 't') digits.expect(10, 'T');
    digits.expect(13, ':');
    if (!digits.good() || !date.ok() || hour > 23 || minutes > 59) return {};
    minute = std::chrono::sys_days(date) + std::chrono::minutes(hour * 60 + minutes);
    std::memcpy(read, text.data(), sizeof read);
  }
  digits.expect(16, ':');
  const int second = digits.two(17);
  int milliseconds = 0;
  if (text[seconds_end] == '.' && text.size() > 23 && (text[23] == '+' || text[23] == 'Z')) {
    milliseconds = digits.three(20);  // as nearly always
    text.remove_prefix(23);
  } else {
    text.remove_prefix(seconds_end);
    if (take(text, '.')) {
      int places = 0;
      for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++places) {
        if (places < 3) milliseconds = milliseconds * 10 + (text.front() - '0');
      }
      if (places == 0) return {};
      for (; places < 3; ++places) milliseconds *= 10;
    }
  }
  // 60 is a leap second; it counts as the first second of the next minute.
  if (!digits.good() || second > 60) return {};
  std::chrono::minutes offset(0);
  if (text != "+0000") {
    const auto given = take_offset(text);
    if (!given || !text.empty()) return {};
    offset = *given;
  }
  const WallTime time = minute + std::chrono::milliseconds(second * 1000 + milliseconds) - offset;
  using namespace std::chrono_literals;
  constexpr std::chrono::sys_days first{std::chrono::year(0) / 1 / 2};
  constexpr std::chrono::sys_days last{9999y / 12 / 30};
  if (minute > first && minute < last) return time;
  // With its offset, a time at either end of the calendar can be outside of it.
  const std::chrono::year_month_day utc(std::chrono::floor<std::chrono::days>(time));
  if (utc.year() < std::chrono::year(0) || utc.year() > std::chrono::year(9999)) return {};
  return time;
}

std::string normalized_time(std::string_view text) {
  const auto time = parse_time(text);
  return time ? to_rfc3339(*time) : std::string(text);
}

}  // namespace aribus
