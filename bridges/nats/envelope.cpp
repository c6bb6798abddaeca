#include "nats/envelope.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "json/json.h"

namespace aribus::nats {
namespace {

constexpr std::string_view event_head = R"({"jsonrpc":"2.0","method":"event","params":)";
constexpr std::string_view lost_head = R"({"jsonrpc":"2.0","method":"lost","params":)";

// Collects the members of the outermost object that are needed, and stops after the last one.
class Head : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Head> {
 public:
  explicit Head(Envelope& envelope) : envelope_(envelope) {}

  bool StartObject() { return ++depth_ > 0; }
  bool EndObject(rapidjson::SizeType) { return --depth_ > 0; }
  bool StartArray() { return ++depth_ > 0; }
  bool EndArray(rapidjson::SizeType) { return --depth_ > 0; }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    if (depth_ == 1) key_.assign(text, length);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (depth_ != 1) return true;
    if (key_ == "server") envelope_.server.assign(text, length);
    if (key_ == "app") envelope_.app.assign(text, length);
    if (key_ == "type") envelope_.type.assign(text, length);
    return key_ != "type";  // the last one that is needed
  }
  bool Uint(unsigned value) { return number(value); }
  bool Uint64(uint64_t value) { return number(value); }
  bool Default() { return true; }

 private:
  bool number(uint64_t value) {
    if (depth_ == 1 && (key_ == "seq" || key_ == "to")) envelope_.seq = value;
    if (depth_ == 1 && key_ == "from") envelope_.from = value;
    return true;
  }

  Envelope& envelope_;
  std::string key_;
  int depth_ = 0;
};

}  // namespace

Envelope read_envelope(std::string_view line) {
  Envelope envelope;
  const bool lost = line.starts_with(lost_head);
  if (!lost && !line.starts_with(event_head)) return envelope;
  if (!line.ends_with('}')) return envelope;
  line.remove_suffix(1);
  line.remove_prefix(lost ? lost_head.size() : event_head.size());
  Head head(envelope);
  rapidjson::MemoryStream stream(line.data(), line.size());
  rapidjson::Reader().Parse(stream, head);
  if (envelope.seq == 0 || (!lost && envelope.type.empty())) return envelope;
  envelope.text = line;
  envelope.kind = lost ? Envelope::Kind::lost : Envelope::Kind::record;
  return envelope;
}

std::string truncated(std::string_view text, size_t max_bytes) {
  const Result<Json> record = parse_own_json(text);
  if (!record || !record->IsObject()) return "";
  const auto written = [&](std::initializer_list<std::string_view> members) {
    return render([&](JsonWriter& writer) {
      writer.StartObject();
      for (const std::string_view name : members) {
        const JsonValue* value = find(*record, name);
        if (value == nullptr) continue;
        write_key(writer, name);
        value->Accept(writer);
      }
      write_key(writer, "truncated");
      writer.Bool(true);
      write_key(writer, "bytes");
      writer.Uint64(text.size());
      writer.EndObject();
    });
  };
  std::string whole = written({"seq", "time", "server", "app", "type", "channels", "bridges", "playbacks",
                               "recordings", "endpoints", "devices", "calls"});
  if (whole.size() <= max_bytes) return whole;
  return written({"seq", "time", "server", "app", "type"});
}

}  // namespace aribus::nats
