#include "state/object_text.h"

#include <cstring>

#include "base/time.h"
#include "json/find_member.h"

namespace aribus::state {
namespace {

template <size_t size>
bool begins_with(std::string_view text, const char (&start)[size]) {
  return text.size() >= size && std::memcmp(text.data(), start, size - 1) == 0;
}

// The text from behind `name` up to the next quote, or "". The model keeps it, so it must not be longer than
// "channel:" and an id.
std::string_view string_behind(std::string_view text, std::string_view name, size_t rare) {
  const char* const found = find_text(text, name, rare);
  if (found == nullptr) return {};
  const std::string_view rest = text.substr(static_cast<size_t>(found - text.data()) + name.size());
  const std::string_view string = rest.substr(0, rest.find('"'));
  return string.size() > record::max_id_bytes + 16 ? std::string_view() : string;
}

}  // namespace

std::string_view id_of(IdKind kind, std::string_view text, std::string& buffer) {
  const bool named = kind == IdKind::recording || kind == IdKind::device;
  if (named ? begins_with(text, R"({"name":")") : begins_with(text, R"({"id":")")) {
    const std::string_view rest = text.substr(named ? 9 : 7);
    const std::string_view id = rest.substr(0, rest.find('"'));
    if (id.find('\\') == std::string_view::npos) return id;
  }
  if (kind != IdKind::endpoint) return find_string_member(text, named ? "name" : "id", buffer);
  const std::string technology(find_string_member(text, "technology", buffer));
  const std::string resource(find_string_member(text, "resource", buffer));
  return buffer = technology.empty() || resource.empty() ? "" : technology + "/" + resource;
}

std::string_view made_at(std::string_view text) {
  const std::string_view value = find_member(text, "creationtime");
  const bool is_usable = value.starts_with('"') && value.size() <= record::max_id_bytes;
  return is_usable ? value.substr(1, value.size() - 2) : std::string_view();
}

int compare_made(std::string_view a, std::string_view b) {
  if (a == b || a.empty() || b.empty()) return 0;
  const auto first = parse_time(a), second = parse_time(b);
  if (!first || !second || *first == *second) return 0;
  return *first < *second ? -1 : 1;
}

Sight::Sight(IdKind kind, std::string_view shown) : text(shown) {
  id = id_of(kind, text, buffer_);
  hash_ = hash_of(id);
}

Sight::Sight(IdKind kind, const record::Record& record, std::string_view name) {
  size_t place = 0;
  take(kind, record, name, place);
}

Sight::Sight(IdKind kind, const record::Record& record, std::string_view name, size_t& place) {
  take(kind, record, name, place);
}

void Sight::take(IdKind kind, const record::Record& record, std::string_view name, size_t& place) {
  const std::string_view shown = record.member(name, place);
  if (shown.empty() || shown.front() != '{') return;
  text = shown;
  const record::Member& member = record.members[place];
  id = record.id_of(member);
  if (id.empty()) id = id_of(kind, text, buffer_);
  hash_ = member.id == 0 ? hash_of(id) : record.ids[member.id - 1].hashed().hash;
  if (member.made != 0) made_ = record.made_of(member);
}

record::Party party_of(std::string_view json) {
  record::Party party;
  std::string buffer;
  each_member_of(json, [&](std::string_view name, std::string_view value) {
    if (name == "name") party.name = string_of(value, buffer);
    if (name == "number") party.number = string_of(value, buffer);
    return true;
  });
  return party;
}

ChannelText::ChannelText(std::string_view text) {
  size_t missing = 5;
  each_member_of(text, [&](std::string_view member, std::string_view value) {
    if (member == "name") {
      name = value;
    } else if (member == "state") {
      state = value;
    } else if (member == "caller") {
      caller = value;
    } else if (member == "connected") {
      connected = value;
    } else if (member == "dialplan") {
      dialplan = value;
    } else {
      return true;
    }
    return --missing > 0;
  });
}

std::string ChannelText::exten() const {
  return string_of(find_member(dialplan, "exten"));
}

std::string_view whole_of(std::string_view name) {
  const bool is_half = name.starts_with("Local/") && (name.ends_with(";1") || name.ends_with(";2"));
  return is_half ? name.substr(0, name.size() - 2) : std::string_view();
}

std::string resource_of(std::string_view name) {
  const size_t slash = name.find('/');
  const size_t dash = name.rfind('-');
  if (slash == std::string_view::npos || dash == std::string_view::npos || dash < slash) return {};
  return std::string(name.substr(slash + 1, dash - slash - 1));
}

std::string_view target_of(std::string_view text) {
  static constexpr std::string_view name = R"("target_uri":")";
  return string_behind(text, name, name.find("_u"));
}

}  // namespace aribus::state
