#include "record/record.h"

#include <algorithm>

#include "ari/schema.h"
#include "base/bytes.h"
#include "record/regular.h"

namespace aribus::record {
namespace {

// Names of the envelope. A field of an event that has such a name goes into `fields` instead.
constexpr std::string_view envelope[] = {"seq",     "time",      "server",     "app",       "channels",
                                         "bridges", "playbacks", "recordings", "endpoints", "devices",
                                         "known",   "invalid",   "synthetic",  "fields"};

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

}  // namespace

Record own_record(std::string_view type, std::string_view server, std::string_view fields, WallTime time) {
  Record record;
  record.time = time;
  record.server = server;
  record.type = type;
  if (!fields.empty()) record.fields = members_of(fields);
  return record;
}

Record read_event(std::string_view text, size_t total_bytes, std::string_view server, WallTime received) {
  if (total_bytes > text.size()) {
    return malformed(text, total_bytes, server, received,
                     "the message is over the limit of " + std::to_string(text.size()) + " bytes");
  }
  const Result<Json> parsed = parse_json(text);
  if (!parsed) return malformed(text, total_bytes, server, received, "no JSON: " + parsed.error().message);
  const Json& event = *parsed;
  const JsonValue* type = find(event, "type");
  if (type == nullptr || !type->IsString()) {
    return malformed(text, total_bytes, server, received,
                     "no event: an object with a string `type` is expected");
  }

  Record record;
  record.server = server;
  record.type = as_view(*type);
  const ari::Model* model = ari::find_model(record.type);
  if (model != nullptr && !model->event) model = nullptr;
  const auto time = parse_time(find_string(event, "timestamp"));
  record.time = time.value_or(received);
  const JsonValue* application = find(event, "application");
  const bool has_app = application != nullptr && application->IsString();
  if (has_app) record.app = as_view(*application);
  lift_ids(event, model, record.ids);

  const std::string members = render([&](JsonWriter& writer) {
    writer.StartObject();
    if (model == nullptr) {
      write_key(writer, "known");
      writer.Bool(false);
    } else if (const std::string fault = find_fault(event, *model); !fault.empty()) {
      write_member(writer, "invalid", fault);
    }
    bool shadowed = false;
    for (const auto& member : event.GetObject()) {
      const std::string_view name = as_view(member.name);
      if (name == "type" || (name == "timestamp" && time) || (name == "application" && has_app)) continue;
      if (std::ranges::find(envelope, name) != std::end(envelope)) {
        shadowed = true;
      } else if (model == nullptr) {
        write_key(writer, name);
        member.value.Accept(writer);
      } else {
        write_regular_member(writer, event, name, member.value, *model);
      }
    }
    if (shadowed) {
      write_key(writer, "fields");
      writer.StartObject();
      for (const auto& member : event.GetObject()) {
        if (std::ranges::find(envelope, as_view(member.name)) == std::end(envelope)) continue;
        write_key(writer, as_view(member.name));
        member.value.Accept(writer);
      }
      writer.EndObject();
    }
    writer.EndObject();
  });
  record.fields = members_of(members);
  return record;
}

std::string to_line(const Record& record, uint64_t seq) {
  std::string line = R"({"jsonrpc":"2.0","method":"event","params":)";
  std::string head = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_key(writer, "seq");
    writer.Uint64(seq);
    write_member(writer, "time", to_rfc3339(record.time));
    write_member(writer, "server", record.server);
    write_member(writer, "app", record.app);
    write_member(writer, "type", record.type);
    for (size_t kind = 0; kind < id_kinds; ++kind) {
      const auto& ids = record.ids.of(static_cast<IdKind>(kind));
      if (ids.empty()) continue;
      write_key(writer, field_name(static_cast<IdKind>(kind)));
      writer.StartArray();
      for (const std::string& id : ids) write_string(writer, id);
      writer.EndArray();
    }
    writer.EndObject();
  });
  head.pop_back();
  line += head;
  line += record.fields;
  line += "}}\n";
  return line;
}

}  // namespace aribus::record
