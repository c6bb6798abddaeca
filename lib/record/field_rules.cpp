#include "record/field_rules.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "record/id_fields.h"

namespace aribus::record {
namespace {

// Asterisk formats these with %d.
struct NumberField {
  std::string_view model;
  std::string_view field;
};
constexpr NumberField number_fields[] = {
    {"ContactInfo", "roundtrip_usec"},
    {"Peer", "port"},
    {"Peer", "time"},
};

// Declared as a string, but a time.
constexpr std::pair<std::string_view, std::string_view> time_fields[] = {{"AsteriskPing", "timestamp"}};

bool is_time_field(const ari::ModelType& model, std::string_view field) {
  return std::ranges::find(time_fields, std::pair(model.name, field)) != std::end(time_fields);
}

// Required: all else of the rule is known.
FieldRule::How how(const FieldRule& rule, bool of_event) {
  using How = FieldRule::How;
  if (rule.list || (of_event && rule.envelope)) return How::other;
  if (rule.type == ari::Type::model) return How::object;
  if (rule.type == ari::Type::date) return How::time;
  if (rule.type != ari::Type::string) return How::other;
  const bool is_copied = !rule.id && !rule.target && !rule.number && rule.key.name != "cause";
  return is_copied ? How::copy : How::string;
}

}  // namespace

bool is_number_field(const ari::ModelType& model, std::string_view field) {
  return std::ranges::any_of(number_fields,
                             [&](const NumberField& n) { return n.model == model.name && n.field == field; });
}

bool is_envelope_name(const NameKey& name) {
  struct Entry {
    NameKey key;
  };
  struct Table {
    std::vector<Entry> names;
    NameIndex<7> index;

    Table() {
      for (const std::string_view name :
           {"type", "timestamp", "application",                     // the envelope takes these
            "seq", "time", "server", "app", "channels", "bridges",  // and uses these names
            "playbacks", "recordings", "endpoints", "devices", "calls", "known", "invalid", "synthetic",
            "fields"}) {
        names.push_back({NameKey(name)});
        index.add(names.back().key, names.size() - 1);
      }
    }
  };
  static const Table table;
  return table.index.find(table.names, name) != nullptr;
}

ModelRules::ModelRules(const ari::ModelType& declared)
    : key(declared.name),
      declared(declared),
      event_(declared.event),
      endpoint_(has_endpoint_id(declared.name)) {
  for (const ari::Field& field : declared.fields) {
    FieldRule& rule =
        fields_.emplace_back(FieldRule{.key = NameKey(field.name), .type = field.type, .list = field.list});
    rule.id = id_field(declared.name, field.name);
    rule.own_id = rule.id && (field.name == "id" || field.name == "name");
    rule.made = field.name == "creationtime";
    rule.envelope = is_envelope_name(rule.key);
    rule.target = is_target_field(field.name);
    rule.number = is_number_field(declared, field.name);
    if (is_time_field(declared, field.name)) rule.type = ari::Type::date;
    rule.how = how(rule, declared.event);
    rule.bit = uint64_t{1} << (fields_.size() - 1);
    if (field.required) required_ |= rule.bit;
    index_.add(rule.key, fields_.size() - 1);
  }
}

struct RulesTable {
  std::deque<ModelRules> all;
  NameIndex<8> index;

  RulesTable() {
    for (const ari::ModelType& model : ari::models()) {
      all.emplace_back(model);
      index.add(all.back().key, all.size() - 1);
    }
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t field = 0; field < all[i].fields_.size(); ++field) {
        const ari::ModelType* model = ari::models()[i].fields[field].model;
        if (model != nullptr) all[i].fields_[field].model = find(model->name);
      }
    }
  }
  [[nodiscard]] const ModelRules* find(std::string_view name) const { return index.find(all, NameKey(name)); }
};

const ModelRules* find_rules(std::string_view name) {
  static const RulesTable table;
  return table.find(name);
}

}  // namespace aribus::record
