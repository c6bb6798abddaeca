// The messages that were published but not acknowledged yet. No input or output.
//
// JetStream stores a message only if the stream's last sequence is the one that the message expects
// (Nats-Expected-Last-Sequence). So messages that are sent without waiting for answers are stored in order,
// each once; if one does not fit, it and all later ones are refused. But where the account has no room for a
// message, several versions of nats-server take the next one all the same: see Flight.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// Records that the stream in NATS does not have, although it has later ones: `records` of those between
// `from` and `to`.
struct Missing {
  uint64_t from = 0, to = 0, records = 0;  // 0: none

  bool operator==(const Missing&) const = default;
};

// Messages that were sent, and not acknowledged when the connection ended. Where nats-server has no room for
// one, up to 2.10.5 it stores it and deletes it again, and up to 2.12.2 it counts it without storing it
// (nats-server's pull request 7658). Either way it takes the next message for the one that comes next: what
// of these is stored has to be read from the stream.
struct Flight {
  uint64_t after = 0;  // the stream's last sequence before them
  std::string stream;  // the daemon's
  std::vector<uint64_t> seqs;

  Missing missing{};  // of them, when the stream ended with the sequence `read`; it is reported next
  uint64_t read = 0;  // 0: the stream was not read yet

  bool operator==(const Flight&) const = default;
};

class Window {
 public:
  static constexpr size_t max_records = 4096;
  static constexpr size_t max_bytes = 8 << 20;

  // The stream in NATS ends with the sequence `last`; its last record is the one at `place`. `ahead`: by how
  // much nats-server believes that it ends later.
  Window(uint64_t last, Place place, uint64_t ahead = 0)
      : last_(last), stored_(std::move(place)), ahead_(ahead), next_(last) {}

  [[nodiscard]] bool is_full() const { return sent_.size() >= max_records || bytes_ >= max_bytes; }
  [[nodiscard]] bool is_empty() const { return sent_.empty(); }
  [[nodiscard]] size_t size() const { return sent_.size(); }
  // The last sequence of the stream that the next message must expect.
  [[nodiscard]] uint64_t expected() const { return next_ + ahead_; }
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
  [[nodiscard]] Flight flight() const;

  // Of the answer that was an error: nats-server had no room for the message; by how much it believes that
  // the stream ends behind last(), if it said that.
  [[nodiscard]] bool lacks_room() const { return lacks_room_; }
  [[nodiscard]] std::optional<uint64_t> believed_ahead() const;

 private:
  struct Sent {
    Place place;
    size_t bytes;
  };

  uint64_t last_;
  Place stored_;
  uint64_t ahead_;
  uint64_t next_;
  std::deque<Sent> sent_;  // the messages after last_
  size_t bytes_ = 0;
  bool lacks_room_ = false;
  std::optional<uint64_t> believed_last_;
};

}  // namespace aribus::nats
