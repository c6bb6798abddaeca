// What the texts of live objects say, read without a whole parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"
#include "json/json_tape.h"
#include "record/call.h"
#include "record/id_set.h"
#include "record/record.h"

namespace aribus::state {

using record::IdKind;

// The id of the object that `text` shows, or "". `buffer` holds an id that has to be decoded.
[[nodiscard]] std::string_view id_of(IdKind kind, std::string_view text, std::string& buffer);

// Its `creationtime`, or "".
[[nodiscard]] std::string_view made_at(std::string_view text);

// Whether `part` is in `text` where it was last time, `place` bytes from the end.
[[nodiscard]] inline bool is_at(std::string_view text, std::string_view part, size_t place) {
  return !part.empty() && place <= text.size() && text.substr(text.size() - place).starts_with(part);
}

// Compares two `creationtime`s: below 0, 0 or above, as compare() does. 0 if one is empty or no time.
[[nodiscard]] int compare_made(std::string_view a, std::string_view b);

// An object as a record or an answer shows it. What the reader of an event has not met of it is searched in
// the text. Must not outlive the text.
class Sight {
 public:
  Sight(IdKind kind, std::string_view shown);
  // As the record's member `name` shows it; without text and id if there is none. `place`: see
  // Record::member().
  Sight(IdKind kind, const record::Record& record, std::string_view name, size_t& place);
  Sight(IdKind kind, const record::Record& record, std::string_view name);
  Sight(const Sight&) = delete;
  Sight& operator=(const Sight&) = delete;

  [[nodiscard]] bool has_usable_id() const { return !id.empty() && id.size() <= record::max_id_bytes; }
  // Its `creationtime`, or "".
  [[nodiscard]] std::string_view made() const {
    if (!made_) made_ = made_at(text);
    return *made_;
  }

  [[nodiscard]] HashedText hashed_id() const { return {id, hash_}; }

  std::string_view text;
  std::string_view id;

 private:
  void take(IdKind kind, const record::Record& record, std::string_view name, size_t& place);

  std::string buffer_;  // of an id that has to be decoded
  uint64_t hash_ = 0;   // of the id
  mutable std::optional<std::string_view> made_;
};

// The caller or callee that the JSON of an ARI CallerID names.
[[nodiscard]] record::Party party_of(std::string_view json);

// What the text of a channel says of it, as JSON; "" where it says nothing.
struct ChannelText {
  explicit ChannelText(std::string_view text);

  [[nodiscard]] bool is_up() const { return state == R"("Up")"; }
  [[nodiscard]] std::string exten() const;  // of its place in the dialplan

  std::string_view name;
  std::string_view state;
  std::string_view caller;
  std::string_view connected;
  std::string_view dialplan;
};

// What the names of the two halves of one Local channel have in common; "" for any other channel's name.
[[nodiscard]] std::string_view whole_of(std::string_view name);

// "100" of the name "PJSIP/100-00000001"; "" where there is no such part.
[[nodiscard]] std::string resource_of(std::string_view name);

// The `target_uri` of a playback or recording, or "".
[[nodiscard]] std::string_view target_of(std::string_view text);

// Calls `use(kind, item, object)` for each object in the lists of a `state.changed`.
template <typename Use>
void for_each_changed(const record::Record& changed, Use use) {
  JsonTape objects;
  const JsonView lists = objects.read(changed.member("objects"));
  if (!lists.valid() || lists.kind() != JsonKind::object) return;
  for (size_t i = 0; i < record::object_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    const JsonView list = lists.find(record::field_name(kind));
    if (!list.valid()) continue;
    for (const auto& item : list.children()) {
      const JsonView json = item.value().find(record::object_name(kind));
      if (json.valid() && json.kind() == JsonKind::object) use(kind, item.value(), json);
    }
  }
}

}  // namespace aribus::state
