#include "json/json_items.h"

#include <cstddef>

#include "json/find_member.h"
#include "json/scan.h"

namespace aribus {

bool for_each_item(std::string_view array, const std::function<bool(std::string_view)>& use) {
  const char* at = array.data();
  const char* const end = at + array.size();
  const auto skip_space = [&] {
    while (at < end && is_json_space(*at)) ++at;
    return at < end;
  };
  const auto nothing_behind = [&] {
    ++at;
    return !skip_space();
  };
  if (!skip_space() || *at++ != '[' || !skip_space()) return false;
  if (*at == ']') return nothing_behind();
  for (;;) {
    const char* const begin = at;
    at = behind_value(at, end);
    const std::string_view item(begin, static_cast<size_t>(at - begin));
    if (!skip_space() || !use(item)) return false;
    if (*at == ']') return nothing_behind();
    if (*at++ != ',' || !skip_space()) return false;
  }
}

}  // namespace aribus
