// How the Normalizer handles each field of ARI's models.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "record/id_set.h"

namespace aribus::record {

class ModelRules;

// A name in a form that is compared in a few instructions.
struct NameKey {
  explicit NameKey(std::string_view name) : name(name) {
    std::memcpy(&head, name.data(), std::min<size_t>(name.size(), 8));
    if (name.size() > 8) std::memcpy(&tail, name.data() + 8, std::min<size_t>(name.size() - 8, 8));
  }
  // The same for a name in a PaddedText: no branch depends on its size, which the processor could only guess.
  static NameKey in_padded(std::string_view name) {
    static constexpr std::array<uint8_t, 32> ones_and_zeros = [] {
      std::array<uint8_t, 32> bytes{};
      std::fill_n(bytes.begin(), 16, uint8_t{0xFF});
      return bytes;
    }();
    const uint8_t* const mask = ones_and_zeros.data() + 16 - std::min<size_t>(name.size(), 16);
    const auto word = [](const void* at) {
      uint64_t bytes = 0;
      std::memcpy(&bytes, at, sizeof bytes);
      return bytes;
    };
    NameKey key;
    key.name = name;
    key.head = word(name.data()) & word(mask);
    key.tail = word(name.data() + 8) & word(mask + 8);
    return key;
  }
  bool operator==(const NameKey& other) const {
    return head == other.head && tail == other.tail && name.size() == other.name.size() &&
           (name.size() <= 16 || name == other.name);
  }
  // A number below 2^bits.
  [[nodiscard]] size_t slot(int bits) const {
    return ((head ^ (tail << 7 | tail >> 57) ^ name.size()) * 0x9E3779B97F4A7C15U) >> (64 - bits);
  }

  // A hash of this name and of what came before it.
  [[nodiscard]] uint64_t mixed_with(uint64_t before) const {
    return (before ^ head ^ std::rotl(tail, 7)) * 0x9E3779B97F4A7C15U + name.size();
  }

  std::string_view name;
  uint64_t head = 0;  // its first eight bytes, or fewer
  uint64_t tail = 0;  // the next ones

 private:
  NameKey() = default;
};

// Finds a name in a list of fewer than 255 names.
template <int bits>
class NameIndex {
 public:
  // The entry of that name in `list`, whose entries have a `key`, or nullptr.
  template <typename List>
  [[nodiscard]] const typename List::value_type* find(const List& list, const NameKey& key) const {
    for (size_t slot = key.slot(bits); slots_[slot] != 0; slot = (slot + 1) % slots) {
      const auto& entry = list[slots_[slot] - 1U];
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  // Required: a slot is free.
  void add(const NameKey& key, size_t place) {
    size_t slot = key.slot(bits);
    while (slots_[slot] != 0) slot = (slot + 1) % slots;
    slots_[slot] = static_cast<uint8_t>(place + 1);
  }

 private:
  static constexpr size_t slots = size_t{1} << bits;
  std::array<uint8_t, slots> slots_{};  // 1 + the place in the list; 0: free
};

// How one field is handled.
struct FieldRule {
  // What is done with its values, if they are of the declared type.
  enum class How : uint8_t {
    copy,    // a string that stays as it is
    string,  // a string, which may be an id, name another object, or be a number
    time,    // a string, to be written in UTC
    object,  // of `model`
    other,   // lists, numbers, free-form values, and what an event's envelope takes
  };

  NameKey key;
  ari::Type type = ari::Type::object;
  bool list = false;
  How how = How::other;
  bool envelope = false;              // of an event: the envelope takes it, or uses its name
  bool own_id = false;                // the id of the object itself
  bool made = false;                  // its creationtime
  bool target = false;                // names another object, as "channel:<id>", "bridge:<id>", …
  bool number = false;                // declared as a string, but a number
  std::optional<IdKind> id = {};      // an id, or a list of ids, of this kind
  const ModelRules* model = nullptr;  // of its objects, for Type::model
  uint64_t bit = 0;                   // 1 << its place among the fields
};

// How the objects of one model are handled.
class ModelRules {
 public:
  explicit ModelRules(const ari::ModelType& declared);

  [[nodiscard]] std::string_view name() const { return key.name; }
  [[nodiscard]] bool event() const { return event_; }
  // The rule for the field with that name, or nullptr.
  [[nodiscard]] const FieldRule* find(const NameKey& field) const { return index_.find(fields_, field); }
  [[nodiscard]] const std::vector<FieldRule>& fields() const { return fields_; }
  // The bits of the required fields.
  [[nodiscard]] uint64_t required() const { return required_; }
  // Whether its id consists of technology and resource.
  [[nodiscard]] bool endpoint() const { return endpoint_; }

  const NameKey key;
  const ari::ModelType& declared;

 private:
  friend struct RulesTable;

  std::vector<FieldRule> fields_;  // at most 64
  NameIndex<7> index_;
  uint64_t required_ = 0;
  bool event_;
  bool endpoint_;
};

// The rules of the model of that name, or nullptr.
[[nodiscard]] const ModelRules* find_rules(std::string_view name);

// Whether a record can't have an event's field of this name among its own: the envelope takes it, or uses its
// name.
[[nodiscard]] bool is_envelope_name(const NameKey& name);

// Whether `field` of `model` is declared as a string but is a number: it is written as a number.
[[nodiscard]] bool is_number_field(const ari::ModelType& model, std::string_view field);

}  // namespace aribus::record
