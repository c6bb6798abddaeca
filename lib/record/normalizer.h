// Normalizes ARI's JSON: times in RFC 3339 and UTC, numbers as numbers, no null members, causes with a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "json/json_tape.h"
#include "record/field_rules.h"
#include "record/id_set.h"
#include "record/shape_cache.h"

namespace aribus::record {

// Walks through one value, once: writes it normalized, collects its ids and notes where it is not as ARI
// declares it. Lives for one value.
//
// A value of a known model is handled by that model's rules. Values that ARI does not declare (the model is
// unknown, nullptr, or has no such field) are written as they are (`as_it_is_`); objects in them are
// recognised by their members, for the sake of their ids. Fields that ARI declares as free-form are written
// as they are, too, and have no ids.
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
    // Called for each member whose name the envelope uses. Returns whether it was taken.
    virtual bool take(std::string_view name, JsonView value) = 0;
  };
  // Writes the members of `event`, an object of `model`, without the braces and without those that `sink`
  // takes, behind a comma that is already there. Adds to `places` where each begins, with its comma.
  // `recorder`, if not nullptr, records the event's shape.
  void write_members(JsonView event, const ModelRules* model, EnvelopeSink& sink,
                     std::vector<uint32_t>& places, ShapeRecorder* recorder);

  // A hash of what write_members() met: the names of all members, in their order.
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
  };

  void members(JsonView object, const ModelRules* model, EnvelopeSink* sink, const JsonPath& path);
  void field(JsonView value, const FieldRule& rule, const JsonPath& path);
  void item(JsonView value, const FieldRule& rule, const JsonPath& path);
  void string(JsonView value, const FieldRule& rule);
  void date(JsonView value, const JsonPath& path);
  void undeclared(JsonView value);
  bool add_cause_text(JsonView cause, bool of_event);
  void add_endpoint(JsonView object);
  void expected(std::string_view what, JsonView value, const JsonPath& path);
  void found_fault(const JsonPath& path, std::string_view why);

  void note(JsonView value, Shape::Action action = Shape::Action::string, IdKind kind = {});
  void note_place(JsonView name);
  void copy_up_to(const char* end);
  void leave_out(JsonView name, JsonView value);
  void put_instead(JsonView value, std::string_view text);

  std::string& out_;
  IdSet& ids_;
  std::string fault_;
  uint64_t layout_ = 0;
  ShapeRecorder* recorder_ = nullptr;
  std::vector<uint32_t>* places_ = nullptr;
  bool as_it_is_ = false;       // within an undeclared value: nothing is changed
  const char* from_ = nullptr;  // the first byte that is not copied yet
  std::string decoded_;         // of a string with escapes
};

}  // namespace aribus::record
