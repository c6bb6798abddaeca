#include "record/shape_cache.h"

#include <algorithm>
#include <bit>

#include "ari/hangup_causes.h"
#include "base/numbers.h"
#include "base/time.h"
#include "json/escapes.h"
#include "json/json.h"
#include "json/scan.h"
#include "json/simd.h"
#include "record/id_fields.h"

namespace aribus::record {
namespace {

using Action = Shape::Action;

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
  if (nodes_.size() == 1) return false;
  record.app.clear();
  record.ids.clear();
  record.members.clear();
  std::string& out = record.fields;
  out.clear();
  // Zeros follow the text. They are part of no JSON text, so nothing below has to check for its end.
  const std::string_view text = padded.view();
  const char* in = text.data();
  const char* const end = in + text.size();
  const char* from = in;  // the first byte that is not copied yet
  const auto copy_up_to = [&](const char* to) {
    out.append(from, static_cast<size_t>(to - from));
    from = to;
  };
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
    if (node.members != 0) {
      const auto place = static_cast<uint32_t>(out.size() + static_cast<size_t>(in - from));
      for (uint32_t i = node.members; members[i] != no_more; ++i)
        record.members.push_back({place + members[i]});
    }
    if (node.differs) {
      copy_up_to(in);
      out.append(literals + node.out, node.out_size - size_t{node.kept});
      from = in + node.in_size - node.kept;
    }
    in += node.in_size;
    parent = found;
    switch (node.action) {
      case Action::string: {
        bool escaped = false;
        in = string_end(in, escaped);
        if (in == nullptr) return false;
        break;
      }
      case Action::id:
      case Action::own_id:
      case Action::target:
      case Action::app: {
        const char* const inside = in;
        bool escaped = false;
        in = string_end(in, escaped);
        if (in == nullptr) return false;
        std::string_view value(inside, static_cast<size_t>(in - inside));
        if (escaped) {
          decoded_.clear();
          append_decoded(decoded_, value);
          value = decoded_;
        }
        if (node.action == Action::app) {
          record.app = value;
          from = in;
        } else if (node.action == Action::target) {
          add_target(record.ids, value);
        } else {
          const uint32_t number = record.ids.add(node.kind, value);
          if (node.action == Action::own_id) record.members.back().id = number;
        }
        break;
      }
      case Action::integer:
      case Action::cause: {
        const size_t size = integer_size(in);
        if (size == 0) return false;
        const std::string_view number(std::exchange(in, in + size), size);
        if (node.action == Action::integer) break;
        copy_up_to(in);
        if (node.text_is_member) record.members.push_back({static_cast<uint32_t>(out.size())});
        out += R"(,"cause_txt":)";
        append_json_string(out, ari::cause_text(whole_number<int64_t>(number).value_or(0)));
        break;
      }
      case Action::date:
      case Action::made:
      case Action::time: {
        const std::string_view value(in, static_cast<size_t>(next_special(in) - in));
        const auto time = parse_time(value);
        if (!time) return false;
        if (node.action == Action::time) {
          record.time = *time;
        } else {
          copy_up_to(in);
          if (node.action == Action::made) record.members.back().made = static_cast<uint32_t>(out.size());
          append_rfc3339(out, *time);
        }
        in += value.size();
        from = in;
        break;
      }
      case Action::end:
        if (in != end) return false;
        copy_up_to(in);
        if (++hits_ == UINT16_MAX) forget_half();
        record.declared = types_[node.next];
        record.type = record.declared->name;
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
  literals_.append(16, '\0');  // same_bytes() reads up to so many more
  node.in_size = static_cast<uint16_t>(step.in.size());
  node.out_size = static_cast<uint16_t>(step.out.size());
  const auto [in, out] = std::mismatch(step.in.rbegin(), step.in.rend(), step.out.rbegin(), step.out.rend());
  node.kept = static_cast<uint16_t>(in - step.in.rbegin());
  node.differs = step.in != step.out;
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
