#include "record/event_reader.h"

#include "base/utf8.h"
#include "json/json.h"
#include "record/normalizer.h"
#include "record/own_records.h"

namespace aribus::record {
namespace {

Record malformed(std::string_view text, size_t total_bytes, std::string_view server, WallTime received,
                 std::string_view why) {
  return own_record(Malformed{.invalid = std::string(why),
                              .text = to_valid_utf8(text, max_malformed_bytes),
                              .bytes = total_bytes},
                    server, received);
}

// Takes the members of an event that go into the record's envelope.
struct Envelope : Normalizer::EnvelopeSink {
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
  std::string shadowed;  // members whose names the envelope uses itself
};

}  // namespace

void EventReader::read(std::string_view text, size_t total_bytes, std::string_view server, Record& record) {
  const auto give_up = [&](const std::string& why) {
    record = malformed(text, total_bytes, server, now_(), why);
  };
  if (total_bytes > text.size()) {
    return give_up("the message is over the limit of " + std::to_string(text.size()) + " bytes");
  }
  record.server = server;
  const bool is_text = tape_.take(text);
  if (is_text && shape_cache_.read(tape_.text(), record)) return;
  const JsonView event = is_text ? tape_.parse() : JsonView();
  if (!event.valid()) {
    const Result<Json> json = parse_json(text);  // for the reason
    return give_up("no JSON: " + (json ? "it could not be read" : json.error().message));
  }
  const JsonView type = event.find("type");
  if (!type.valid() || type.kind() != JsonKind::string) {
    return give_up("no event: an object with a string `type` is expected");
  }
  std::string decoded;
  const std::string_view name = type.string(decoded);
  if (name.size() > max_type_bytes) {
    return give_up("no event: a `type` of at most " + std::to_string(max_type_bytes) + " bytes is expected");
  }
  const bool is_compact = event.text().size() == text.size() && text.size() <= ShapeCache::max_text_bytes;
  if (take_apart(event, name, record, false) && is_compact) take_apart(event, name, record, true);
}

bool EventReader::take_apart(JsonView event, std::string_view type, Record& record, bool record_shape) {
  record.time = now_();
  record.app.clear();
  record.type = type;
  record.ids.clear();
  const ModelRules* model = find_rules(record.type);
  if (model != nullptr && !model->event()) model = nullptr;
  record.declared = model == nullptr ? nullptr : &model->declared;
  std::string& fields = record.fields;
  fields = model == nullptr ? R"(,"known":false,)" : ",";
  record.members.clear();
  if (model == nullptr) record.members.push_back(0);
  const size_t begin = fields.size();
  Envelope envelope(record);
  Normalizer normalizer(fields, record.ids);
  ShapeRecorder recorder(event.text(), fields);
  normalizer.write_members(event, model, envelope, record.members, record_shape ? &recorder : nullptr);
  if (!normalizer.fault().empty()) {
    std::string invalid = R"("invalid":)";
    append_json_string(invalid, normalizer.fault());
    fields.insert(begin, invalid + ",");
    recorder.give_up();
    for (uint32_t& place : record.members) place += static_cast<uint32_t>(invalid.size() + 1);
    record.members.insert(record.members.begin(), static_cast<uint32_t>(begin - 1));
  }
  if (fields.back() == ',') fields.pop_back();
  if (!envelope.shadowed.empty()) record.add_member("fields", "{" + envelope.shadowed + "}");
  if (model == nullptr || !normalizer.fault().empty()) return false;
  if (!record_shape) return shape_cache_.wants(normalizer.layout());
  if (const auto shape = recorder.finish(model->declared, record.members)) shape_cache_.learn(*shape);
  return false;
}

}  // namespace aribus::record
