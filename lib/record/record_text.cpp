#include "record/record_text.h"

#include <cstring>
#include <utility>

#include "base/numbers.h"
#include "json/json.h"

namespace aribus::record {
namespace {

char* write(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

size_t max_text_bytes(const Record& record) {
  constexpr size_t constant = 256;  // what write_text adds, ids aside
  constexpr size_t an_id = 3;       // quotes and a comma
  return constant + record.fields.size() + an_id * record.ids.size() +
         max_json_string_growth *
             (record.server.size() + record.app.size() + record.type.size() + record.ids.text_size());
}

char* write_text(const Record& record, uint64_t seq, char* at) {
  at = write(at, R"({"seq":)");
  at = std::to_chars(at, at + 20, seq).ptr;
  at = write(at, R"(,"time":")");
  write_rfc3339(at, record.time);
  at += rfc3339_size;
  at = write(at, R"(","server":)");
  at = write_json_string(at, record.server);
  at = write(at, R"(,"app":)");
  at = write_json_string(at, record.app);
  at = write(at, R"(,"type":)");
  at = write_json_string(at, record.type);
  for (size_t i = 0; i < id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    if (!record.ids.has(kind)) continue;
    at = write(at, ",\"");
    at = write(at, field_name(kind));
    at = write(at, "\":");
    char before = '[';
    for (size_t j = 0; j < record.ids.size(); ++j) {
      const IdSet::Id id = record.ids[j];
      if (id.kind != kind) continue;
      *at++ = std::exchange(before, ',');
      at = write_json_string(at, id.text);
    }
    *at++ = ']';
  }
  at = write(at, record.fields);
  *at++ = '}';
  return at;
}

std::optional<uint64_t> read_text(JsonTape& tape, std::string_view text, Record& record) {
  const JsonView object = tape.read(text, max_line_depth);
  if (!object.valid()) return {};
  const auto read_string = [&](std::string_view name, std::string& into) {
    const JsonView value = object.find(name);
    if (!value.valid() || value.kind() != JsonKind::string) return false;
    into = value.string();
    return true;
  };
  std::string time;
  const JsonView seq = object.find("seq");
  if (!seq.valid() || !read_string("time", time) || !read_string("server", record.server) ||
      !read_string("app", record.app) || !read_string("type", record.type)) {
    return {};
  }
  const auto parsed = parse_time(time);
  const uint64_t number = whole_number<uint64_t>(seq.text()).value_or(0);
  if (!parsed || number == 0) return {};
  record.time = *parsed;
  record.declared = nullptr;
  record.ids.clear();
  record.fields.clear();
  record.members.clear();
  size_t position = 0;
  constexpr size_t envelope = 5;  // seq, time, server, app, type
  for (const auto& member : object.children()) {
    if (position++ < envelope) continue;
    const std::string_view name = member.name().raw();
    if (record.members.empty()) {
      const auto kind = id_kind_of(name);
      if (kind && member.value().kind() == JsonKind::array) {
        for (const auto& id : member.value().children()) {
          if (id.value().kind() == JsonKind::string) record.ids.add(*kind, id.value().string());
        }
        continue;
      }
    }
    record.members.push_back({static_cast<uint32_t>(record.fields.size())});
    record.fields += ",\"";
    record.fields += name;
    record.fields += "\":";
    record.fields += member.value().text();
  }
  return number;
}

}  // namespace aribus::record
