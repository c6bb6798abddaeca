#include "json/json_tape.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/numbers.h"
#include "json/escapes.h"
#include "json/json.h"
#include "json/simd.h"

namespace aribus {
namespace {

constexpr size_t kept_nodes = 1 << 16;  // memory for so many is kept

// RFC 8259, section 6, and not too large for a double.
bool is_number(const std::string_view number) {
  std::string_view text = number;
  const auto digits = [&] {
    size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
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
  constexpr size_t few = 200;  // digits, which fit without an exponent
  if (text.empty() && number.size() <= few) return true;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty() && fits_double(number);
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// Behind `at`, a special byte in a string that is not its closing quote: where that quote is; nullptr if an escape is
// invalid or there is none.
char* escaped_string_end(char* at) {
  for (const char* in = at; *in == '\\';) {
    in = behind_escape(in);
    if (in == nullptr) return nullptr;
    in = next_special(in);
    if (*in == '"') return at + (in - at);
  }
  return nullptr;
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
  append_decoded(buffer, raw());
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

namespace {

// What was left out of a text while it is read. White space between tokens is rare: where it is met, what came before
// is moved over the gap.
class Gaps {
 public:
  explicit Gaps(char* text) : kept_(text), piece_(text) {}

  // Leaves out the white space at `in`, and returns the end of it.
  [[gnu::noinline]] char* leave_out_space(char* in) {
    move_piece(in);
    while (is_space(*in)) ++in;
    left_out_ += in - piece_;
    piece_ = in;
    return in;
  }
  // Moves the bytes since the last gap to where they are kept, and returns their end.
  char* move_piece(char* in) {
    const auto size = static_cast<size_t>(in - piece_);
    if (kept_ != piece_) std::memmove(kept_, piece_, size);
    piece_ = in;
    return kept_ += size;
  }
  // How many bytes were left out so far.
  [[nodiscard]] ptrdiff_t left_out() const { return left_out_; }

 private:
  char* kept_;   // the end of what is in its place
  char* piece_;  // what was read since the last gap begins here
  ptrdiff_t left_out_ = 0;
};

// The end of the number, true, false or null at `in`, and its kind; nullptr if it is none.
char* scalar_end(char* in, JsonKind& kind) {
  const auto is_end = [](char c) { return c == ',' || c == '}' || c == ']' || c == 0 || is_space(c); };
  const char* const begin = in;
  if (*in == '-') ++in;
  const char* const digits = in;
  while (*in >= '0' && *in <= '9') ++in;
  const auto count = in - digits;
  kind = JsonKind::number;
  if (count > 0 && count < 20 && (count == 1 || *digits != '0') && is_end(*in)) return in;
  while (!is_end(*in)) ++in;
  const auto found = scalar_kind({begin, static_cast<size_t>(in - begin)});
  if (!found) return nullptr;
  kind = *found;
  return in;
}

}  // namespace

// Reads the text from its beginning to its end, as RFC 8259 has its grammar. Hot state is in local variables.
bool JsonTape::read_all(int max_depth) {
  char* in = text_.bytes_.get();
  char* const end = in + text_.size_;
  const char* origin = in;  // where the text would begin if nothing had been left out of it
  Gaps gaps(in);
  Node* nodes = nodes_.data();
  size_t room = nodes_.size();
  size_t count = 0;
  uint32_t open[max_line_depth];  // the nodes around the present one
  int depth = 0;

  const auto leave_out_space = [&]() __attribute__((always_inline)) {
    in = gaps.leave_out_space(in);
    origin = text_.bytes_.get() + gaps.left_out();
  };
  // Goes on behind `c` if that comes next, maybe after white space.
  const auto take = [&](char c) __attribute__((always_inline)) {
    if (*in != c) [[unlikely]] {
      if (!is_space(*in)) return false;
      leave_out_space();
      if (*in != c) return false;
    }
    ++in;
    return true;
  };
  const auto place = [&](const char* at) __attribute__((always_inline)) {
    return static_cast<uint32_t>(at - origin);
  };
  const auto make_room = [&]() __attribute__((always_inline)) {
    if (count < room) [[likely]]
      return;
    nodes_.resize(room = std::max<size_t>(256, 2 * count));
    nodes = nodes_.data();
  };
  // Takes the rest of a string, whose first quote was taken.
  const auto take_string = [&]() __attribute__((always_inline)) {
    const char* const begin = in - 1;
    in = next_special(in);
    bool escaped = false;
    if (*in != '"') [[unlikely]] {
      in = escaped_string_end(in);
      if (in == nullptr) return false;
      escaped = true;
    }
    ++in;
    make_room();
    nodes[count] = {place(begin), place(in), static_cast<uint32_t>(count + 1), JsonKind::string, escaped};
    ++count;
    return true;
  };
  const auto take_name = [&]() __attribute__((always_inline)) {
    return take('"') && take_string() && take(':');
  };

  for (;;) {
    // A value begins here.
    if (is_space(*in)) [[unlikely]]
      leave_out_space();
    const char first = *in;
    if (first == '"') {
      ++in;
      if (!take_string()) return false;
    } else if (first == '{' || first == '[') {
      if (depth == max_depth) return false;
      make_room();
      nodes[count] = {place(in), 0, 0, first == '{' ? JsonKind::object : JsonKind::array, false};
      open[depth++] = static_cast<uint32_t>(count++);
      ++in;
      if (is_space(*in)) [[unlikely]]
        leave_out_space();
      if (*in != (first == '{' ? '}' : ']')) {
        if (first == '{' && !take_name()) return false;
        continue;
      }
      Node& empty = nodes[open[--depth]];
      empty.end = place(++in);
      empty.after = static_cast<uint32_t>(count);
    } else {
      JsonKind kind{};
      const char* const begin = in;
      in = scalar_end(in, kind);
      if (in == nullptr) return false;
      make_room();
      nodes[count] = {place(begin), place(in), static_cast<uint32_t>(count + 1), kind, false};
      ++count;
    }
    // A value has ended here, and so may those around it.
    for (;;) {
      if (depth == 0) {
        if (is_space(*in)) leave_out_space();
        if (in != end) return false;
        if (gaps.left_out() > 0) text_.shorten(static_cast<size_t>(gaps.move_piece(in) - text_.bytes_.get()));
        return true;
      }
      Node& around = nodes[open[depth - 1]];
      const bool object = around.kind == JsonKind::object;
      if (*in == ',' || is_space(*in)) {
        if (take(',')) {
          if (object && !take_name()) return false;
          break;
        }
      }
      if (*in != (object ? '}' : ']')) return false;
      around.end = place(++in);
      around.after = static_cast<uint32_t>(count);
      --depth;
    }
  }
}

bool JsonTape::take(std::string_view text) {
  if (nodes_.size() > kept_nodes) std::vector<Node>().swap(nodes_);
  return !text.empty() && text.size() <= UINT32_MAX / 2 && text_.set(text);
}

JsonView JsonTape::parse(int max_depth) {
  return read_all(max_depth) ? JsonView(this, 0) : JsonView();
}

bool JsonTape::has_more_tokens(std::string_view text, size_t limit) {
  if (text.size() <= limit) return false;
  const auto count =
      std::ranges::count_if(text, [](char c) { return c == ',' || c == ':' || c == '{' || c == '['; });
  return static_cast<size_t>(count) > limit;
}

}  // namespace aribus
