#include "record/shape_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ari/hangup_causes.h"
#include "base/numbers.h"
#include "base/time.h"
#include "json/escapes.h"
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

// Copies the rest of a JSON string, whose first special byte is at `in`, if that begins an escape, with its
// escapes. Returns the place of the closing quote, or nullptr if an escape is invalid or the string does not
// end.
[[gnu::noinline]] const char* copy_escaped(const char* in, char* out) {
  while (*in == '\\') {
    const char* const behind = behind_escape(in);
    if (behind == nullptr) return nullptr;
    const auto size = static_cast<size_t>(behind - in);  // at most twelve
    std::memcpy(out, in, 16);
    const size_t copied = size + copy_up_to_special(behind, out + size);
    in += copied;
    out += copied;
  }
  return *in == '"' ? in : nullptr;
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
  const bool is_written = action != Action::time && action != Action::app;
  if (is_written) step.out = out_.substr(out_at_);
  bytes_ += step.in.size() + step.out.size();
  if (bytes_ > max_shape_bytes || shape_.steps.size() > max_shape_steps) give_up();
}

void ShapeRecorder::cause_added() {
  if (given_up_) return;
  shape_.steps.back().action = Action::cause;
  written();
}

void ShapeRecorder::taken(std::string_view name, std::string_view value) {
  if (given_up_ || name == "type") return;
  if (name != "timestamp" && name != "application") return give_up();
  reached(value.substr(1, value.size() - 2), name == "timestamp" ? Action::time : Action::app);
}

std::optional<Shape> ShapeRecorder::finish(const ari::ModelType& type, const std::vector<Member>& members) {
  const auto has_time = [&] {
    return std::ranges::any_of(shape_.steps, [](const auto& step) { return step.action == Action::time; });
  };
  if (given_up_ || !has_time() || out_.size() < out_at_) return {};
  reached({text_.data() + text_.size(), 0}, Action::end);
  if (given_up_) return {};
  size_t i = 0;
  for (const Member& member : members) {
    while (member.begin >= begins_[i] + shape_.steps[i].out.size()) ++i;
    if (member.begin < begins_[i]) {
      shape_.steps[i - 1].text_is_member = true;
    } else {
      shape_.steps[i].members.push_back(static_cast<uint16_t>(member.begin - begins_[i]));
    }
  }
  shape_.type = &type;
  return std::move(shape_);
}

bool ShapeCache::read(const PaddedText& padded, Record& record) {
  const std::string_view text = padded.view();
  if (nodes_.size() == 1 || text.size() > max_text_bytes) return false;
  record.app.clear();
  record.ids.clear();
  record.members.clear();
  if (out_.size() < 2 * text.size() + spare_bytes) out_.resize(3 * text.size() + spare_bytes);
  // Zeros follow the text. They are part of no JSON text, so nothing below has to check for its end.
  const char* in = text.data();
  const char* const end = text.data() + text.size();
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
        record.members.push_back({static_cast<uint32_t>(out - begin) + members[i]});
      }
    }
    out = copy(out, literals + node.out, node.out_size);
    parent = found;
    switch (node.action) {
      case Action::string:
      case Action::id:
      case Action::own_id:
      case Action::target:
      case Action::app: {
        const char* const inside = in;
        in += copy_up_to_special(in, out);
        const bool escaped = *in != '"';
        if (escaped) {
          in = copy_escaped(in, out + (in - inside));
          if (in == nullptr) return false;
        }
        std::string_view value(inside, static_cast<size_t>(in - inside));
        if (node.action != Action::app) out += value.size();
        if (node.action == Action::string) break;
        if (escaped) {
          decoded_.clear();
          append_decoded(decoded_, value);
          value = decoded_;
        }
        if (node.action == Action::app) record.app = value;
        if (node.action == Action::id) record.ids.add(node.kind, value);
        if (node.action == Action::own_id) record.members.back().id = record.ids.add(node.kind, value);
        if (node.action == Action::target) add_target(record.ids, value);
        break;
      }
      case Action::integer:
      case Action::cause: {
        const size_t size = integer_size(in);
        if (size == 0) return false;
        out = copy(out, in, size);
        const std::string_view number(std::exchange(in, in + size), size);
        if (node.action == Action::integer) break;
        const int64_t cause = whole_number<int64_t>(number).value_or(0);
        const std::string_view words = ari::cause_text(cause);
        static constexpr std::string_view name = R"(,"cause_txt":)";
        const size_t rest = 2 * static_cast<size_t>(end - in) + spare_bytes;
        if (out + name.size() + words.size() + rest > begin + out_.size()) return false;
        if (node.text_is_member) record.members.push_back({static_cast<uint32_t>(out - begin)});
        std::memcpy(out, name.data(), name.size());
        out = write_json_string(out + name.size(), words);
        break;
      }
      case Action::date:
      case Action::made:
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
        if (node.action == Action::made) record.members.back().made = static_cast<uint32_t>(out - begin);
        write_rfc3339(out, *time);
        out += rfc3339_size;
        break;
      }
      case Action::end:
        if (in != end) return false;
        if (++hits_ == UINT16_MAX) forget_half();
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

bool ShapeCache::wants(uint64_t layout) {
  if (++misses_ == UINT16_MAX) forget_half();
  credit_ = std::min(credit_ + 1, max_credit);
  Layout& met = met_[layout % met_.size()];
  const auto hash = static_cast<uint32_t>(layout >> 32);
  if (met.hash != hash) {
    met = {hash, 1};
    return false;
  }
  // Some events of one layout have no shape, or differ from those that are known in a value that can't be in
  // one.
  if (!std::has_single_bit(++met.times) || credit_ < learning_cost) return false;
  credit_ -= learning_cost;
  return true;
}

void ShapeCache::forget_half() {
  hits_ /= 2;
  misses_ /= 2;
}

// The step after `parent` that is the same, or 0. Counts the steps that it is compared with in `siblings`.
uint32_t ShapeCache::find_step(uint32_t parent, const Shape::Step& step, size_t& siblings) const {
  siblings = 0;
  for (uint32_t child = nodes_[parent].next; child != 0; child = nodes_[child].sibling, ++siblings) {
    const Node& node = nodes_[child];
    if (node.action == step.action && node.kind == step.kind && literal(node.in, node.in_size) == step.in &&
        literal(node.out, node.out_size) == step.out) {
      return child;
    }
  }
  return 0;
}

bool ShapeCache::has_room(const Shape& shape) const {
  uint32_t parent = 0;
  size_t siblings = 0, known = 0;
  for (const Shape::Step& step : shape.steps) {
    const uint32_t child = find_step(parent, step, siblings);
    if (child == 0) break;
    parent = child;
    ++known;
  }
  return siblings < max_siblings && steps() + shape.steps.size() - known <= max_steps;
}

void ShapeCache::learn(const Shape& shape) {
  if (!has_room(shape)) {
    if (misses_ <= hits_) return;
    nodes_.assign(1, Node{});
    literals_.clear();
    types_.clear();
    members_.assign(1, no_more);
    hits_ = misses_ = 0;
  }
  const size_t before = nodes_.size();
  uint32_t parent = 0;
  size_t siblings = 0;
  for (const Shape::Step& step : shape.steps) {
    const uint32_t child = find_step(parent, step, siblings);
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
