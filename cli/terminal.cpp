#include "cli/terminal.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <uniwidth.h>

#include "base/utf8.h"
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

std::string party_text(std::string_view name, std::string_view number) {
  if (name.empty() || number.empty()) return std::string(name) + std::string(number);
  return std::string(name) + " <" + std::string(number) + ">";
}

std::string party_at(const JsonValue& object, std::string_view member) {
  const JsonValue* party = find(object, member);
  return party == nullptr ? "" : party_text(find_string(*party, "name"), find_string(*party, "number"));
}

std::string who_is(const JsonValue& channel) {
  const JsonValue* caller = find(channel, "caller");
  const bool has_number = caller != nullptr && !find_string(*caller, "number").empty();
  return has_number ? party_at(channel, "caller") : std::string(find_string(channel, "name"));
}

std::pair<std::string_view, int> local_half(std::string_view name) {
  if (!name.starts_with("Local/") || (!name.ends_with(";1") && !name.ends_with(";2"))) return {name, 0};
  return {name.substr(0, name.size() - 2), name.back() - '0'};
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

// Choose between the two looks of an emoji. They are left out: terminals disagree on the width that they
// give it.
bool chooses_presentation(char32_t character) {
  return character == 0xFE0E || character == 0xFE0F;
}

// `character` is harmless.
size_t cells_of(char32_t character) {
  if (chooses_presentation(character)) return 0;
  return static_cast<size_t>(std::max(uc_width(character, "UTF-8"), 0));
}

// As much of the harmless `text` as fits into `columns` cells, and how many it takes.
std::pair<std::string, size_t> prefix(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = take_character(text);
    const size_t more = cells_of(character);
    if (used + more > columns) break;
    used += more;
    if (!chooses_presentation(character)) out += before.substr(0, before.size() - text.size());
  }
  return {std::move(out), used};
}

}  // namespace

size_t cells(std::string_view text) {
  return prefix(harmless(text), SIZE_MAX).second;
}

std::string fitted(std::string_view text, size_t columns) {
  const std::string shown = harmless(text);
  const bool fits = prefix(shown, SIZE_MAX).second <= columns;
  if (!fits && columns == 0) return {};
  auto [out, used] = prefix(shown, fits ? columns : columns - 1);
  if (!fits) out += "…", ++used;
  return out.append(columns - used, ' ');
}

std::string fitted_who(std::string_view who, size_t columns) {
  const size_t number = who.ends_with('>') ? who.rfind(" <") : std::string_view::npos;
  if (number == std::string_view::npos || cells(who) <= columns) return fitted(who, columns);
  constexpr size_t least_of_name = 2;
  const size_t of_number = cells(who.substr(number));
  if (of_number + least_of_name > columns) return fitted(who.substr(number + 1), columns);
  return fitted(who.substr(0, number), columns - of_number) + harmless(who.substr(number));
}

std::string right_aligned(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

std::vector<std::string> wrapped(std::string_view text, size_t columns, size_t indent) {
  std::vector<std::string> lines;
  size_t used = 0;  // of the last line
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const size_t length = cells(word);
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
