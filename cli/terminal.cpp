#include "cli/terminal.h"

#include <array>
#include <cstdio>

#include "cli/output.h"

namespace aribus::cli {

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
  const std::string name = caller == nullptr ? "" : std::string(find_string(*caller, "name"));
  const std::string number = caller == nullptr ? "" : std::string(find_string(*caller, "number"));
  if (number.empty()) return std::string(find_string(channel, "name"));
  return name.empty() ? number : name + " <" + number + ">";
}

std::string joined(const JsonValue& object, std::string_view name) {
  std::string out;
  const JsonValue* list = find(object, name);
  if (list == nullptr || !list->IsArray()) return out;
  for (const JsonValue& item : list->GetArray()) {
    if (item.IsString()) out += (out.empty() ? "" : ", ") + std::string(as_view(item));
  }
  return out;
}

std::string fitted(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  for (const char c : harmless(text)) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // of a character in UTF-8
    if (begins && used == columns) break;
    used += begins ? 1 : 0;
    out += c;
  }
  return out.append(columns - used, ' ');
}

}  // namespace aribus::cli
