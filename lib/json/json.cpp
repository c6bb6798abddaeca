#include "json/json.h"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "json/parse_into.h"
#include "json/simd.h"

namespace aribus {
namespace {

constexpr size_t max_exponent = 308;  // of a double

double to_double(std::string_view number) {
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec != std::errc::result_out_of_range) return value;
  // Distinguishes too small from too large numbers, independently of the locale's decimal point.
  static const locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  return ::strtod_l(std::string(number).c_str(), nullptr, locale);
}

// Passes the events of a reader on to a document, and stops the reader at values that are not accepted.
class Gate {
 public:
  Gate(Json& to, size_t max_values, int max_depth)
      : to_(to), max_values_(max_values), max_depth_(max_depth) {}

  // Why it stopped the reader; "" when it did not.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  bool Null() { return count() && to_.Null(); }
  bool Bool(bool b) { return count() && to_.Bool(b); }
  // Numbers come as their text; the reader is compiled with these all the same.
  bool Int(int i) { return to_.Int(i); }
  bool Uint(unsigned u) { return to_.Uint(u); }
  bool Int64(int64_t i) { return to_.Int64(i); }
  bool Uint64(uint64_t u) { return to_.Uint64(u); }
  bool Double(double d) { return to_.Double(d); }
  // RapidJSON 1.1 reads a zero with an exponent, such as 0e-200, as an arbitrary number.
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    if (!count()) return false;
    if (int64_t value = 0; is_whole(std::from_chars(s, s + n, value), s + n)) return to_.Int64(value);
    if (uint64_t value = 0; is_whole(std::from_chars(s, s + n, value), s + n)) return to_.Uint64(value);
    if (fits_double({s, n})) return to_.Double(to_double({s, n}));
    refusal_ = number_out_of_range;
    return false;
  }
  bool String(const char* s, rapidjson::SizeType n, bool copy) {
    return count() && whole(s, n) && to_.String(s, n, copy);
  }
  bool StartObject() { return count() && deeper() && to_.StartObject(); }
  bool Key(const char* s, rapidjson::SizeType n, bool copy) {
    return count() && whole(s, n) && to_.Key(s, n, copy);
  }
  bool EndObject(rapidjson::SizeType n) { return --depth_, to_.EndObject(n); }
  bool StartArray() { return count() && deeper() && to_.StartArray(); }
  bool EndArray(rapidjson::SizeType n) { return --depth_, to_.EndArray(n); }

 private:
  bool count() {
    if (++values_ <= max_values_) return true;
    refusal_ = "more than " + std::to_string(max_values_) + " values";
    return false;
  }
  static bool is_whole(const std::from_chars_result& read, const char* end) {
    return read.ec == std::errc() && read.ptr == end;
  }

  bool deeper() {
    if (++depth_ <= max_depth_) return true;
    refusal_ = "nested deeper than " + std::to_string(max_depth_) + " levels";
    return false;
  }

  // RapidJSON accepts a lone "\\udcde", which UTF-8 can't represent (RFC 3629, section 3).
  bool whole(const char* text, rapidjson::SizeType length) {
    const std::string_view rest(text, length);
    for (size_t at = rest.find('\xED'); at != std::string_view::npos; at = rest.find('\xED', at + 1)) {
      if (at + 1 < rest.size() && static_cast<unsigned char>(rest[at + 1]) >= 0xA0) {
        refusal_ = "half of a surrogate pair stands alone";
        return false;
      }
    }
    return true;
  }

  Json& to_;
  size_t max_values_;
  int max_depth_;
  size_t values_ = 0;
  int depth_ = 0;
  std::string refusal_;
};

}  // namespace

bool fits_double(std::string_view number) {
  constexpr size_t few = 200;  // with an exponent of two digits they make no 1e308
  const size_t mark = std::min(number.find_first_of("eE"), number.size());
  std::string_view exponent = number.substr(mark);
  const bool small = exponent.size() <= 3 || exponent[1] == '-';
  if (small && mark <= few) return true;
  const size_t sign = number.starts_with('-') ? 1 : 0;
  if (std::min(number.find_first_not_of("0123456789", sign), number.size()) - sign > max_exponent)
    return false;
  if (!small) {
    exponent.remove_prefix(std::min(exponent.find_first_not_of("eE+0"), exponent.size()));
    size_t value = 0;
    std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    if (exponent.size() > 3 || value > max_exponent) return false;
  }
  return std::isfinite(to_double(number));
}

namespace {

bool is_ascii(std::string_view text) {
  uint64_t seen = 0;
  for (uint64_t word = 0; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
  }
  for (const char byte : text) seen |= static_cast<uint8_t>(byte);
  constexpr uint64_t high_bits = 0x8080808080808080;
  return (seen & high_bits) == 0;
}

Result<void> parse(Json& document, std::string_view text, size_t max_values, int max_depth) {
  // RapidJSON takes a NUL for the end of the text.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Error{ErrorKind::malformed, "a NUL byte (at byte " + std::to_string(nul) + ")", {}};
  }
  rapidjson::ParseResult outcome;
  std::string refusal;
  const auto generate = [&](Json& handler) {
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    rapidjson::Reader reader;
    Gate gate(handler, max_values, max_depth);
    constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag;
    constexpr unsigned validating = flags | rapidjson::kParseValidateEncodingFlag;
    // RapidJSON validates byte by byte.
    outcome = is_ascii(text) ? reader.Parse<flags>(stream, gate) : reader.Parse<validating>(stream, gate);
    refusal = gate.refusal();
    return !outcome.IsError();
  };
  document.Populate(generate);
  if (outcome.IsError()) {
    if (outcome.Code() == rapidjson::kParseErrorNumberTooBig) refusal = number_out_of_range;
    const std::string reason = refusal.empty() ? rapidjson::GetParseError_En(outcome.Code()) : refusal;
    return Error{ErrorKind::malformed, reason + " (at byte " + std::to_string(outcome.Offset()) + ")", {}};
  }
  return {};
}

}  // namespace

Result<Json> parse_json(std::string_view text, size_t max_values, int max_depth) {
  Json document;
  if (auto parsed = parse(document, text, max_values, max_depth); !parsed) return parsed.error();
  return document;
}

Result<void> parse_into(Json& document, std::string_view text, size_t max_values) {
  return parse(document, text, max_values, max_json_depth);
}

const JsonValue* find(const JsonValue& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  const char* bytes = name.data() == nullptr ? "" : name.data();  // RapidJSON asserts that there are some
  const auto member = object.FindMember(
      JsonValue(rapidjson::StringRef(bytes, static_cast<rapidjson::SizeType>(name.size()))));
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
  const char* bytes = value.data() == nullptr ? "" : value.data();  // RapidJSON asserts that there are some
  replace_member(object, name,
                 JsonValue(bytes, static_cast<rapidjson::SizeType>(value.size()), object.GetAllocator()));
}

std::string to_text(const JsonValue& value) {
  return render([&](JsonWriter& writer) { value.Accept(writer); });
}

void append_json_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += '"';
    out += text;
    out += '"';
    return;
  }
  const size_t size = out.size();
  out.resize(size + text.size() * max_json_string_growth + 2);
  out.resize(static_cast<size_t>(write_json_string(out.data() + size, text) - out.data()));
}

namespace {

char* write_escaped(char* at, std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') {
      *at++ = c;
      continue;
    }
    *at++ = '\\';
    static constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
    static constexpr std::string_view letters = "\"\\bfnrt";
    if (const size_t known = meanings.find(c); known != std::string_view::npos) {
      *at++ = letters[known];
    } else {
      static constexpr char hex[] = "0123456789abcdef";
      for (const char digit : {'u', '0', '0', hex[c >> 4], hex[c & 15]}) *at++ = digit;
    }
  }
  return at;
}

}  // namespace

char* write_json_string(char* at, std::string_view text) {
  *at++ = '"';
  at = copy_if_plain(text, at) ? at + text.size() : write_escaped(at, text);
  *at++ = '"';
  return at;
}

size_t max_json_string_bytes(std::string_view text) {
  return text.size() * (is_plain(text) ? 1 : max_json_string_growth) + 2;
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
