// The state that the bridge process keeps outside of the stream in NATS.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "nats/window.h"

namespace aribus::nats {

// A small JSON file. While the stream in NATS holds a message, it shows where to resume; this file is for
// when all messages have expired.
class StateFile {
 public:
  struct State {
    std::string installation;  // owner of the stream in NATS; generated when there is no file
    Place place;               // of the last message that is known to be stored
    uint64_t last = 0;         // the sequence of that message in NATS
    Place report{};            // of a report that was about to be published after it; no stream: none
    Flight flight{};           // some of these may be missing in the stream, unreported; no seqs: none
  };

  // Reads or creates the file. Errors: system; malformed.
  [[nodiscard]] static Result<StateFile> open(std::string path);
  // Locks the file against other processes until this object is destroyed: two writers would each resume
  // where the other one was. Errors: system, also if another process holds it.
  [[nodiscard]] Result<void> hold();
  [[nodiscard]] const State& state() const { return state_; }
  // Sets the state, and replaces the file atomically. Errors: system; the state is set all the same.
  [[nodiscard]] Result<void> write(State state);
  // Whether the file has the state.
  [[nodiscard]] bool is_written() const { return is_written_; }

 private:
  explicit StateFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  State state_;
  bool is_written_ = true;
  Fd lock_;  // of a separate file, because the state file itself is replaced
};

}  // namespace aribus::nats
