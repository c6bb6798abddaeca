#include "record/shape_cache.h"

#include <algorithm>
#include <cstring>

#include <simdjson.h>

#include "ari/hangup_causes.h"
#include "base/numbers.h"
#include "base/time.h"
#include "json/json.h"
#include "json/simd.h"
#include "record/id_fields.h"

namespace aribus::record {
namespace {

using Action = Shape::Action;

// Copies `size` bytes, and up to sixteen more.
inline char* copy(char* out, const char* from, size_t size) {
  size_t at = 0;
  do {
    std::memcpy(out + at, from + at, 16);
  } while ((at += 16) < size);
  return out + size;
}

// The size of the integer at `text`; 0 if it is another number or has over 18 digits. Required: it ends.
size_t integer_size(const char* text) {
  const size_t sign = *text == '-' ? 1 : 0;
  size_t size = sign;
  while (text[size] >= '0' && text[size] <= '9') ++size;
  const size_t digits = size - sign;
  if (digits == 0 || digits > 18 || (digits > 1 && text[sign] == '0')) return 0;
  const char behind = text[size];
  return behind == '.' || behind == 'e' || behind == 'E' ? 0 : size;
}

}  // namespace

void ShapeRecorder::reached(std::string_view value, Action action, IdKind kind) {
  Shape::Step& step = shape_.steps.emplace_back(Shape::Step{action, kind, {}, {}});
  begins_.push_back(out_at_);
  step.in.assign(in_at_, value.data());
  in_at_ = value.data() + value.size();
  if (action == Action::time || action == Action::app) return;  // it is not written
  step.out = out_.substr(out_at_);
}

void ShapeRecorder::cause_added() {
  if (given_up_) return;
  shape_.steps.back().action = Action::cause;
  written();
}

void ShapeRecorder::taken(std::string_view name, JsonView value) {
  if (name == "timestamp") return reached(value.raw(), Action::time);
  if (name == "application") return reached(value.raw(), Action::app);
  if (name != "type") give_up();
}

std::optional<Shape> ShapeRecorder::finish(const ari::ModelType& type, const std::vector<uint32_t>& members) {
  const auto has_time = [&] {
    return std::ranges::any_of(shape_.steps, [](const auto& step) { return step.action == Action::time; });
  };
  if (given_up_ || !has_time() || text_.size() > ShapeCache::max_text_bytes || out_.size() < out_at_)
    return {};
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
  shape_.type = &type;
  return std::move(shape_);
}

bool ShapeCache::read(std::string_view text, Record& record) {
  if (nodes_.size() == 1 || text.size() > max_text_bytes) return false;
  if (!simdjson::validate_utf8(text.data(), text.size())) return false;
  record.app.clear();
  record.ids.clear();
  record.members.clear();
  // Zeros follow the text. They are part of no JSON text, so nothing below has to check for its end.
  const char* in = in_.data();
  const char* const end = std::copy(text.begin(), text.end(), in_.data());
  std::memset(in_.data() + text.size(), 0, spare_bytes);
  char* const begin = out_.data();
  char* out = begin;
  const Node* const nodes = nodes_.data();
  const uint16_t* const members = members_.data();
  const char* const literals = literals_.data();
  uint32_t parent = 0;
  for (;;) {
    uint32_t found = nodes[parent].next;
    if (!same_bytes(in, literals + nodes[found].in, nodes[found].in_size)) {
      found = find_other(parent, in);
      if (found == 0) return false;
    }
    const Node& node = nodes[found];
    in += node.in_size;
    if (node.members != 0) {
      for (uint32_t i = node.members; members[i] != no_more; ++i) {
        record.members.push_back(static_cast<uint32_t>(out - begin) + members[i]);
      }
    }
    out = copy(out, literals + node.out, node.out_size);
    parent = found;
    switch (node.action) {
      case Action::string:
      case Action::id:
      case Action::target:
      case Action::app: {
        const auto size = copy_json_string(in, out);
        if (!size) return false;
        const std::string_view value(in, *size);
        in += *size;
        if (node.action == Action::app) {
          record.app = value;
          break;
        }
        out += *size;
        if (node.action == Action::string) break;
        if (node.action == Action::id) record.ids.add(node.kind, value);
        if (node.action == Action::target) add_target(record.ids, value);
        break;
      }
      case Action::integer:
      case Action::cause: {
        const size_t size = integer_size(in);
        if (size == 0) return false;
        std::memcpy(out, in, size);
        out += size;
        const std::string_view number(std::exchange(in, in + size), size);
        if (node.action == Action::integer) break;
        const int64_t cause = whole_number<int64_t>(number).value_or(0);
        const std::string_view words = ari::cause_text(cause);
        static constexpr std::string_view name = R"(,"cause_txt":)";
        const size_t rest = 2 * static_cast<size_t>(end - in) + spare_bytes;
        if (out + name.size() + words.size() + rest > begin + out_.size()) return false;
        if (node.text_is_member) record.members.push_back(static_cast<uint32_t>(out - begin));
        std::memcpy(out, name.data(), name.size());
        out = write_json_string(out + name.size(), words);
        break;
      }
      case Action::date:
      case Action::time: {
        const std::string_view rest(in, static_cast<size_t>(end - in));
        const std::string_view value = rest.substr(0, rest.find('"'));
        const auto time = parse_time(value);
        if (!time) return false;
        in += value.size();
        if (node.action == Action::time) {
          record.time = *time;
          break;
        }
        write_rfc3339(out, *time);
        out += rfc3339_size;
        break;
      }
      case Action::end:
        if (in != end) return false;
        record.declared = types_[node.next];
        record.type = record.declared->name;
        record.fields.assign(begin, out);
        return true;
    }
  }
}

// The step after `parent` whose text is at `in`, or 0. It is tried first the next time.
uint32_t ShapeCache::find_other(uint32_t parent, const char* in) {
  Node* const nodes = nodes_.data();
  for (uint32_t before = nodes[parent].next; nodes[before].sibling != 0; before = nodes[before].sibling) {
    const uint32_t at = nodes[before].sibling;
    const Node& node = nodes[at];
    if (!same_bytes(in, literals_.data() + node.in, node.in_size)) continue;
    nodes[before].sibling = node.sibling;
    nodes[at].sibling = nodes[parent].next;
    nodes[parent].next = at;
    return at;
  }
  return 0;
}

void ShapeCache::learn(const Shape& shape) {
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
  if (nodes_.size() == before) return;  // its shape is known: only its values were unusual
  nodes_[parent].next = static_cast<uint32_t>(types_.size());
  types_.push_back(shape.type);
}

uint32_t ShapeCache::add(uint32_t parent, const Shape::Step& step) {
  const auto place = static_cast<uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.in = static_cast<uint32_t>(literals_.size());
  literals_ += step.in;
  node.out = static_cast<uint32_t>(literals_.size());
  literals_ += step.out;
  literals_.append(16, '\0');  // copy() reads up to so many more
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
