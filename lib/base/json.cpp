#include "base/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace aribus {
namespace {

// Passes a reader's events on to a document, and stops it at max_json_depth.
class DepthLimit {
 public:
  explicit DepthLimit(Json& to) : to_(to) {}

  bool too_deep() const { return depth_ > max_json_depth; }

  bool Null() { return to_.Null(); }
  bool Bool(bool b) { return to_.Bool(b); }
  bool Int(int i) { return to_.Int(i); }
  bool Uint(unsigned u) { return to_.Uint(u); }
  bool Int64(int64_t i) { return to_.Int64(i); }
  bool Uint64(uint64_t u) { return to_.Uint64(u); }
  bool Double(double d) { return to_.Double(d); }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool copy) { return to_.RawNumber(s, n, copy); }
  bool String(const char* s, rapidjson::SizeType n, bool copy) { return to_.String(s, n, copy); }
  bool StartObject() { return ++depth_ <= max_json_depth && to_.StartObject(); }
  bool Key(const char* s, rapidjson::SizeType n, bool copy) { return to_.Key(s, n, copy); }
  bool EndObject(rapidjson::SizeType n) { return --depth_, to_.EndObject(n); }
  bool StartArray() { return ++depth_ <= max_json_depth && to_.StartArray(); }
  bool EndArray(rapidjson::SizeType n) { return --depth_, to_.EndArray(n); }

 private:
  Json& to_;
  int depth_ = 0;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  Json document;
  rapidjson::ParseResult outcome;
  bool too_deep = false;
  const auto generate = [&](Json& handler) {
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    rapidjson::Reader reader;
    DepthLimit limit(handler);
    outcome = reader.Parse<rapidjson::kParseValidateEncodingFlag>(stream, limit);
    too_deep = limit.too_deep();
    return !outcome.IsError();
  };
  document.Populate(generate);
  if (outcome.IsError()) {
    std::string reason = too_deep ? "nested deeper than " + std::to_string(max_json_depth) + " levels"
                                  : rapidjson::GetParseError_En(outcome.Code());
    return Error{ErrorKind::malformed, reason + " (at byte " + std::to_string(outcome.Offset()) + ")", {}};
  }
  return document;
}

const JsonValue* find(const JsonValue& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  const auto member = object.FindMember(
      JsonValue(rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))));
  return member == object.MemberEnd() ? nullptr : &member->value;
}

std::string_view find_string(const JsonValue& object, std::string_view name, std::string_view otherwise) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsString() ? as_view(*value) : otherwise;
}

Json copy_of(const JsonValue& value) {
  Json copy;
  copy.CopyFrom(value, copy.GetAllocator());
  return copy;
}

namespace {

void replace_member(Json& object, std::string_view name, JsonValue value) {
  const auto length = static_cast<rapidjson::SizeType>(name.size());
  object.RemoveMember(JsonValue(rapidjson::StringRef(name.data(), length)));
  object.AddMember(JsonValue(name.data(), length, object.GetAllocator()), value, object.GetAllocator());
}

}  // namespace

void set_member(Json& object, std::string_view name, const JsonValue& value) {
  replace_member(object, name, JsonValue(value, object.GetAllocator()));
}

void set_member(Json& object, std::string_view name, std::string_view value) {
  replace_member(
      object, name,
      JsonValue(value.data(), static_cast<rapidjson::SizeType>(value.size()), object.GetAllocator()));
}

std::string to_text(const JsonValue& value) {
  return render([&](JsonWriter& writer) { value.Accept(writer); });
}

std::string_view type_name(const JsonValue& value) {
  if (value.IsString()) return "string";
  if (value.IsBool()) return "boolean";
  if (value.IsObject()) return "object";
  if (value.IsArray()) return "array";
  if (value.IsNull()) return "null";
  return value.IsDouble() ? "number" : "integer";
}

}  // namespace aribus
