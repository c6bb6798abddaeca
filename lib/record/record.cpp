#include "record/record.h"

#include <cstring>

namespace aribus::record {

// The text of the member at `place` if it has that name, or "".
inline std::string_view Record::member_at(size_t place, std::string_view name) const {
  const std::string_view text(fields);
  const size_t begin = members[place].begin;
  const size_t end = place + 1 < members.size() ? members[place + 1].begin : text.size();
  const size_t value = begin + name.size() + 4;  // behind ,"":
  if (value >= end || text[value - 1] != ':' || text[value - 2] != '"') return {};
  if (std::memcmp(text.data() + begin + 2, name.data(), name.size()) != 0) return {};
  return text.substr(value, end - value);
}

std::string_view Record::member(std::string_view name) const {
  size_t place = 0;
  return member(name, place);
}

std::string_view Record::member(std::string_view name, size_t& place) const {
  if (place < members.size()) {
    if (const std::string_view found = member_at(place, name); !found.empty()) return found;
  }
  for (size_t i = 0; i < members.size(); ++i) {
    const std::string_view found = member_at(i, name);
    if (found.empty()) continue;
    place = i;
    return found;
  }
  return {};
}

void Record::remove_member(std::string_view name) {
  size_t place = 0;
  if (member(name, place).empty()) return;
  const uint32_t begin = members[place].begin;
  const uint32_t end =
      place + 1 < members.size() ? members[place + 1].begin : static_cast<uint32_t>(fields.size());
  fields.erase(begin, end - begin);
  members.erase(members.begin() + static_cast<ptrdiff_t>(place));
  for (size_t i = place; i < members.size(); ++i) members[i].move(0 - (end - begin));
}

void Record::add_member(std::string_view name, std::string_view json) {
  members.push_back({static_cast<uint32_t>(fields.size())});
  fields += ",\"";
  fields += name;
  fields += "\":";
  fields += json;
}

}  // namespace aribus::record
