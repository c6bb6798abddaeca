#include "json/json_items.h"

namespace aribus {
namespace {

size_t skip_space(std::string_view text, size_t at) {
  const size_t found = text.find_first_not_of(" \t\r\n", at);
  return found == std::string_view::npos ? text.size() : found;
}

// Behind the string that begins at `at`.
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

// Where the item that begins at `at` ends: in front of a comma or bracket that is not in it.
size_t end_of_item(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    at = text.find_first_of("\",[]{}", at);
    if (at == std::string_view::npos) return text.size();
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']' || c == '}')) return at;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    ++at;
  }
  return text.size();
}

}  // namespace

bool for_each_item(std::string_view array, const std::function<bool(std::string_view)>& use) {
  size_t at = skip_space(array, 0);
  if (at == array.size() || array[at] != '[') return false;
  at = skip_space(array, at + 1);
  if (at < array.size() && array[at] == ']') return skip_space(array, at + 1) == array.size();
  while (at < array.size()) {
    const size_t end = end_of_item(array, at);
    if (end == array.size() || !use(array.substr(at, end - at))) return false;
    if (array[end] == ']') return skip_space(array, end + 1) == array.size();
    if (array[end] != ',') return false;
    at = skip_space(array, end + 1);
  }
  return false;
}

}  // namespace aribus
