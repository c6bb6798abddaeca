#include "record/event_reader.h"

#include <cstring>
#include <optional>

#include "base/utf8.h"
#include "json/find_member.h"
#include "json/json.h"
#include "json/simd.h"
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

// Compares in a few instructions.
template <size_t size>
bool is(std::string_view text, const char (&literal)[size]) {
  return text.size() == size - 1 && std::memcmp(text.data(), literal, size - 1) == 0;
}

// Takes the members of an event that go into the record's envelope.
struct Envelope : Normalizer::EnvelopeSink {
  explicit Envelope(Record& record) : record(record) {}

  bool take(std::string_view name, bool escaped, const JsonPiece& value) override {
    if (is(name, "type")) {
      if (!escaped && type.empty()) type = value.text;
      return true;
    }
    const bool is_string = value.kind == JsonKind::string;
    if (is(name, "timestamp")) {
      const auto time = is_string ? parse_time(value.raw()) : std::nullopt;
      if (time) record.time = *time;
      has_time |= time.has_value();
      return time.has_value();
    }
    if (is(name, "application")) {
      std::string decoded;
      if (is_string) record.app = value.string(decoded);
      return is_string;
    }
    shadowed += shadowed.empty() ? "" : ",";
    append_json_string(shadowed, name);
    shadowed += ':';
    shadowed += value.text;
    return true;
  }

  Record& record;
  bool has_time = false;
  std::string_view type;  // the first one whose name has no escapes, as in the text
  std::string shadowed;   // members whose names the envelope uses itself
};

// The string that follows the first name `type` in the text, with its quotes; "" if there is none, or it has
// escapes. It is nearly always the event's type; but the name may also belong to an object in the event.
std::string_view likely_type(std::string_view text) {
  static constexpr std::string_view name = R"("type":")";
  const char* const found = find_text(text, name, name.find("yp"));
  if (found == nullptr) return {};
  const char* const begin = found + name.size() - 1;
  const char* const end = next_special(begin + 1);
  return *end == '"' ? std::string_view(begin, static_cast<size_t>(end - begin) + 1) : std::string_view();
}

// What every record of an event begins with.
void begin(Record& record, std::string_view type, const ModelRules* model) {
  record.app.clear();
  record.type = type;
  record.ids.clear();
  record.members.clear();
  record.declared = model == nullptr ? nullptr : &model->declared;
  record.fields = model == nullptr ? R"(,"known":false,)" : ",";
  if (model == nullptr) record.members.push_back({0});
}

void finish(Record& record, const Envelope& envelope, const std::function<WallTime()>& now) {
  if (!envelope.has_time) record.time = now();
  if (record.fields.back() == ',') record.fields.pop_back();
  if (!envelope.shadowed.empty()) record.add_member("fields", "{" + envelope.shadowed + "}");
}

// Adds `invalid` in front of the members.
void add_fault(Record& record, const std::string& fault) {
  std::string invalid = R"("invalid":)";
  append_json_string(invalid, fault);
  record.fields.insert(1, invalid + ",");
  for (Member& member : record.members) member.move(static_cast<uint32_t>(invalid.size() + 1));
  record.members.insert(record.members.begin(), Member{0});
}

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
  if (is_text && read_declared(likely_type(tape_.text().view()), record, Learning::if_wanted)) return;
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
  if (!read_declared(type.text(), record, Learning::no)) read_undeclared(event, name, record);
}

bool EventReader::read_declared(std::string_view type, Record& record, Learning learning) {
  if (type.empty()) return false;
  std::string decoded;
  const std::string_view name = JsonPiece{JsonKind::string, true, type}.string(decoded);
  const ModelRules* model = find_rules(name);
  if (model == nullptr || !model->event()) return false;
  begin(record, name, model);
  Envelope envelope(record);
  Normalizer normalizer(record.fields, record.ids);
  std::optional<ShapeRecorder> recorder;
  if (learning == Learning::now) recorder.emplace(tape_.text().view(), record.fields);
  const bool is_read =
      normalizer.write_event(tape_.text(), *model, envelope, record.members, recorder ? &*recorder : nullptr);
  if (!is_read || envelope.type != type) return false;
  const bool is_plain = normalizer.fault().empty();
  if (!is_plain) add_fault(record, normalizer.fault());
  finish(record, envelope, now_);
  if (recorder) {
    if (const auto shape = recorder->finish(model->declared, record.members)) shape_cache_.learn(*shape);
  } else if (learning == Learning::if_wanted && is_plain && shape_cache_.wants(normalizer.layout())) {
    return read_declared(type, record, Learning::now);
  }
  return true;
}

void EventReader::read_undeclared(JsonView event, std::string_view type, Record& record) {
  begin(record, type, nullptr);
  Envelope envelope(record);
  Normalizer(record.fields, record.ids).write_undeclared_event(event, envelope, record.members);
  finish(record, envelope, now_);
}

}  // namespace aribus::record
