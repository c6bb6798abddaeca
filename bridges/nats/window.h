// What was published and is not known to be stored yet. No input or output.
//
// JetStream stores a message only if the stream's last sequence is the one that the message expects
// (Nats-Expected-Last-Sequence), so messages that are sent one after the other, without waiting, are stored
// in order, each once, or refused together from the first one on that does not fit.
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
  // Of the form <stream>:<seq>, or <stream>:<seq>:<more>; without a stream when it is none.
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
  // What the next message has to expect as the stream's last sequence.
  [[nodiscard]] uint64_t expected() const { return next_; }
  // The message that expects expected() was sent, and holds the record at `place`.
  void sent(Place place, size_t bytes);

  // A record at `place` that the stream in NATS has already. Required: is_empty().
  void had(Place place) { stored_ = std::move(place); }

  // Takes the server's answer to the message that expected `expected`. Errors: refused, when the stream does
  // not end as was expected; not_connected, when JetStream takes nothing, as it has no room. What is not
  // known to be stored has to be published anew, from what the stream in NATS holds on.
  [[nodiscard]] Result<void> answered(uint64_t expected, std::string_view answer);

  // The last record that is known to be stored, and its sequence.
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
  std::deque<Sent> sent_;  // what follows last_
  size_t bytes_ = 0;
};

}  // namespace aribus::nats
