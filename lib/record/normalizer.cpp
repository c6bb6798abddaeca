#include "record/normalizer.h"

#include <bit>
#include <optional>

#include "ari/hangup_causes.h"
#include "base/numbers.h"
#include "base/time.h"
#include "base/utf8.h"
#include "json/escapes.h"
#include "json/find_member.h"
#include "json/json.h"
#include "json/simd.h"
#include "record/id_fields.h"

namespace aribus::record {
namespace {

using ari::Type;
using How = FieldRule::How;

constexpr size_t max_shown_bytes = 64;  // of a value, in a fault

const NameKey cause_key("cause");

// One tape for all: what is on it is not needed any more when the next value is put on it.
JsonTape& undeclared_tape() {
  static thread_local JsonTape tape;
  return tape;
}

JsonPiece piece_of(JsonView value) {
  return {value.kind(), value.has_escapes(), value.text()};
}

bool is_container(char first) {
  return first == '{' || first == '[';
}

std::string_view from_to(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// Whether a value of this kind may be any JSON.
bool is_free_form(Type type) {
  return type != Type::string && type != Type::integer && type != Type::number && type != Type::boolean &&
         type != Type::model;
}

bool has_type(const JsonPiece& value, Type type) {
  switch (type) {
    case Type::string:
      return value.kind == JsonKind::string;
    case Type::integer:
      return value.is_integer();
    case Type::number:
      return value.kind == JsonKind::number;
    case Type::boolean:
      return value.kind == JsonKind::boolean;
    case Type::model:
      return value.kind == JsonKind::object;
    default:
      return true;
  }
}

// The rules for an undeclared object; nullptr if it looks like none with an id.
const ModelRules* recognise(JsonView object) {
  const std::string_view model = recognised_model(object);
  return model.empty() ? nullptr : find_rules(model);
}

std::string_view name_of_type(const FieldRule& rule) {
  return rule.model == nullptr ? ari::text_of(rule.type) : rule.model->name();
}

// As string_end(), for names, which nearly always have less than sixteen bytes.
const char* name_end(const char* in, bool& escaped) {
  const unsigned special = Block16::load(in).special_bits();
  const char* const end = in + std::countr_zero(special | 1U << 16);
  return *end == '"' ? end : string_end(in, escaped);
}

const char* string(const char* in, JsonPiece& value) {
  const char* const end = string_end(in + 1, value.escaped);
  if (end == nullptr) return nullptr;
  value.kind = JsonKind::string;
  value.text = from_to(in, end + 1);
  return end + 1;
}

// What is done with a string of this field.
Shape::Action action_of(const FieldRule& rule) {
  return rule.id ? Shape::Action::id : rule.target ? Shape::Action::target : Shape::Action::string;
}

}  // namespace

std::string_view JsonPiece::string(std::string& buffer) const {
  if (!escaped) return raw();
  buffer.clear();
  append_decoded(buffer, raw());
  return buffer;
}

bool JsonPiece::is_integer() const {
  constexpr size_t fits = 18;  // characters of a whole number that fit in any case
  if (kind != JsonKind::number) return false;
  if (text.size() > fits) return whole_number<int64_t>(text).has_value();
  return text.find_first_of(".eE") == std::string_view::npos;
}

void Normalizer::write(JsonView value, Type type, bool list, const ModelRules* model) {
  const std::string_view text = value.text();
  from_ = text.data();
  end_ = text.data() + text.size();
  max_depth_ = max_line_depth;  // whoever read it has set a bound
  if (type == Type::model && model == nullptr) {
    see(value);
  } else {
    field(from_, {.key = NameKey(""), .type = type, .list = list, .model = model}, {});
  }
  copy_up_to(end_);
}

bool Normalizer::write_event(const PaddedText& text, const ModelRules& model, EnvelopeSink& sink,
                             std::vector<Member>& places, ShapeRecorder* recorder) {
  const char* const begin = text.view().data();
  if (*begin != '{') return false;
  places_ = &places;
  from_ = begin + 1;
  end_ = begin + text.view().size();
  recorder_ = recorder;
  const char* const end = members(begin, model, &sink, {});
  if (end != end_) return false;
  copy_up_to(end_ - 1);
  return true;
}

void Normalizer::write_undeclared_event(JsonView event, EnvelopeSink& sink, std::vector<Member>& places) {
  const std::string_view text = event.text();
  places_ = &places;
  from_ = text.data() + 1;
  see_members(event, recognise(event), &sink);
  copy_up_to(text.data() + text.size() - 1);
}

const char* Normalizer::members(const char* in, const ModelRules& model, EnvelopeSink* sink,
                                const JsonPath& path) {
  if (path.depth == max_depth_) return nullptr;
  const char* const object = in;
  uint64_t missing = model.required();
  std::optional<bool> has_words;  // the text of its cause; searched once, as there may be many causes
  bool more = *++in != '}';
  if (!more) ++in;
  while (more) {
    const char* const name_at = in;
    bool escaped = false;
    if (*in != '"' || (in = name_end(in + 1, escaped)) == nullptr || in[1] != ':') return nullptr;
    NameKey key = NameKey::in_padded(from_to(name_at + 1, in));
    if (escaped) [[unlikely]] {
      decoded_name_.clear();
      append_decoded(decoded_name_, key.name);
      key = NameKey(decoded_name_);
    }
    const char* const value_at = in += 2;
    // The end of a string is looked for before the rule: the processor does both at the same time, and keeps
    // the end when it has guessed the rule wrong.
    JsonPiece value;
    const bool is_string = *in == '"';
    if (is_string && (in = string(in, value)) == nullptr) return nullptr;
    layout_ = key.mixed_with(layout_);
    const FieldRule* const rule = model.find(key);
    if (is_string && rule != nullptr && rule->how == How::copy && recorder_ == nullptr) {
      missing &= ~rule->bit;
      if (sink != nullptr) note_place(name_at);
    } else {
      const JsonPath inner{&path, rule == nullptr ? key.name : rule->key.name, 0, path.depth + 1};
      bool left_out = *value_at == 'n';  // null
      if (rule != nullptr && !left_out) missing &= ~rule->bit;
      const bool of_envelope = sink != nullptr && (rule == nullptr ? is_envelope_name(key) : rule->envelope);
      const char* end = is_string ? in : nullptr;  // of the value
      if (!is_string && (of_envelope || left_out) && (end = piece(in, inner, value)) == nullptr)
        return nullptr;
      if (of_envelope) {
        const bool is_taken = sink->take(key.name, escaped, value);
        if (is_taken && recorder_ != nullptr) recorder_->taken(key.name, value.text);
        left_out |= is_taken;
      }
      if (left_out) {
        leave_out(name_at, in = end);
      } else {
        if (sink != nullptr) note_place(name_at);
        if (rule == nullptr && is_string) {
          note(value);
        } else if (rule == nullptr) {
          in = undeclared(in, inner);
        } else if (is_string && (rule->how == How::string || rule->how == How::copy)) {
          use_string(value, *rule, inner);
        } else if (is_string && rule->how == How::time) {
          use_time(value, *rule, inner);
        } else if (*value_at == '{' && rule->how == How::object) {
          in = members(in, *rule->model, nullptr, inner);
        } else {
          in = field(value_at, *rule, inner);
        }
        if (in == nullptr) return nullptr;
        if (key == cause_key) {
          if (!has_words) has_words = has_cause_text(object);
          if (!*has_words) has_words = add_cause_text(from_to(value_at, in), sink != nullptr);  // only once
        }
      }
    }
    more = *in == ',';
    if (!more && *in != '}') return nullptr;
    ++in;
  }
  if (missing != 0) [[unlikely]] {
    const auto first = static_cast<size_t>(std::countr_zero(missing));
    found_fault({&path, model.fields()[first].key.name}, "missing");
  }
  if (model.endpoint()) add_endpoint(from_to(object, in));
  return in;
}

const char* Normalizer::field(const char* in, const FieldRule& rule, const JsonPath& path) {
  if (*in != '[') {
    if (rule.list) expected_at(in, "an array", path);
    return item(in, rule, path);
  }
  if (!rule.list) {
    if (is_free_form(rule.type)) return free_form(in, path);
    expected_at(in, name_of_type(rule), path);
  }
  if (path.depth == max_depth_) return nullptr;
  if (*++in == ']') return in + 1;
  for (size_t index = 0;; ++index) {
    in = item(in, rule, {&path, {}, index, path.depth + 1});
    if (in == nullptr) return nullptr;
    if (*in == ']') return in + 1;
    if (*in++ != ',') return nullptr;
  }
}

const char* Normalizer::item(const char* in, const FieldRule& rule, const JsonPath& path) {
  if (rule.type == Type::model && *in == '{') return members(in, *rule.model, nullptr, path);
  if (is_free_form(rule.type) && rule.type != Type::date) return free_form(in, path);
  JsonPiece value;
  in = piece(in, path, value);
  if (in == nullptr) return nullptr;
  if (rule.type == Type::date && value.kind == JsonKind::string) {
    use_time(value, rule, path);
  } else if (rule.type == Type::date || !has_type(value, rule.type)) {
    expected(name_of_type(rule), value, path);
  } else if (rule.type == Type::string) {
    use_string(value, rule, path);
  } else {
    note(value);
  }
  return in;
}

void Normalizer::use_string(const JsonPiece& value, const FieldRule& rule, const JsonPath& path) {
  if (rule.number && recorder_ != nullptr) recorder_->give_up();
  const bool own = rule.own_id && is_of_member(path) && places_->back().id == 0;
  note(value, own ? Shape::Action::own_id : action_of(rule), rule.id.value_or(IdKind{}));
  if (rule.id) {
    const uint32_t number = ids_.add(*rule.id, value.string(decoded_));
    if (own) places_->back().id = number;
  }
  if (rule.target) add_target(ids_, value.string(decoded_));
  if (!rule.number) return;
  if (const auto number = whole_number<int64_t>(value.raw()))
    put_instead(value.text, std::to_string(*number));
}

void Normalizer::use_time(const JsonPiece& value, const FieldRule& rule, const JsonPath& path) {
  const auto time = parse_time(value.raw());
  if (!time) {
    const std::string text(value.string(decoded_));
    return found_fault(path, "a time is expected, not '" + to_valid_utf8(text, max_shown_bytes) + "'");
  }
  copy_up_to(value.raw().data());
  const bool made = rule.made && is_of_member(path) && places_->back().made == 0;
  if (made) places_->back().made = static_cast<uint32_t>(out_.size());
  if (recorder_ != nullptr) recorder_->reached(value.raw(), made ? Shape::Action::made : Shape::Action::date);
  append_rfc3339(out_, *time);
  from_ += value.raw().size();
  if (recorder_ != nullptr) recorder_->written();
}

// A value that is no string, or is one, of any kind.
const char* Normalizer::piece(const char* in, const JsonPath& path, JsonPiece& value) {
  if (*in == '"') return string(in, value);
  const char* const begin = in;
  if (is_container(*in)) {
    value.kind = *in == '{' ? JsonKind::object : JsonKind::array;
    JsonView view;
    in = container(in, path, view);
  } else {
    in = scalar_end(in, value.kind);
  }
  if (in != nullptr) value.text = from_to(begin, in);
  return in;
}

// An object or array, as a whole.
const char* Normalizer::container(const char* in, const JsonPath& path, JsonView& value) {
  value = undeclared_tape().parse_inside(in, max_depth_ - path.depth);
  return value.valid() ? in + value.text().size() : nullptr;
}

const char* Normalizer::undeclared(const char* in, const JsonPath& path) {
  if (!is_container(*in)) return scalar(in, path);
  JsonView value;
  in = container(in, path, value);
  if (in == nullptr) return nullptr;
  mix_names(value);
  see(value);
  return in;
}

const char* Normalizer::free_form(const char* in, const JsonPath& path) {
  if (!is_container(*in)) return scalar(in, path);
  JsonView value;
  in = container(in, path, value);
  if (in == nullptr) return nullptr;
  mix_names(value);
  if (recorder_ != nullptr) note_all(value);
  return in;
}

const char* Normalizer::scalar(const char* in, const JsonPath& path) {
  JsonPiece value;
  in = piece(in, path, value);
  if (in != nullptr) note(value);
  return in;
}

void Normalizer::see(JsonView value) {
  if (value.kind() == JsonKind::object) {
    see_members(value, recognise(value), nullptr);
  } else if (value.kind() == JsonKind::array) {
    for (const auto& child : value.children()) see(child.value());
  } else {
    note(piece_of(value));
  }
}

void Normalizer::see_members(JsonView object, const ModelRules* model, EnvelopeSink* sink) {
  std::string decoded;
  for (const auto& child : object.children()) {
    const JsonView value = child.value();
    const NameKey key(child.name().string(decoded));
    const FieldRule* rule = model == nullptr ? nullptr : model->find(key);
    if (sink != nullptr) {
      const bool envelope = rule == nullptr ? is_envelope_name(key) : rule->envelope;
      if (envelope && sink->take(key.name, child.name().has_escapes(), piece_of(value))) {
        leave_out(child.name().text().data(), value.text().data() + value.text().size());
        continue;
      }
      note_place(child.name().text().data());
    }
    if (rule == nullptr) {
      see(value);
    } else {
      see_field(value, *rule);
    }
  }
  if (model != nullptr && model->endpoint()) add_endpoint(object.text());
}

void Normalizer::see_field(JsonView value, const FieldRule& rule) {
  if (value.kind() == JsonKind::array && (rule.list || !is_free_form(rule.type))) {
    for (const auto& child : value.children()) see_item(child.value(), rule);
  } else {
    see_item(value, rule);
  }
}

void Normalizer::see_item(JsonView value, const FieldRule& rule) {
  if (rule.type == Type::model && value.kind() == JsonKind::object)
    return see_members(value, rule.model, nullptr);
  if (rule.type != Type::string || value.kind() != JsonKind::string) return note_all(value);
  note(piece_of(value), action_of(rule), rule.id.value_or(IdKind{}));
  if (rule.id) ids_.add(*rule.id, value.string(decoded_));
  if (rule.target) add_target(ids_, value.string(decoded_));
}

// Notes the value, or all that are in it, as what is only copied.
void Normalizer::note_all(JsonView value) {
  if (recorder_ == nullptr) return;
  if (value.kind() != JsonKind::object && value.kind() != JsonKind::array) return note(piece_of(value));
  for (const auto& child : value.children()) note_all(child.value());
}

void Normalizer::mix_names(JsonView value) {
  if (value.kind() != JsonKind::object) return;
  for (const auto& child : value.children()) layout_ = NameKey(child.name().raw()).mixed_with(layout_);
}

// The first `"cause_txt"` at or behind `place`, or the end of the text. What was searched is not searched again, except
// for an object around it: there may be many objects with a cause.
const char* Normalizer::next_cause_text(const char* place) {
  static constexpr std::string_view name = R"("cause_txt")";
  const auto find = [](const char* from, const char* end) {
    return find_text(from_to(from, end), name, name.find("_t"));
  };
  if (searched_from_ == nullptr || place > cause_text_at_) {
    const char* const found = find(place, end_);
    cause_text_at_ = found == nullptr ? end_ : found;
  } else if (place < searched_from_) {
    const char* const found = find(place, std::min(searched_from_ + name.size() - 1, end_));
    if (found != nullptr) cause_text_at_ = found;
  } else {
    return cause_text_at_;
  }
  searched_from_ = place;
  return cause_text_at_;
}

// Whether the object that begins at `object` has a text for its cause.
bool Normalizer::has_cause_text(const char* object) {
  if (next_cause_text(object) == end_) return false;  // as nearly always
  const std::string_view words = find_member(from_to(object, end_), "cause_txt");
  return !words.empty() && words.front() != 'n';
}

// Some events of Asterisk have a cause without its text. Returns false if `cause` is none.
bool Normalizer::add_cause_text(std::string_view cause, bool of_event) {
  const auto number = whole_number<int64_t>(cause);
  if (!cause.starts_with('"') && !number) return false;
  copy_up_to(cause.data() + cause.size());
  if (of_event) places_->push_back({static_cast<uint32_t>(out_.size())});
  out_ += R"(,"cause_txt":)";
  if (number) {
    append_json_string(out_, ari::cause_text(*number));
    if (recorder_ != nullptr) recorder_->cause_added();
  } else {
    out_ += cause;
    if (recorder_ != nullptr) recorder_->give_up();
  }
  return true;
}

void Normalizer::add_endpoint(std::string_view object) {
  const std::string_view technology = find_member(object, "technology");
  const std::string_view resource = find_member(object, "resource");
  if (!technology.starts_with('"') || !resource.starts_with('"')) return;
  if (recorder_ != nullptr) recorder_->give_up();
  std::string id;
  append_decoded(id, technology.substr(1, technology.size() - 2));
  id += '/';
  append_decoded(id, resource.substr(1, resource.size() - 2));
  ids_.add(IdKind::endpoint, id);
}

// Of a value that is read only after this.
void Normalizer::expected_at(const char* in, std::string_view what, const JsonPath& path) {
  JsonPiece value;
  if (piece(in, path, value) != nullptr) expected(what, value, path);
}

void Normalizer::expected(std::string_view what, const JsonPiece& value, const JsonPath& path) {
  found_fault(path, std::string(what) + " is expected, not a value of type " +
                        std::string(value.is_integer() ? "integer" : kind_name(value.kind)));
}

// Keeps the first fault. An event with a fault has no shape: the faulty value was not recorded.
void Normalizer::found_fault(const JsonPath& path, std::string_view why) {
  if (!fault_.empty()) return;
  if (recorder_ != nullptr) recorder_->give_up();
  std::string where;
  for (const JsonPath* at = &path; at != nullptr; at = at->up) {
    if (at->name.empty() && at->up != nullptr) {
      where.insert(0, "[" + std::to_string(at->index) + "]");
    } else if (!at->name.empty()) {
      where.insert(0, (at->up != nullptr && at->up->up != nullptr ? "." : "") + std::string(at->name));
    }
  }
  fault_ = where + ": " + std::string(why);
}

void Normalizer::record(const JsonPiece& value, Shape::Action action, IdKind kind) {
  if (recorder_->given_up() || value.kind == JsonKind::boolean || value.kind == JsonKind::null) return;
  std::string_view text = value.text;
  if (value.kind == JsonKind::string) {
    text = value.raw();
  } else if (value.is_integer()) {
    action = Shape::Action::integer;
  } else {
    return recorder_->give_up();
  }
  copy_up_to(text.data());
  recorder_->reached(text, action, kind);
  copy_up_to(text.data() + text.size());
  recorder_->written();
}

void Normalizer::copy_up_to(const char* end) {
  out_.append(from_, static_cast<size_t>(end - from_));
  from_ = end;
}

// Leaves out a member, up to `end`, and the comma in front of it; if there is none, the one behind it.
void Normalizer::leave_out(const char* name, const char* end) {
  const bool follows = name > from_ && name[-1] == ',';
  copy_up_to(follows ? name - 1 : name);
  from_ = end + (!follows && *end == ',' ? 1 : 0);
}

void Normalizer::put_instead(std::string_view value, std::string_view text) {
  copy_up_to(value.data());
  out_ += text;
  from_ = value.data() + value.size();
}

}  // namespace aribus::record
