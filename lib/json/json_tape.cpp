#include "json/json_tape.h"

#include <algorithm>
#include <cstring>

#include "base/numbers.h"
#include "json/escapes.h"

namespace aribus {
namespace {

constexpr size_t kept_nodes = 1 << 16;  // memory for so many is kept

}  // namespace

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

// What was left out of a text while it is read. White space between tokens is rare: where it is met, what
// came before is moved over the gap.
class JsonTape::Gaps {
 public:
  explicit Gaps(char* text) : text_(text), kept_(text), piece_(text) {}

  // Leaves out the white space at `in`, and returns the end of it.
  [[gnu::noinline]] const char* leave_out_space(const char* in) {
    move_piece(in);
    while (is_json_space(*in)) ++in;
    left_out_ += in - piece_;
    piece_ = in;
    return in;
  }
  // Moves the bytes since the last gap to where they are kept, and returns the size of all that is kept.
  size_t move_piece(const char* in) {
    const auto size = static_cast<size_t>(in - piece_);
    if (kept_ != piece_) std::memmove(kept_, piece_, size);
    piece_ = in;
    kept_ += size;
    return static_cast<size_t>(kept_ - text_);
  }
  // How many bytes were left out so far.
  [[nodiscard]] ptrdiff_t left_out() const { return left_out_; }

 private:
  char* const text_;
  char* kept_;         // the end of what is in its place
  const char* piece_;  // what was read since the last gap begins here
  ptrdiff_t left_out_ = 0;
};

// Reads the value at `in`, as RFC 8259 has its grammar, and returns its end, or nullptr if it is none. Its
// places are counted from base_. With `gaps`, white space is left out; without, it is an error. Hot state is
// in local variables.
const char* JsonTape::read_value(const char* in, int max_depth, Gaps* gaps) {
  const char* origin = base_;  // where the text would begin if nothing had been left out of it
  Node* nodes = nodes_.data();
  size_t room = nodes_.size();
  size_t count = 0;
  uint32_t open[max_line_depth];  // the nodes around the present one
  int depth = 0;

  const auto leave_out_space = [&]() __attribute__((always_inline)) {
    if (gaps == nullptr) return;
    in = gaps->leave_out_space(in);
    origin = base_ + gaps->left_out();
  };
  // Goes on behind `c` if that comes next, maybe after white space.
  const auto take = [&](char c) __attribute__((always_inline)) {
    if (*in != c) [[unlikely]] {
      if (!is_json_space(*in)) return false;
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
    bool escaped = false;
    in = string_end(in, escaped);
    if (in == nullptr) return false;
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
    if (is_json_space(*in)) [[unlikely]]
      leave_out_space();
    const char first = *in;
    if (first == '"') {
      ++in;
      if (!take_string()) return nullptr;
    } else if (first == '{' || first == '[') {
      if (depth == max_depth) return nullptr;
      make_room();
      nodes[count] = {place(in), 0, 0, first == '{' ? JsonKind::object : JsonKind::array, false};
      open[depth++] = static_cast<uint32_t>(count++);
      ++in;
      if (is_json_space(*in)) [[unlikely]]
        leave_out_space();
      if (*in != (first == '{' ? '}' : ']')) {
        if (first == '{' && !take_name()) return nullptr;
        continue;
      }
      Node& empty = nodes[open[--depth]];
      empty.end = place(++in);
      empty.after = static_cast<uint32_t>(count);
    } else {
      JsonKind kind{};
      const char* const begin = in;
      in = scalar_end(in, kind);
      if (in == nullptr) return nullptr;
      make_room();
      nodes[count] = {place(begin), place(in), static_cast<uint32_t>(count + 1), kind, false};
      ++count;
    }
    // A value has ended here, and so may those around it.
    for (;;) {
      if (depth == 0) return in;
      Node& around = nodes[open[depth - 1]];
      const bool object = around.kind == JsonKind::object;
      if (*in == ',' || is_json_space(*in)) {
        if (take(',')) {
          if (object && !take_name()) return nullptr;
          break;
        }
      }
      if (*in != (object ? '}' : ']')) return nullptr;
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
  base_ = text_.view().data();
  const char* const end = base_ + text_.view().size();
  Gaps gaps(text_.bytes_.get());
  const char* in = read_value(base_, max_depth, &gaps);
  if (in == nullptr) return {};
  if (is_json_space(*in)) in = gaps.leave_out_space(in);
  if (in != end) return {};
  if (gaps.left_out() > 0) text_.shorten(gaps.move_piece(in));
  return {this, 0};
}

JsonView JsonTape::parse_inside(const char* at, int max_depth) {
  if (nodes_.size() > kept_nodes) std::vector<Node>().swap(nodes_);
  base_ = at;
  return read_value(at, max_depth, nullptr) == nullptr ? JsonView() : JsonView(this, 0);
}

bool JsonTape::has_more_tokens(std::string_view text, size_t limit) {
  if (text.size() <= limit) return false;
  const auto count =
      std::ranges::count_if(text, [](char c) { return c == ',' || c == ':' || c == '{' || c == '['; });
  return static_cast<size_t>(count) > limit;
}

}  // namespace aribus
