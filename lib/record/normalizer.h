// Normalizes ARI's JSON: times in RFC 3339 and UTC, numbers as numbers, no null members, causes with a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "json/json_tape.h"
#include "json/padded_text.h"
#include "json/scan.h"
#include "record/field_rules.h"
#include "record/id_set.h"
#include "record/shape_cache.h"

namespace aribus::record {

// A value where it stands in a text.
struct JsonPiece {
  JsonKind kind = JsonKind::null;
  bool escaped = false;   // a string with escapes
  std::string_view text;  // compact JSON, a string with its quotes

  // Required below: kind is string.
  [[nodiscard]] std::string_view raw() const { return text.substr(1, text.size() - 2); }
  [[nodiscard]] std::string_view string(std::string& buffer) const;
  // A number without fraction and exponent that fits into 64 bits.
  [[nodiscard]] bool is_integer() const;
};

// Walks through one value, once: checks that it is JSON, writes it normalized, collects its ids and notes
// where it is not as ARI declares it. Lives for one value.
//
// A value of a known model is handled by that model's rules, while it is read: no byte is looked at twice.
// Values that ARI does not declare (the model is unknown, nullptr, or has no such field) are written as they
// are; objects in them are recognised by all of their members, for the sake of their ids, so these are put on
// a tape first. Fields that ARI declares as free-form are written as they are, too, and have no ids.
//
// Most of a value stays as it is and is copied in large pieces: `from_` is the first byte that is not copied
// yet. Before a change, copy_up_to() writes everything in front of it; then the new text is written, or
// nothing, and `from_` moves behind the old text.
class Normalizer {
 public:
  // Writes to the end of `out` and adds to `ids`.
  Normalizer(std::string& out, IdSet& ids) : out_(out), ids_(ids) {}

  // Writes `value`, of `type` (an object of `model` for Type::model) or, with `list`, an array of these.
  void write(JsonView value, ari::Type type, bool list, const ModelRules* model);

  // Takes the members of an event that go into the record's envelope.
  struct EnvelopeSink {
    // Called for each member whose name the envelope uses; `escaped`: its name was written with escapes.
    // Returns whether it was taken.
    virtual bool take(std::string_view name, bool escaped, const JsonPiece& value) = 0;
  };
  // Writes the members of the event that `text` is, an object of `model`, without the braces and without
  // those that `sink` takes, behind a comma that is already there. Adds to `places` where each begins, with
  // its comma. `recorder`, if not nullptr, records the event's shape. Returns false if `text` is no such JSON
  // without white space between tokens; what was written and taken is then to be thrown away.
  [[nodiscard]] bool write_event(const PaddedText& text, const ModelRules& model, EnvelopeSink& sink,
                                 std::vector<Member>& places, ShapeRecorder* recorder);
  // The same for an event whose type ARI does not declare.
  void write_undeclared_event(JsonView event, EnvelopeSink& sink, std::vector<Member>& places);

  // A hash of what write_event() met: the names of the members, in their order.
  [[nodiscard]] uint64_t layout() const { return layout_; }

  // Where and why the value is not as ARI declares it, as "channel.caller: an object is expected, not a
  // string"; "" if it is. Undeclared fields are no fault.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  // The path to a value, from the inside out.
  struct JsonPath {
    const JsonPath* up = nullptr;
    std::string_view name;  // of a member, or
    size_t index = 0;       // of an item
    int depth = 0;          // how many objects and arrays are around it
  };

  // Each of these reads the value at `in` and returns its end, or nullptr if it is no JSON.
  const char* members(const char* in, const ModelRules& model, EnvelopeSink* sink, const JsonPath& path);
  // Whether a value with this path belongs to an object that is a member of the event.
  bool is_of_member(const JsonPath& path) const { return path.depth == 2 && places_ != nullptr; }
  const char* field(const char* in, const FieldRule& rule, const JsonPath& path);
  const char* item(const char* in, const FieldRule& rule, const JsonPath& path);
  const char* undeclared(const char* in, const JsonPath& path);
  const char* free_form(const char* in, const JsonPath& path);
  const char* scalar(const char* in, const JsonPath& path);
  const char* piece(const char* in, const JsonPath& path, JsonPiece& value);
  const char* container(const char* in, const JsonPath& path, JsonView& value);

  void use_string(const JsonPiece& value, const FieldRule& rule, const JsonPath& path);
  void use_time(const JsonPiece& value, const FieldRule& rule, const JsonPath& path);

  // What is undeclared is not changed: its ids are collected, and its values noted for the recorder.
  void see(JsonView value);
  void see_members(JsonView object, const ModelRules* model, EnvelopeSink* sink);
  void see_field(JsonView value, const FieldRule& rule);
  void see_item(JsonView value, const FieldRule& rule);
  void note_all(JsonView value);
  void mix_names(JsonView value);

  const char* next_cause_text(const char* place);
  bool has_cause_text(const char* object);
  bool add_cause_text(std::string_view cause, bool of_event);
  void add_endpoint(std::string_view object);
  void expected_at(const char* in, std::string_view what, const JsonPath& path);
  void expected(std::string_view what, const JsonPiece& value, const JsonPath& path);
  void found_fault(const JsonPath& path, std::string_view why);

  void note(const JsonPiece& value, Shape::Action action = Shape::Action::string, IdKind kind = {}) {
    if (recorder_ != nullptr) [[unlikely]]
      record(value, action, kind);
  }
  void record(const JsonPiece& value, Shape::Action action, IdKind kind);
  // A member begins here, with the comma in front of it.
  void note_place(const char* name) {
    places_->push_back({static_cast<uint32_t>(out_.size() + static_cast<size_t>(name - from_) - 1)});
  }
  void copy_up_to(const char* end);
  void leave_out(const char* name, const char* end);
  void put_instead(std::string_view value, std::string_view text);

  std::string& out_;
  IdSet& ids_;
  std::string fault_;
  uint64_t layout_ = 0;
  ShapeRecorder* recorder_ = nullptr;
  std::vector<Member>* places_ = nullptr;
  const char* from_ = nullptr;  // the first byte that is not copied yet
  const char* end_ = nullptr;   // of the text
  const char* searched_from_ = nullptr;  // by next_cause_text(); nullptr: nothing was searched yet
  const char* cause_text_at_ = nullptr;
  int max_depth_ = max_json_depth;
  std::string decoded_;       // of a string with escapes
  std::string decoded_name_;  // likewise
};

}  // namespace aribus::record
