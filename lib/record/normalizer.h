// ARI's JSON normalized: times in RFC 3339 UTC, numbers as numbers, absent rather than null, causes with a
// text. What is regular already is copied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "json/json_tape.h"
#include "record/field_rules.h"
#include "record/ids.h"
#include "record/shape_cache.h"

namespace aribus::record {

// Walks one value, once: writes it regular, collects the ids in it and notices what is not as ARI declares.
//
// A value of a known model is handled as that model's rules say. Where the model is unknown (nullptr), or
// says nothing of a field, values are written as they are, and objects are recognised by their shape for the
// sake of their ids. So are fields that are declared as free-form, of which nothing is an id.
class Normalizer {
 public:
  // Writes to the end of `out` and adds to `ids`.
  Normalizer(std::string& out, Ids& ids) : out_(out), ids_(ids) {}

  // Writes `value`, of `type` (an object of `model` for Type::model) or, with `list`, an array of such.
  void write(JsonView value, ari::Type type, bool list, const ModelRules* model);

  // Takes members of an event that go elsewhere.
  struct EnvelopeSink {
    // Called for each member with a name of the envelope. Returns whether it was taken.
    virtual bool take(std::string_view name, JsonView value) = 0;
  };
  // Writes the members of `event`, an object of `model`, without the braces and without those that are taken,
  // behind a comma that is there already, and adds to `places` where each begins, with its comma. `recorder`
  // records how that is done, unless it is nullptr.
  void write_members(JsonView event, const ModelRules* model, EnvelopeSink& sink,
                     std::vector<uint32_t>& places, ShapeRecorder* recorder);

  // Where and why the value is not what ARI declares, as "channel.caller: an object is expected, not a
  // string"; "" when it is. Fields that are not declared are no fault.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  // The way to a value, from the inside outwards.
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
  Ids& ids_;
  std::string fault_;
  ShapeRecorder* recorder_ = nullptr;
  std::vector<uint32_t>* places_ = nullptr;
  bool as_it_is_ = false;       // nothing is changed: inside of what ARI does not declare
  const char* from_ = nullptr;  // what is to be copied begins here
  std::string decoded_;         // of a string with escapes
};

}  // namespace aribus::record
