#include "record/normalizer.h"

#include <bit>
#include <optional>
#include <utility>

#include "ari/hangup_causes.h"
#include "base/numbers.h"
#include "base/time.h"
#include "base/utf8.h"
#include "json/json.h"
#include "record/id_fields.h"

namespace aribus::record {
namespace {

using ari::Type;

constexpr size_t max_shown_bytes = 64;  // of a value, in a fault

bool has_type(JsonView value, Type type) {
  switch (type) {
    case Type::string:
      return value.kind() == JsonKind::string;
    case Type::integer:
      return value.is_integer();
    case Type::number:
      return value.kind() == JsonKind::number;
    case Type::boolean:
      return value.kind() == JsonKind::boolean;
    case Type::model:
      return value.kind() == JsonKind::object;
    default:
      return true;
  }
}

bool has_value(JsonView object, std::string_view name) {
  const JsonView value = object.find(name);
  return value.valid() && value.kind() != JsonKind::null;
}

// The rules for an undeclared object; nullptr if it looks like none with an id.
const ModelRules* recognise(JsonView object) {
  const std::string_view model = recognised_model(object);
  return model.empty() ? nullptr : find_rules(model);
}

std::string_view name_of_type(const FieldRule& rule) {
  return rule.model == nullptr ? ari::text_of(rule.type) : rule.model->name();
}

}  // namespace

void Normalizer::write(JsonView value, Type type, bool list, const ModelRules* model) {
  from_ = value.text().data();
  if (type == Type::model && model == nullptr) {
    undeclared(value);
  } else {
    field(value, {.key = NameKey(""), .type = type, .list = list, .model = model}, {});
  }
  copy_up_to(value.text().data() + value.text().size());
}

void Normalizer::write_members(JsonView event, const ModelRules* model, EnvelopeSink& sink,
                               std::vector<uint32_t>& places, ShapeRecorder* recorder) {
  places_ = &places;
  from_ = event.text().data() + 1;
  as_it_is_ = model == nullptr;
  recorder_ = recorder;
  members(event, model == nullptr ? recognise(event) : model, &sink, {});
  recorder_ = nullptr;
  as_it_is_ = false;
  copy_up_to(event.text().data() + event.text().size() - 1);
}

void Normalizer::members(JsonView object, const ModelRules* model, EnvelopeSink* sink, const JsonPath& path) {
  uint64_t missing = model == nullptr ? 0 : model->required();
  std::string decoded;
  std::optional<bool> has_words;  // the text of its cause; searched once, as there may be many causes
  for (const auto& member : object.children()) {
    const JsonView value = member.value();
    const std::string_view name = member.name().string(decoded);
    const NameKey key(name);
    layout_ = key.mixed_with(layout_);
    const FieldRule* rule = model == nullptr ? nullptr : model->find(key);
    const bool null = value.kind() == JsonKind::null;
    if (rule != nullptr && !null) missing &= ~rule->bit;
    const bool envelope = sink != nullptr && (rule == nullptr ? is_envelope_name(name) : rule->envelope);
    if (envelope && sink->take(name, value)) {
      if (recorder_ != nullptr) recorder_->taken(name, value);
      leave_out(member.name(), value);
      continue;
    }
    if (null && !as_it_is_) {
      leave_out(member.name(), value);
      continue;
    }
    if (sink != nullptr) note_place(member.name());
    if (null) continue;
    if (rule == nullptr) {
      note(value);
      undeclared(value);
    } else if (rule->copied && value.kind() == JsonKind::string) {
      note(value);
    } else {
      field(value, *rule, {&path, rule->key.name});
    }
    if (name != "cause" || as_it_is_) continue;
    if (!has_words) has_words = has_value(object, "cause_txt");
    if (!*has_words) has_words = add_cause_text(value, sink != nullptr);  // only once
  }
  if (missing != 0) {
    const auto first = static_cast<size_t>(std::countr_zero(missing));
    found_fault({&path, model->fields()[first].key.name}, "missing");
  }
  if (model != nullptr && model->endpoint()) add_endpoint(object);
}

void Normalizer::field(JsonView value, const FieldRule& rule, const JsonPath& path) {
  if (value.kind() != JsonKind::array) {
    if (rule.list) expected("an array", value, path);
    return item(value, rule, path);
  }
  if (!rule.list) {
    if (has_type(value, rule.type)) return note(value);  // free-form
    expected(name_of_type(rule), value, path);
  }
  size_t index = 0;
  for (const auto& child : value.children()) item(child.value(), rule, {&path, {}, index++});
}

void Normalizer::item(JsonView value, const FieldRule& rule, const JsonPath& path) {
  const Type type = rule.type;
  if (!has_type(value, type)) {
    expected(name_of_type(rule), value, path);
  } else if (type == Type::string) {
    string(value, rule);
  } else if (type == Type::model) {
    members(value, rule.model, nullptr, path);
  } else if (type == Type::date) {
    date(value, path);
  } else {
    note(value);
  }
}

void Normalizer::string(JsonView value, const FieldRule& rule) {
  using Action = Shape::Action;
  if (rule.number && recorder_ != nullptr) recorder_->give_up();
  note(value,
       rule.id       ? Action::id
       : rule.target ? Action::target
                     : Action::string,
       rule.id.value_or(IdKind{}));
  if (rule.id) ids_.add(*rule.id, value.string(decoded_));
  if (rule.target) add_target(ids_, value.string(decoded_));
  if (!rule.number || as_it_is_) return;
  if (const auto number = whole_number<int64_t>(value.raw())) put_instead(value, std::to_string(*number));
}

void Normalizer::date(JsonView value, const JsonPath& path) {
  const auto time = value.kind() == JsonKind::string ? parse_time(value.raw()) : std::nullopt;
  if (time) {
    if (as_it_is_) return;
    copy_up_to(value.raw().data());
    if (recorder_ != nullptr) recorder_->reached(value.raw(), Shape::Action::date);
    append_rfc3339(out_, *time);
    from_ += value.raw().size();
    if (recorder_ != nullptr) recorder_->written();
  } else if (value.kind() == JsonKind::string) {
    found_fault(path, "a time is expected, not '" + to_valid_utf8(value.string(), max_shown_bytes) + "'");
  } else {
    expected(ari::text_of(Type::date), value, path);
  }
}

void Normalizer::undeclared(JsonView value) {
  if (value.kind() != JsonKind::object && value.kind() != JsonKind::array) return;
  const bool before = std::exchange(as_it_is_, true);
  if (value.kind() == JsonKind::object) {
    members(value, recognise(value), nullptr, {});
  } else {
    for (const auto& child : value.children()) undeclared(child.value());
  }
  as_it_is_ = before;
}

// Some events of Asterisk have a cause without its text. Returns false if `cause` is none.
bool Normalizer::add_cause_text(JsonView cause, bool of_event) {
  const auto number = whole_number<int64_t>(cause.text());
  if (cause.kind() != JsonKind::string && !number) return false;
  copy_up_to(cause.text().data() + cause.text().size());
  if (of_event) places_->push_back(static_cast<uint32_t>(out_.size()));
  out_ += R"(,"cause_txt":)";
  if (number) {
    append_json_string(out_, ari::cause_text(*number));
    if (recorder_ != nullptr) recorder_->cause_added();
  } else {
    out_ += cause.text();
    if (recorder_ != nullptr) recorder_->give_up();
  }
  return true;
}

void Normalizer::add_endpoint(JsonView object) {
  const JsonView technology = object.find("technology"), resource = object.find("resource");
  const auto is_string = [](JsonView value) { return value.valid() && value.kind() == JsonKind::string; };
  if (!is_string(technology) || !is_string(resource)) return;
  if (recorder_ != nullptr) recorder_->give_up();
  ids_.add(IdKind::endpoint, technology.string() + "/" + resource.string());
}

void Normalizer::expected(std::string_view what, JsonView value, const JsonPath& path) {
  const bool integer = value.is_integer();
  found_fault(path, std::string(what) + " is expected, not a value of type " +
                        std::string(integer ? "integer" : kind_name(value.kind())));
}

// Keeps the first fault. An event with a fault has no shape: the faulty value was not recorded.
void Normalizer::found_fault(const JsonPath& path, std::string_view why) {
  if (as_it_is_ || !fault_.empty()) return;
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

void Normalizer::note(JsonView value, Shape::Action action, IdKind kind) {
  if (recorder_ == nullptr || recorder_->given_up()) return;
  if (value.kind() == JsonKind::boolean || value.kind() == JsonKind::null) return;
  std::string_view text = value.text();
  if (value.kind() == JsonKind::string) {
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

// A member begins here, with the comma in front of it.
void Normalizer::note_place(JsonView name) {
  places_->push_back(
      static_cast<uint32_t>(out_.size() + static_cast<size_t>(name.text().data() - from_) - 1));
}

void Normalizer::copy_up_to(const char* end) {
  out_.append(from_, static_cast<size_t>(end - from_));
  from_ = end;
}

// Leaves out a member and the comma in front of it; if there is none, the one behind it.
void Normalizer::leave_out(JsonView name, JsonView value) {
  const char* begin = name.text().data();
  const char* end = value.text().data() + value.text().size();
  const bool follows = begin > from_ && begin[-1] == ',';
  copy_up_to(follows ? begin - 1 : begin);
  from_ = end + (!follows && *end == ',' ? 1 : 0);
}

void Normalizer::put_instead(JsonView value, std::string_view text) {
  copy_up_to(value.text().data());
  out_ += text;
  from_ = value.text().data() + value.text().size();
}

}  // namespace aribus::record
