// JSON parsed without building or decoding values: a tape has the place of each value in the text. For hot
// texts that are mostly copied; json.h is for the rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"
#include "json/padded_text.h"
#include "json/scan.h"

namespace aribus {

class JsonTape;

// One value on a tape. Valid until the tape reads another text.
class JsonView {
 public:
  [[nodiscard]] JsonKind kind() const;
  // Its bytes: compact JSON, a string with its quotes.
  [[nodiscard]] std::string_view text() const;
  // A number without fraction and exponent that fits into 64 bits.
  [[nodiscard]] bool is_integer() const;

  // Required below: kind() is string.
  // The bytes between the quotes, with their escapes.
  [[nodiscard]] std::string_view raw() const;
  [[nodiscard]] bool has_escapes() const;
  // The string itself: raw(), or decoded into `buffer`.
  [[nodiscard]] std::string_view string(std::string& buffer) const;
  [[nodiscard]] std::string string() const;

  // The string of the member of that name, or "".
  [[nodiscard]] std::string string_at(std::string_view name) const;

  // The members of an object, the items of an array; none of anything else.
  class Children;
  [[nodiscard]] Children children() const;
  // The value of the first member of that name, or a view that is not valid(). Names with escapes never
  // match.
  [[nodiscard]] JsonView find(std::string_view name) const;
  [[nodiscard]] bool valid() const { return tape_ != nullptr; }

  JsonView() = default;

 private:
  friend class JsonTape;
  std::string_view decoded(std::string& buffer) const;
  JsonView(const JsonTape* tape, uint32_t node) : tape_(tape), node_(node) {}

  const JsonTape* tape_ = nullptr;
  uint32_t node_ = 0;
};

// Reads one text at a time and keeps its memory for the next one.
//
// It depends on no library but for the check of UTF-8. simdjson's DOM takes as long for an event
// (docs/architecture.md), but neither tells where a value is in the text nor keeps a string's escapes, and
// both are needed to copy most of the text as it is. On-Demand tells that, takes longer, and does not look at
// what is not asked for.
class JsonTape {
 public:
  JsonTape() = default;
  JsonTape(const JsonTape&) = delete;
  JsonTape& operator=(const JsonTape&) = delete;

  // Parses one JSON text (RFC 8259) in well-formed UTF-8, nested at most `max_depth` levels (max_line_depth
  // or less), without numbers too large for a double. Returns a view of a copy of the text without white
  // space between tokens; it is not valid() when the text is no such JSON.
  [[nodiscard]] JsonView read(std::string_view text, int max_depth = max_json_depth) {
    return take(text) ? parse(max_depth) : JsonView();
  }

  // The same in two steps. take() makes the copy, which text() shows; it returns false if there is no such
  // JSON, as the text is empty, too large, or no UTF-8. parse() may then be called once.
  [[nodiscard]] bool take(std::string_view text);
  [[nodiscard]] const PaddedText& text() const { return text_; }
  [[nodiscard]] JsonView parse(int max_depth = max_json_depth);

  // Parses the value that begins at `at` in a PaddedText, which must stay as long as the view, without a
  // copy. It must have no white space between tokens. The view's text() says where the value ends.
  [[nodiscard]] JsonView parse_inside(const char* at, int max_depth);

  // Whether `text` may have more than about `limit` tokens; the time to parse it grows with them. A quick
  // estimate that also counts characters in strings.
  [[nodiscard]] static bool has_more_tokens(std::string_view text, size_t limit);

 private:
  friend class JsonView;
  friend class JsonView::Children;

  struct Node {
    uint32_t begin;  // of its bytes
    uint32_t end;
    uint32_t after;  // the node that follows it and all that is in it
    JsonKind kind;
    bool escaped;  // a string with escapes
  };
  class Gaps;
  const char* read_value(const char* in, int max_depth, Gaps* gaps);

  PaddedText text_;
  const char* base_ = nullptr;  // places in nodes_ are counted from here
  std::vector<Node> nodes_;     // the first ones are in use
};

// A range of members or items.
class JsonView::Children {
 public:
  class Iterator {
   public:
    // Of a member: its name, a string.
    [[nodiscard]] JsonView name() const { return {tape_, node_}; }
    [[nodiscard]] JsonView value() const { return {tape_, named_ ? node_ + 1 : node_}; }
    Iterator& operator++() {
      node_ = tape_->nodes_[named_ ? node_ + 1 : node_].after;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }
    const Iterator& operator*() const { return *this; }

   private:
    friend class Children;
    Iterator(const JsonTape* tape, uint32_t node, bool named) : tape_(tape), node_(node), named_(named) {}
    const JsonTape* tape_;
    uint32_t node_;
    bool named_;
  };

  [[nodiscard]] Iterator begin() const { return {tape_, first_, named_}; }
  [[nodiscard]] Iterator end() const { return {tape_, last_, named_}; }

 private:
  friend class JsonView;
  Children(const JsonTape* tape, uint32_t first, uint32_t last, bool named)
      : tape_(tape), first_(first), last_(last), named_(named) {}
  const JsonTape* tape_;
  uint32_t first_;
  uint32_t last_;
  bool named_;
};

inline JsonKind JsonView::kind() const {
  return tape_->nodes_[node_].kind;
}
inline std::string_view JsonView::text() const {
  const auto& node = tape_->nodes_[node_];
  return {tape_->base_ + node.begin, node.end - node.begin};
}
inline std::string_view JsonView::raw() const {
  const auto& node = tape_->nodes_[node_];
  return {tape_->base_ + node.begin + 1, node.end - node.begin - 2};
}
inline bool JsonView::has_escapes() const {
  return tape_->nodes_[node_].escaped;
}
inline std::string_view JsonView::string(std::string& buffer) const {
  return has_escapes() ? decoded(buffer) : raw();
}
inline JsonView::Children JsonView::children() const {
  const auto& node = tape_->nodes_[node_];
  const bool holds = node.kind == JsonKind::object || node.kind == JsonKind::array;
  return {tape_, holds ? node_ + 1 : node.after, node.after, node.kind == JsonKind::object};
}

}  // namespace aribus
