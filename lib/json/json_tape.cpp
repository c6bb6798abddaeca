#include "json/json_tape.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <simdjson.h>

#include "base/numbers.h"
#include "json/json.h"

namespace aribus {
namespace {

constexpr size_t keep_bytes = 1 << 20;  // memory for texts up to this size is kept

// The four hexadecimal digits of \u, or a negative number.
int code_unit(std::string_view digits) {
  int value = 0;
  if (digits.size() < 4) return -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + 4, value, 16);
  return error == std::errc() && end == digits.data() + 4 && digits[0] != '-' ? value : -1;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto byte = [&](uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// Decodes the inside of a string (RFC 8259, section 7) into `out`, unless that is nullptr. Returns false for an
// invalid escape or half of a surrogate pair.
bool decode(std::string_view raw, std::string* out) {
  while (!raw.empty()) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    if (out != nullptr) out->append(raw.substr(0, plain));
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    if (raw.size() < 2) return false;
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char letter = raw[1];
    raw.remove_prefix(2);
    if (letter != 'u') {
      const size_t at = letters.find(letter);
      if (at == std::string_view::npos) return false;
      if (out != nullptr) *out += meanings[at];
      continue;
    }
    int code = code_unit(raw);
    if (code < 0 || (code >= 0xDC00 && code < 0xE000)) return false;
    raw.remove_prefix(4);
    if (code >= 0xD800 && code < 0xDC00) {
      const int low = raw.starts_with("\\u") ? code_unit(raw.substr(2)) : -1;
      if (low < 0xDC00 || low >= 0xE000) return false;
      raw.remove_prefix(6);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (out != nullptr) append_utf8(*out, static_cast<uint32_t>(code));
  }
  return true;
}

// RFC 8259, section 6, and not too large for a double.
bool is_number(const std::string_view number) {
  std::string_view text = number;
  const auto digits = [&] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('0')) {
    text.remove_prefix(1);
  } else if (!digits()) {
    return false;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty() && fits_double(number);
}

// White space, or what is nowhere in JSON.
bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

std::optional<JsonKind> scalar_kind(std::string_view text) {
  if (text == "true" || text == "false") return JsonKind::boolean;
  if (text == "null") return JsonKind::null;
  if (is_number(text)) return JsonKind::number;
  return {};
}

}  // namespace

std::string_view kind_name(JsonKind kind) {
  static constexpr std::string_view names[] = {"object", "array", "string", "number", "boolean", "null"};
  return names[static_cast<size_t>(kind)];
}

bool JsonView::is_integer() const {
  if (kind() != JsonKind::number) return false;
  return whole_number<int64_t>(text()).has_value();
}

std::string_view JsonView::decoded(std::string& buffer) const {
  buffer.clear();
  decode(raw(), &buffer);
  return buffer;
}

std::string JsonView::string() const {
  std::string buffer;
  return std::string(string(buffer));
}

std::string JsonView::string_at(std::string_view name) const {
  const JsonView value = find(name);
  return value.valid() && value.kind() == JsonKind::string ? value.string() : std::string();
}

JsonView JsonView::find(std::string_view name) const {
  if (kind() != JsonKind::object) return {};
  for (const auto& member : children()) {
    if (member.name().raw() == name) return member.value();
  }
  return {};
}

// The first of simdjson's two stages: it finds the beginnings of the tokens and checks UTF-8, control characters
// and the ends of strings. The second stage would build a tree without the places in the text.
struct JsonTape::Tokenizer {
  simdjson::dom::parser parser;
  const uint32_t* tokens = nullptr;  // where each begins, and then the size of the text
  size_t count = 0;

  bool find_tokens(std::string_view text) {
    if (text.size() > parser.capacity() && parser.allocate(text.size()) != simdjson::SUCCESS) return false;
    auto& stages = *parser.implementation;
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    if (stages.stage1(bytes, text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) return false;
    tokens = stages.structural_indexes.get();
    count = stages.n_structural_indexes;
    return true;
  }
};

JsonTape::JsonTape() : tokenizer_(std::make_unique<Tokenizer>()) {}
JsonTape::~JsonTape() = default;

JsonView JsonTape::read(std::string_view text, int max_depth) {
  if (text.size() <= keep_bytes && text_.capacity() > 2 * keep_bytes) {
    tokenizer_ = std::make_unique<Tokenizer>();
    std::string().swap(text_);
    std::vector<Node>().swap(nodes_);
  }
  if (text.empty() || text.size() > UINT32_MAX / 2) return {};
  Outcome outcome = parse(text, max_depth);
  if (outcome == Outcome::has_whitespace) {
    std::string compact(text.size() + simdjson::SIMDJSON_PADDING, '\0');
    size_t length = 0;
    if (simdjson::minify(text.data(), text.size(), compact.data(), length) != simdjson::SUCCESS) return {};
    compact.resize(length);
    outcome = parse(compact, max_depth);
  }
  return outcome == Outcome::read ? JsonView(this, 0) : JsonView();
}

bool JsonTape::has_more_tokens(std::string_view text, size_t limit) {
  if (text.size() <= limit) return false;
  const auto count =
      std::ranges::count_if(text, [](char c) { return c == ',' || c == ':' || c == '{' || c == '['; });
  return static_cast<size_t>(count) > limit;
}

// Reads the tokens one by one. Hot state is in local variables.
JsonTape::Outcome JsonTape::parse(std::string_view given, int max_depth) {
  text_.assign(given);
  text_ += '\0';  // no token begins with it: the end needs no check of its own
  if (!tokenizer_->find_tokens(given)) return Outcome::wrong;
  if (nodes_.size() < tokenizer_->count) nodes_.resize(std::max<size_t>(256, 2 * tokenizer_->count));

  const char* const text = text_.data();
  const uint32_t* token = tokenizer_->tokens;
  Node* const nodes = nodes_.data();
  uint32_t count = 0;
  uint32_t open[max_line_depth];  // the nodes around the present one
  int depth = 0;
  bool has_whitespace = false;
  const bool any_escapes = std::memchr(text, '\\', given.size()) != nullptr;

  // Goes on to the next token, behind one that ends at `end`.
  const auto go_on = [&](uint32_t end) __attribute__((always_inline)) {
    has_whitespace |= *++token != end;
  };
  const auto scalar_end = [&]() __attribute__((always_inline)) {
    uint32_t end = token[1];
    while (is_space(text[end - 1]) && end > *token + 1) --end;
    return end;
  };
  const auto take_string = [&]() __attribute__((always_inline)) {
    const uint32_t begin = *token;
    const uint32_t end = scalar_end();
    bool escaped = false;
    if (any_escapes) {
      const std::string_view raw(text + begin + 1, end - begin - 2);
      escaped = raw.find('\\') != std::string_view::npos;
      if (escaped && !decode(raw, nullptr)) return false;
    }
    nodes[count] = {begin, end, count + 1, JsonKind::string, escaped};
    ++count;
    go_on(end);
    return true;
  };
  const auto take_scalar = [&] {
    const uint32_t begin = *token;
    if (begin >= given.size()) return false;
    const uint32_t end = scalar_end();
    const auto kind = scalar_kind({text + begin, end - begin});
    if (!kind) return false;
    nodes[count] = {begin, end, count + 1, *kind, false};
    ++count;
    go_on(end);
    return true;
  };

  for (;;) {
    // A value begins here.
    const char first = text[*token];
    if (first == '{' || first == '[') {
      if (depth == max_depth) return Outcome::wrong;
      nodes[count] = {*token, 0, 0, first == '{' ? JsonKind::object : JsonKind::array, false};
      open[depth++] = count++;
      go_on(*token + 1);
      if (text[*token] != (first == '{' ? '}' : ']')) {
        if (first == '[') continue;
        if (text[*token] != '"' || !take_string() || text[*token] != ':') return Outcome::wrong;
        go_on(*token + 1);
        continue;
      }
    } else if (first == '"' ? !take_string() : !take_scalar()) {
      return Outcome::wrong;
    }
    // A value has ended here, and so may those around it.
    for (;;) {
      if (depth == 0) {
        if (*token != given.size()) return Outcome::wrong;
        return has_whitespace || *tokenizer_->tokens != 0 ? Outcome::has_whitespace : Outcome::read;
      }
      Node& around = nodes[open[depth - 1]];
      const bool object = around.kind == JsonKind::object;
      if (text[*token] == ',') {
        go_on(*token + 1);
        if (object) {
          if (text[*token] != '"' || !take_string() || text[*token] != ':') return Outcome::wrong;
          go_on(*token + 1);
        }
        break;
      }
      if (text[*token] != (object ? '}' : ']')) return Outcome::wrong;
      around.end = *token + 1;
      around.after = count;
      --depth;
      go_on(*token + 1);
    }
  }
}

}  // namespace aribus
