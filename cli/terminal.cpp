#include "cli/terminal.h"

#include <algorithm>
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

std::string counted(uint64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string who_is(const JsonValue& channel) {
  const JsonValue* caller = find(channel, "caller");
  const std::string name = caller == nullptr ? "" : std::string(find_string(*caller, "name"));
  const std::string number = caller == nullptr ? "" : std::string(find_string(*caller, "number"));
  if (number.empty()) return std::string(find_string(channel, "name"));
  return name.empty() ? number : name + " <" + number + ">";
}

uint64_t number_of(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsUint64() ? value->GetUint64() : 0;
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

namespace {

// Whether a character begins with this byte of UTF-8.
bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

std::string fitted(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  for (const char c : harmless(text)) {
    const bool begins = begins_character(c);
    if (begins && used == columns) break;
    used += begins ? 1 : 0;
    out += c;
  }
  return out.append(columns - used, ' ');
}

std::vector<std::string> wrapped(std::string_view text, size_t columns, size_t indent) {
  std::vector<std::string> lines;
  size_t used = 0;  // of the last line
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const auto length = static_cast<size_t>(std::ranges::count_if(word, begins_character));
    if (!lines.empty() && used + 1 + length <= columns) {
      lines.back() += " " + std::string(word);
      used += 1 + length;
    } else {
      lines.push_back(std::string(indent, ' ') + std::string(word));
      used = indent + length;
    }
  }
  return lines;
}

}  // namespace aribus::cli
