// The messages that were published but not acknowledged yet. No input or output.
//
// JetStream stores a message only if the stream's last sequence is the one that the message expects
// (Nats-Expected-Last-Sequence). So messages that are sent without waiting for answers are stored in order,
// each once; if one does not fit, it and all later ones are refused.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aribus::nats {

// A place in the daemon's stream of records.
struct Place {
  std::string stream;  // "": none
  uint64_t seq = 0;

  [[nodiscard]] std::string text() const { return stream + ":" + std::to_string(seq); }
  // Reads <stream>:<seq> or <stream>:<seq>:<more>; the result has no stream if the text is not of this form.
  [[nodiscard]] static Place parse(std::string_view text);
  bool operator==(const Place&) const = default;
};

class Window {
 public:
  static constexpr size_t max_records = 4096;
  static constexpr size_t max_bytes = 8 << 20;

  // The stream in NATS ends with the sequence `last`; its last record is the one at `place`.
  Window(uint64_t last, Place place) : last_(last), stored_(std::move(place)), next_(last) {}

  [[nodiscard]] bool is_full() const { return sent_.size() >= max_records || bytes_ >= max_bytes; }
  [[nodiscard]] bool is_empty() const { return sent_.empty(); }
  [[nodiscard]] size_t size() const { return sent_.size(); }
  // The last sequence of the stream that the next message must expect.
  [[nodiscard]] uint64_t expected() const { return next_; }
  // The message that expects expected() was sent; it has the record at `place`.
  void sent(Place place, size_t bytes);

  // Skips the record at `place`, which the stream in NATS already has. Required: is_empty().
  void had(Place place) { stored_ = std::move(place); }

  // Handles the server's answer to the message that expected `expected`. Errors: refused, when the stream
  // does not end as expected; not_connected, when JetStream stores nothing, for example because its disk is
  // full. After an error, publishing must restart from the end of the stream in NATS.
  [[nodiscard]] Result<void> answered(uint64_t expected, std::string_view answer);

  // The last record that is known to be stored, and its sequence in NATS.
  [[nodiscard]] const Place& stored() const { return stored_; }
  [[nodiscard]] uint64_t last() const { return last_; }

 private:
  struct Sent {
    Place place;
    size_t bytes;
  };

  uint64_t last_;
  Place stored_;
  uint64_t next_;
  std::deque<Sent> sent_;  // the messages after last_
  size_t bytes_ = 0;
};

}  // namespace aribus::nats
