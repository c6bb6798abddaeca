// What the bridge remembers beside what the stream in NATS holds.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "nats/window.h"

namespace aribus::nats {

// A small file of JSON. The stream in NATS tells where to go on as long as it holds a message; this is for
// when all of them have expired.
class StateFile {
 public:
  struct State {
    std::string installation;  // whose stream in NATS it is; made when there is no file
    Place place;               // of the last message that is known to be stored
    uint64_t last = 0;         // its sequence in NATS
    Place report{};            // of a report that was to be published behind it; no stream: none
  };

  // Reads the file, or makes it. Errors: system; malformed.
  [[nodiscard]] static Result<StateFile> open(std::string path);
  // Keeps other processes from doing the same as long as this lives: two that write one file would each go on
  // where the other was. Errors: system, also when another one does.
  [[nodiscard]] Result<void> hold();
  [[nodiscard]] const State& state() const { return state_; }
  // Takes the place of the old file whole, or not at all. Errors: system.
  [[nodiscard]] Result<void> write(State state);

 private:
  explicit StateFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  State state_;
  Fd lock_;  // of a file beside it, as it is replaced itself
};

}  // namespace aribus::nats
