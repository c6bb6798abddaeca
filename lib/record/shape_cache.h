// Events whose shape is known, read without being taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json_tape.h"
#include "record/record.h"

namespace aribus::record {

// How an event was read: what stands between its strings and numbers, and what was done with each of these.
// An event that differs from it in nothing but their values is read in the same way.
struct Shape {
  enum class Action : uint8_t {
    string,   // it is copied
    integer,  // likewise
    cause,    // likewise, and its text is added
    date,     // it is written in UTC
    id,       // it is copied, and one of the record's ids
    target,   // likewise, as "channel:<id>"
    time,     // it is the record's time
    app,      // it is the record's application
    end,      // no value: the event is over
  };
  struct Step {
    Action action;
    IdKind kind;                         // of an id
    std::string in;                      // what stands in front of the value, its first quote included
    std::string out;                     // what is written in front of it
    std::vector<uint16_t> members = {};  // where in `out` members of the event begin, with their commas
    bool text_is_member = false;         // that of a cause is a member of the event, too
  };
  std::vector<Step> steps;               // the last one is the end
  const ari::ModelType* type = nullptr;  // of the event
};

// Notes an event's shape while it is read in the general way (Normalizer).
class ShapeRecorder {
 public:
  // `out` is where the event's fields are written.
  ShapeRecorder(std::string_view text, const std::string& out)
      : text_(text), out_(out), in_at_(text.data()) {}

  // `value`, the inside of a string or a number, is what comes next: all in front of it is written.
  void reached(std::string_view value, Shape::Action action, IdKind kind = {});
  // It is written, too.
  void written() { out_at_ = out_.size(); }
  // The latest value was a cause, and its text has been added.
  void cause_added();
  // A member that is not written.
  void taken(std::string_view name, JsonView value);
  // More depends on the values of this event than a shape can say.
  void give_up() { given_up_ = true; }
  [[nodiscard]] bool given_up() const { return given_up_; }

  // The whole shape, when all is written; nothing when there is none. `members` are the record's.
  [[nodiscard]] std::optional<Shape> finish(const ari::ModelType& type, const std::vector<uint32_t>& members);

 private:
  std::string_view text_;
  const std::string& out_;
  const char* in_at_;  // behind the latest value
  size_t out_at_ = 0;
  Shape shape_;
  std::vector<size_t> begins_;  // of each step's `out`
  bool given_up_ = false;
};

// Shapes that were seen, as a tree of their steps. Asterisk has some fifty of them.
class ShapeCache {
 public:
  static constexpr size_t max_text_bytes = 4096;  // of an event whose shape is kept
  static constexpr size_t max_steps = 8192;       // of all that are kept; then it begins anew

  // Reads `text` into `record`, except its server, when its shape is known. False: it is not, or one of the
  // values is not as plain as it should be; the record's contents are of no use then.
  [[nodiscard]] bool read(std::string_view text, Record& record);
  // Keeps a shape.
  void learn(const Shape& shape);
  // How many steps are kept.
  [[nodiscard]] size_t steps() const { return nodes_.size() - 1; }

 private:
  struct Node {
    uint32_t in = 0;   // in literals_
    uint32_t out = 0;  // in literals_
    uint16_t in_size = 0;
    uint16_t out_size = 0;
    uint32_t next = 0;     // the first of the steps that may follow; of an end its type, in types_
    uint32_t sibling = 0;  // another step that may be in its place, or 0
    uint32_t members = 0;  // in members_, or 0
    Shape::Action action{};
    IdKind kind{};
    bool text_is_member = false;
  };

  static constexpr uint16_t no_more = 0xFFFF;

  uint32_t find_other(uint32_t parent, const char* in);
  uint32_t add(uint32_t parent, const Shape::Step& step);
  [[nodiscard]] std::string_view literal(uint32_t begin, size_t size) const {
    return std::string_view(literals_).substr(begin, size);
  }

  std::vector<Node> nodes_{Node{}};  // the first one is the root
  std::string literals_;
  std::vector<const ari::ModelType*> types_;
  std::vector<uint16_t> members_{
      no_more};  // Shape::Step::members of the nodes that have any, each with its end
  // Room for an event's fields. Times may become longer, by less than their own size; and what is copied
  // takes some bytes with it.
  static constexpr size_t spare_bytes = 64;
  std::vector<char> out_ = std::vector<char>(2 * max_text_bytes + spare_bytes);
  std::vector<char> in_ = std::vector<char>(max_text_bytes + spare_bytes);  // the event
};

}  // namespace aribus::record
