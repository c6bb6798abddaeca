#include "record/record.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "json/json.h"
#include "json/json_tape.h"
#include "record/normalizer.h"

namespace aribus::record {
namespace {

// The members of the JSON object `object`, each with a comma in front.
std::string members_of(std::string_view object) {
  object.remove_prefix(1);
  object.remove_suffix(1);
  return object.empty() ? std::string() : "," + std::string(object);
}

// One tape for all: nothing on it is used after the call.
JsonTape& tape() {
  static thread_local JsonTape tape;
  return tape;
}

char* write(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

// The text of the member at `place` if it has that name, or "".
inline std::string_view Record::member_at(size_t place, std::string_view name) const {
  const std::string_view text(fields);
  const size_t begin = members[place];
  const size_t end = place + 1 < members.size() ? members[place + 1] : text.size();
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
  const uint32_t begin = members[place];
  const uint32_t end = place + 1 < members.size() ? members[place + 1] : static_cast<uint32_t>(fields.size());
  fields.erase(begin, end - begin);
  members.erase(members.begin() + static_cast<ptrdiff_t>(place));
  for (size_t i = place; i < members.size(); ++i) members[i] -= end - begin;
}

void Record::add_member(std::string_view name, std::string_view json) {
  members.push_back(static_cast<uint32_t>(fields.size()));
  fields += ",\"";
  fields += name;
  fields += "\":";
  fields += json;
}

Record own_record(std::string_view type, std::string_view server, std::string_view fields, WallTime time) {
  Record record;
  record.time = time;
  record.server = server;
  record.type = type;
  if (!fields.empty()) record.fields = members_of(fields);
  return record;
}

std::optional<std::string> normalized_answer(std::string_view json, const ari::ResultType& answer) {
  constexpr size_t kept_bytes = 64 << 10;  // the memory that a larger text takes is given back
  std::optional<JsonTape> own;
  const JsonView value = (json.size() > kept_bytes ? own.emplace() : tape()).read(json);
  if (!value.valid()) return {};
  std::string out;
  Ids ids;
  const ModelRules* model = answer.model == nullptr ? nullptr : find_rules(answer.model->name);
  Normalizer(out, ids).write(value, answer.type, answer.list, model);
  return out;
}

void lift_ids(std::string_view json, Ids& ids) {
  std::string unused;
  const JsonView value = tape().read(json, max_line_depth);
  if (value.valid()) Normalizer(unused, ids).write(value, ari::Type::model, false, nullptr);
}

size_t max_line_size(const Record& record) {
  constexpr size_t constant = 256;  // what write_line adds, ids aside
  constexpr size_t an_id = 3;       // quotes and a comma
  return constant + record.fields.size() + an_id * record.ids.size() +
         max_json_string_growth *
             (record.server.size() + record.app.size() + record.type.size() + record.ids.text_size());
}

char* write_line(const Record& record, uint64_t seq, char* at) {
  at = write(at, R"({"jsonrpc":"2.0","method":"event","params":{"seq":)");
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
  for (size_t i = 0, kind = 0; kind < id_kinds && i < record.ids.size(); ++kind) {
    const size_t before = i;
    for (size_t j = 0; j < record.ids.size(); ++j) {
      const Ids::Id id = record.ids[j];
      if (id.kind != static_cast<IdKind>(kind)) continue;
      if (i++ == before) {
        at = write(at, ",\"");
        at = write(at, field_name(id.kind));
        at = write(at, "\":[");
      } else {
        *at++ = ',';
      }
      at = write_json_string(at, id.text);
    }
    if (i > before) *at++ = ']';
  }
  at = write(at, record.fields);
  return write(at, "}}\n");
}

std::optional<uint64_t> read_line(JsonTape& tape, std::string_view line, Record& record) {
  const JsonView notification = tape.read(line, max_line_depth);
  const JsonView params = notification.valid() ? notification.find("params") : JsonView();
  if (!params.valid()) return {};
  const auto text = [&](std::string_view name, std::string& into) {
    const JsonView value = params.find(name);
    if (!value.valid() || value.kind() != JsonKind::string) return false;
    into = value.string();
    return true;
  };
  std::string time;
  const JsonView seq = params.find("seq");
  if (!seq.valid() || !text("time", time) || !text("server", record.server) || !text("app", record.app) ||
      !text("type", record.type)) {
    return {};
  }
  const auto parsed = parse_time(time);
  uint64_t number = 0;
  const char* const seq_end = seq.text().data() + seq.text().size();
  const auto [end, error] = std::from_chars(seq.text().data(), seq_end, number);
  if (!parsed || error != std::errc() || end != seq_end || number == 0) return {};
  record.time = *parsed;
  record.declared = nullptr;
  record.ids.clear();
  record.fields.clear();
  record.members.clear();
  size_t position = 0;
  constexpr size_t envelope = 5;  // seq, time, server, app, type
  for (const auto& member : params.children()) {
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
    record.members.push_back(static_cast<uint32_t>(record.fields.size()));
    record.fields += ",\"";
    record.fields += name;
    record.fields += "\":";
    record.fields += member.value().text();
  }
  return number;
}

}  // namespace aribus::record
