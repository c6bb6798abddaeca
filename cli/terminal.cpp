#include "cli/terminal.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace aribus::cli {

bool is_terminal() {
  return isatty(STDOUT_FILENO) != 0;
}

bool has_colour() {
  const char* none = std::getenv("NO_COLOR");
  return is_terminal() && (none == nullptr || *none == '\0');
}

std::string paint(bool colour, std::string_view text, std::string_view code) {
  if (!colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool is_c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;  // U+0080 to U+009F in UTF-8
    out += byte < ' ' || byte == 0x7F || is_c1 ? '?' : text[i];
    if (is_c1) ++i;
  }
  return out;
}

std::string duration_text(WallTime from, WallTime to) {
  const auto milliseconds = static_cast<long long>((to - from).count());
  const long long seconds = milliseconds / 1000;
  std::array<char, 48> text{};
  if (seconds < 60) {
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(milliseconds) / 1000);
  } else if (seconds < 3600) {
    std::snprintf(text.data(), text.size(), "%lld min %02lld s", seconds / 60, seconds % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld h %02lld min", seconds / 3600, seconds / 60 % 60);
  }
  return text.data();
}

std::string who_is(const JsonValue& channel) {
  const JsonValue* caller = find(channel, "caller");
  const std::string name = caller == nullptr ? "" : printable(find_string(*caller, "name"));
  const std::string number = caller == nullptr ? "" : printable(find_string(*caller, "number"));
  if (number.empty()) return printable(find_string(channel, "name"));
  return name.empty() ? number : name + " <" + number + ">";
}

std::string joined(const JsonValue& object, std::string_view name) {
  std::string out;
  const JsonValue* list = find(object, name);
  if (list == nullptr || !list->IsArray()) return out;
  for (const JsonValue& item : list->GetArray()) {
    if (item.IsString()) out += (out.empty() ? "" : ", ") + printable(as_view(item));
  }
  return out;
}

std::string fitted(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // of a character in UTF-8
    if (begins && used == columns) break;
    used += begins ? 1 : 0;
    out += c;
  }
  return out.append(columns - used, ' ');
}

}  // namespace aribus::cli
