// A cache of the shapes of events: an event with a known shape is read without being parsed.
//
// Nearly all events of an Asterisk are one of some fifty texts with other values in them. A shape is such a
// text cut at its values: a sequence of steps, each a literal (braces, names, commas, quotes) and what to do
// with the value after it. For
//
//   {"type":"ChannelHangupRequest","cause":16,"timestamp":"…","channel":{"id":"c1",…
//
// the first steps are `{"type":"ChannelHangupRequest","cause":` with an integer that is a cause, then
// `,"timestamp":"` with the record's time. The literal to compare (`in`) and the one to write (`out`) differ
// where the Normalizer changes the event, for example leaves out members that go into the record's envelope.
//
// The cache is a tree: shapes with the same first steps share nodes, and a node's alternatives are its
// siblings, the latest match first. read() walks down the tree: it compares the next literal with the text,
// finds the end of the value, and goes on, without looking at any name. What is not changed is copied in
// large pieces, escapes as they are; only ids and the application are decoded. It gives up whenever a value
// is not as its step demands (a number with a fraction, a malformed time): the Normalizer then reads the
// event. So the cache decides only how fast an event is read, never what its record is: a differential test
// compares both.
//
// An unknown event is read by the Normalizer, which also makes a hash of its layout: its names and their
// order. Only a layout that is met again (wants()) is worth learning: the event is then read once more, and
// the Normalizer reports each value to a ShapeRecorder, whose finished shape is added. So events whose layout
// is always a new one cost nothing here, and do not displace the others.
//
// Values that decide about other parts of the record can't be in a shape: the recorder gives up on such
// events. The size is bounded by max_steps, max_siblings and max_shape_bytes. A shape for which there is no
// room is not kept, unless most of the events are unknown: then the tree starts again from nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json_tape.h"
#include "json/padded_text.h"
#include "record/record.h"

namespace aribus::record {

// How an event was read: the text between its strings and numbers, and what was done with each of these. An
// event that differs only in the values is read in the same way.
struct Shape {
  enum class Action : uint8_t {
    string,   // it is copied
    integer,  // likewise
    cause,    // likewise, and its text is added
    date,     // it is written in UTC
    made,     // likewise, and the creationtime of the latest member (Member::made)
    id,       // it is copied, and one of the record's ids
    own_id,   // likewise, and the id of the latest member (Member::id)
    target,   // likewise, as "channel:<id>"
    time,     // it is the record's time
    app,      // it is the record's application
    end,      // no value: the event is over
  };
  struct Step {
    Action action;
    IdKind kind;                         // of an id
    std::string in;                      // the text before the value, including its first quote
    std::string out;                     // the text written before it
    std::vector<uint16_t> members = {};  // where in `out` members of the event begin, with their commas
    bool text_is_member = false;         // the added text of a cause is a member of the event
  };
  std::vector<Step> steps;               // the last one is the end
  const ari::ModelType* type = nullptr;  // of the event
};

// Records an event's shape while the Normalizer reads it.
class ShapeRecorder {
 public:
  static constexpr size_t max_shape_bytes = 16384;  // of a shape's literals, those read and those written
  static constexpr size_t max_shape_steps = 1024;

  // The event's fields are written to `out`.
  ShapeRecorder(std::string_view text, const std::string& out)
      : text_(text), out_(out), in_at_(text.data()) {}

  // `value`, the inside of a string or a number, comes next: everything before it is written.
  void reached(std::string_view value, Shape::Action action, IdKind kind = {});
  // The value is written as well.
  void written() { out_at_ = out_.size(); }
  // The latest value was a cause, and its text was added.
  void cause_added();
  // A member that is not written: it goes into the envelope. `value` is its JSON text.
  void taken(std::string_view name, std::string_view value);
  // The record depends on values in a way that a shape can't describe.
  void give_up() { given_up_ = true; }
  [[nodiscard]] bool given_up() const { return given_up_; }

  // The shape, once everything is written; nothing if the event has none. `members` are those of the record.
  [[nodiscard]] std::optional<Shape> finish(const ari::ModelType& type, const std::vector<Member>& members);

 private:
  std::string_view text_;
  const std::string& out_;
  const char* in_at_;  // behind the latest value
  size_t out_at_ = 0;
  Shape shape_;
  std::vector<size_t> begins_;  // of each step's `out`
  size_t bytes_ = 0;            // of all literals
  bool given_up_ = false;
};

// The known shapes, as a tree of their steps.
class ShapeCache {
 public:
  static constexpr size_t max_steps = 16'384;           // of all shapes
  static constexpr size_t max_siblings = 64;  // that may follow a step: they are searched one by one

  // Reads `text`, which is UTF-8, into `record`, except its server, when its shape is known. Returns false
  // when it is not, or when a value is not as the shape has it; the content of the record is then
  // unspecified.
  [[nodiscard]] bool read(const PaddedText& text, Record& record);
  // Told of each event that read() could not read, with the hash of its layout. Returns whether its shape
  // should be recorded for learn().
  [[nodiscard]] bool wants(uint64_t layout);
  // Adds a shape, if there is room for it.
  void learn(const Shape& shape);
  // Number of steps kept.
  [[nodiscard]] size_t steps() const { return nodes_.size() - 1; }

 private:
  struct Node {
    uint32_t in = 0;   // in literals_
    uint32_t out = 0;  // in literals_
    uint16_t in_size = 0;
    uint16_t out_size = 0;
    uint16_t kept = 0;     // bytes at the end of both that are the same
    bool differs = false;  // `out` is not `in`
    uint32_t next = 0;     // the first of the steps that may follow; of an end: its type, in types_
    uint32_t sibling = 0;  // another step that may come instead, or 0
    uint32_t members = 0;  // in members_, or 0
    Shape::Action action{};
    IdKind kind{};
    bool text_is_member = false;
  };

  static constexpr uint16_t no_more = 0xFFFF;

  uint32_t find_other(uint32_t parent, const char* in);
  uint32_t find_step(uint32_t parent, const Shape::Step& step, size_t& siblings) const;
  uint32_t add(uint32_t parent, const Shape::Step& step);
  [[nodiscard]] bool has_room(const Shape& shape) const;
  void forget_half();
  [[nodiscard]] std::string_view literal(uint32_t begin, size_t size) const {
    return std::string_view(literals_).substr(begin, size);
  }

  std::vector<Node> nodes_{Node{}};  // the first one is the root
  std::string literals_;
  std::vector<const ari::ModelType*> types_;
  std::vector<uint16_t> members_{
      no_more};  // Shape::Step::members of the nodes that have any, each with its end

  // Layouts that were met and not read, each in the place that its hash names; a new one displaces another.
  struct Layout {
    uint32_t hash = 0;
    uint32_t times = 0;
  };
  std::vector<Layout> met_ = std::vector<Layout>(512);
  // Learning a shape costs as much as reading several events: in the long run one of learning_cost unknown
  // events is learned from, after that many at once.
  static constexpr uint32_t learning_cost = 16;
  static constexpr uint32_t max_credit = 256 * learning_cost;
  uint32_t credit_ = max_credit;
  // Of the latest events, how many were read here, and how many were not.
  uint32_t hits_ = 0;
  uint32_t misses_ = 0;

  std::string decoded_;  // an id or the application
};

}  // namespace aribus::record
