#include "record/shapes.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <simdjson.h>

#include "ari/causes.h"
#include "base/json.h"
#include "base/time.h"

namespace aribus::record {
namespace {

using Action = Shape::Action;

// Where the first of the sixteen bytes lies that is a control character, a quote or a backslash, or 16.
size_t find_special(const char* at) {
#ifdef __SSE2__
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const int found = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
  return static_cast<size_t>(std::countr_zero(static_cast<unsigned>(found) | 0x10000U));
#else
  size_t place = 0;
  while (place < 16 && static_cast<unsigned char>(at[place]) >= 0x20 && at[place] != '"' && at[place] != '\\')
    ++place;
  return place;
#endif
}

// Copies the inside of a JSON string up to its closing quote, and up to sixteen bytes more. Returns its size,
// or nothing when it has escapes or control characters.
inline std::optional<size_t> copy_string(std::string_view text, char* out) {
  size_t at = 0;
  for (; text.size() - at >= 16; at += 16) {
    std::memcpy(out + at, text.data() + at, 16);
    const size_t special = find_special(text.data() + at);
    if (special == 16) continue;
    if (text[at + special] != '"') return {};
    return at + special;
  }
  for (; at < text.size(); ++at) {
    if (text[at] == '"') return at;
    if (text[at] == '\\' || static_cast<unsigned char>(text[at]) < 0x20) return {};
    out[at] = text[at];
  }
  return {};
}

// Copies `size` bytes, and up to sixteen more.
inline char* copy(char* out, const char* from, size_t size) {
  size_t at = 0;
  do {
    std::memcpy(out + at, from + at, 16);
  } while ((at += 16) < size);
  return out + size;
}

// Whether the first `size` bytes are the same.
inline bool same(const char* one, const char* other, size_t size) {
  const auto differ = [&](size_t at) { return std::memcmp(one + at, other + at, 16) != 0; };
  if (size < 16) return std::memcmp(one, other, size) == 0;
  if (differ(size - 16)) return false;
  for (size_t at = 0; at + 16 < size; at += 16) {
    if (differ(at)) return false;
  }
  return true;
}

// The size of the whole number at the front of `text`, or 0 when it is another one, or a large one.
size_t integer_size(std::string_view text) {
  const size_t sign = text.starts_with('-') ? 1 : 0;
  size_t size = sign;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9') ++size;
  const size_t digits = size - sign;
  if (digits == 0 || digits > 18 || (digits > 1 && text[sign] == '0') || size == text.size()) return 0;
  return std::strchr(".eE", text[size]) == nullptr ? size : 0;
}

}  // namespace

void ShapeNotes::reached(std::string_view value, Action action, IdKind kind) {
  Shape::Step& step = shape_.steps.emplace_back(Shape::Step{action, kind, {}, {}});
  begins_.push_back(out_at_);
  step.in.assign(in_at_, value.data());
  in_at_ = value.data() + value.size();
  if (action == Action::time || action == Action::app) return;  // nothing is written of it
  step.out = out_.substr(out_at_);
}

void ShapeNotes::cause_added() {
  if (given_up_) return;
  shape_.steps.back().action = Action::cause;
  written();
}

void ShapeNotes::taken(std::string_view name, JsonView value) {
  if (name == "timestamp") return reached(value.raw(), Action::time);
  if (name == "application") return reached(value.raw(), Action::app);
  if (name != "type") give_up();
}

std::optional<Shape> ShapeNotes::finish(const std::string& type, const std::vector<uint32_t>& members) {
  const auto has_time = [&] {
    return std::ranges::any_of(shape_.steps, [](const auto& step) { return step.action == Action::time; });
  };
  if (given_up_ || !has_time() || text_.size() > Shapes::max_text_bytes || out_.size() < out_at_) return {};
  reached({text_.data() + text_.size(), 0}, Action::end);
  size_t i = 0;
  for (const uint32_t member : members) {
    while (member >= begins_[i] + shape_.steps[i].out.size()) ++i;
    if (member < begins_[i]) {
      shape_.steps[i - 1].text_is_member = true;
    } else {
      shape_.steps[i].members.push_back(static_cast<uint16_t>(member - begins_[i]));
    }
  }
  shape_.type = type;
  return std::move(shape_);
}

bool Shapes::read(std::string_view text, Record& record) {
  if (nodes_.size() == 1 || text.size() > max_text_bytes) return false;
  if (!simdjson::validate_utf8(text.data(), text.size())) return false;
  record.app.clear();
  record.ids.clear();
  record.members.clear();
  char* out = out_.data();
  uint32_t parent = 0;
  for (;;) {
    const uint32_t found = find(parent, text);
    if (found == 0) return false;
    const Node& node = nodes_[found];
    text.remove_prefix(node.in_size);
    for (uint32_t i = node.members; members_[i] != no_more; ++i) {
      record.members.push_back(static_cast<uint32_t>(out - out_.data()) + members_[i]);
    }
    out = copy(out, literals_.data() + node.out, node.out_size);
    size_t size = 0;
    switch (node.action) {
      case Action::string:
      case Action::id:
      case Action::target:
      case Action::app: {
        const auto copied = copy_string(text, out);
        if (!copied) return false;
        size = *copied;
        const std::string_view value = text.substr(0, size);
        if (node.action == Action::app) {
          record.app = value;
          break;
        }
        if (node.action == Action::id) record.ids.add(node.kind, value);
        if (node.action == Action::target) record.ids.add_target(value);
        out += size;
        break;
      }
      case Action::integer:
      case Action::cause: {
        size = integer_size(text);
        if (size == 0) return false;
        std::memcpy(out, text.data(), size);
        out += size;
        if (node.action == Action::integer) break;
        int cause = 0;
        std::from_chars(text.data(), text.data() + size, cause);
        const std::string_view words = ari::cause_text(cause);
        static constexpr std::string_view name = R"(,"cause_txt":)";
        if (out + name.size() + words.size() + 2 * text.size() + spare_bytes > out_.data() + out_.size()) {
          return false;
        }
        if (node.text_is_member) record.members.push_back(static_cast<uint32_t>(out - out_.data()));
        std::memcpy(out, name.data(), name.size());
        out = write_json_string(out + name.size(), words);
        break;
      }
      case Action::date:
      case Action::time: {
        size = std::min(text.find('"'), text.size());
        const auto time = parse_time(text.substr(0, size));
        if (!time) return false;
        if (node.action == Action::time) {
          record.time = *time;
          break;
        }
        write_rfc3339(out, *time);
        out += rfc3339_size;
        break;
      }
      case Action::end:
        if (!text.empty()) return false;
        record.type = types_[node.next];
        record.fields.assign(out_.data(), out);
        return true;
    }
    text.remove_prefix(size);
    parent = found;
  }
}

// The step behind `parent` whose text is at the front of `text`, or 0. It comes first the next time.
uint32_t Shapes::find(uint32_t parent, std::string_view text) {
  Node* const nodes = nodes_.data();
  uint32_t before = 0;
  for (uint32_t at = nodes[parent].next; at != 0; before = at, at = nodes[at].sibling) {
    const Node& node = nodes[at];
    if (text.size() < node.in_size) continue;
    if (!same(text.data(), literals_.data() + node.in, node.in_size)) continue;
    if (before != 0) {
      nodes[before].sibling = node.sibling;
      nodes[at].sibling = nodes[parent].next;
      nodes[parent].next = at;
    }
    return at;
  }
  return 0;
}

void Shapes::learn(const Shape& shape) {
  if (steps() + shape.steps.size() > max_steps) {
    nodes_.assign(1, Node{});
    literals_.clear();
    types_.clear();
    members_.assign(1, no_more);
  }
  const size_t before = nodes_.size();
  uint32_t parent = 0;
  for (const Shape::Step& step : shape.steps) {
    uint32_t child = nodes_[parent].next;
    const auto is_it = [&](const Node& node) {
      return node.action == step.action && node.kind == step.kind &&
             literal(node.in, node.in_size) == step.in && literal(node.out, node.out_size) == step.out;
    };
    while (child != 0 && !is_it(nodes_[child])) child = nodes_[child].sibling;
    parent = child != 0 ? child : add(parent, step);
  }
  if (nodes_.size() == before) return;  // it was its values that made it odd
  nodes_[parent].next = static_cast<uint32_t>(types_.size());
  types_.push_back(shape.type);
}

uint32_t Shapes::add(uint32_t parent, const Shape::Step& step) {
  const auto place = static_cast<uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.in = static_cast<uint32_t>(literals_.size());
  literals_ += step.in;
  node.out = static_cast<uint32_t>(literals_.size());
  literals_ += step.out;
  literals_.append(16, '\0');  // so much is copied with it
  node.in_size = static_cast<uint16_t>(step.in.size());
  node.out_size = static_cast<uint16_t>(step.out.size());
  node.action = step.action;
  node.kind = step.kind;
  node.text_is_member = step.text_is_member;
  if (!step.members.empty()) {
    node.members = static_cast<uint32_t>(members_.size());
    members_.insert(members_.end(), step.members.begin(), step.members.end());
    members_.push_back(no_more);
  }
  node.sibling = nodes_[parent].next;
  nodes_[parent].next = place;
  return place;
}

}  // namespace aribus::record
