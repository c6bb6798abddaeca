#include "record/record.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/json.h"
#include "base/json_tape.h"
#include "record/regular.h"

namespace aribus::record {
namespace {

// The members of the JSON object `object`, each with a comma in front.
std::string members_of(std::string_view object) {
  object.remove_prefix(1);
  object.remove_suffix(1);
  return object.empty() ? std::string() : "," + std::string(object);
}

Record malformed(std::string_view text, size_t total_bytes, std::string_view server, WallTime received,
                 std::string_view why) {
  const std::string fields = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "invalid", why);
    write_member(writer, "text", to_valid_utf8(text, max_malformed_bytes));
    write_key(writer, "bytes");
    writer.Uint64(total_bytes);
    writer.EndObject();
  });
  return own_record("Malformed", server, fields, received);
}

// What of an event's members is not among the record's own.
struct Envelope : Regular::Elsewhere {
  explicit Envelope(Record& record) : record(record) {}

  bool take(std::string_view name, JsonView value) override {
    if (name == "type") return true;
    const bool text = value.kind() == JsonKind::string;
    if (name == "timestamp") {
      const auto time = text ? parse_time(value.raw()) : std::nullopt;
      if (time) record.time = *time;
      return time.has_value();
    }
    if (name == "application") {
      if (text) record.app = value.string();
      return text;
    }
    shadowed += shadowed.empty() ? "" : ",";
    append_json_string(shadowed, name);
    shadowed += ':';
    shadowed += value.text();
    return true;
  }

  Record& record;
  std::string shadowed;  // members with names that the envelope uses itself
};

// One tape for all: nothing on it is needed longer than a call.
JsonTape& tape() {
  static thread_local JsonTape tape;
  return tape;
}

char* write(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

Record own_record(std::string_view type, std::string_view server, std::string_view fields, WallTime time) {
  Record record;
  record.time = time;
  record.server = server;
  record.type = type;
  if (!fields.empty()) record.fields = members_of(fields);
  return record;
}

void read_event(std::string_view text, size_t total_bytes, std::string_view server, WallTime received,
                Record& record) {
  const auto give_up = [&](const std::string& why) {
    record = malformed(text, total_bytes, server, received, why);
  };
  if (total_bytes > text.size()) {
    return give_up("the message is over the limit of " + std::to_string(text.size()) + " bytes");
  }
  const JsonView event = tape().read(text);
  if (!event.valid()) {
    const Result<Json> json = parse_json(text);  // which says why
    return give_up("no JSON: " + (json ? "it could not be read" : json.error().message));
  }
  const JsonView type = event.find("type");
  if (!type.valid() || type.kind() != JsonKind::string) {
    return give_up("no event: an object with a string `type` is expected");
  }

  record.time = received;
  record.server = server;
  record.app.clear();
  std::string decoded;
  record.type = type.string(decoded);
  record.ids.clear();
  const ModelRules* model = find_rules(record.type);
  if (model != nullptr && !model->event()) model = nullptr;
  std::string& fields = record.fields;
  fields = model == nullptr ? R"(,"known":false,)" : ",";
  const size_t begin = fields.size();
  Envelope envelope(record);
  Regular regular(fields, record.ids);
  regular.write_members(event, model, envelope);
  if (!regular.fault().empty()) {
    std::string invalid = R"("invalid":)";
    append_json_string(invalid, regular.fault());
    fields.insert(begin, invalid + ",");
  }
  if (!envelope.shadowed.empty()) {
    if (fields.back() != ',') fields += ',';
    fields += R"("fields":{)" + envelope.shadowed + "}";
  }
  if (fields.back() == ',') fields.pop_back();
}

std::optional<std::string> regular_answer(std::string_view json, const ari::Answer& answer) {
  const JsonView value = tape().read(json);
  if (!value.valid()) return {};
  std::string out;
  Ids ids;
  const ModelRules* model = answer.model == nullptr ? nullptr : find_rules(answer.model->name);
  Regular(out, ids).write(value, answer.type, answer.list, model);
  return out;
}

void lift_ids(std::string_view json, Ids& ids) {
  std::string unused;
  const JsonView value = tape().read(json);
  if (value.valid()) Regular(unused, ids).write(value, ari::Type::model, false, nullptr);
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

}  // namespace aribus::record
