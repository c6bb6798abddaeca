// Large records of which several subscribers have to get the rest.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "bus/record_log.h"

namespace aribus::session {

// The ring may overwrite a record while its rest waits to be written. All subscribers who wait for a large
// record share one copy, which exists while one of them waits. Belongs to the loop's thread.
class SharedLines {
 public:
  // The line of the record `seq`, which is in `log`.
  [[nodiscard]] std::shared_ptr<const std::string> get(const bus::RecordLog& log, uint64_t seq) {
    if (const auto at = lines_.find(seq); at != lines_.end()) {
      if (auto line = at->second.lock()) return line;
    }
    std::erase_if(lines_, [](const auto& entry) { return entry.second.expired(); });
    auto line = std::make_shared<const std::string>(log.line(seq));
    lines_[seq] = line;
    return line;
  }

 private:
  std::map<uint64_t, std::weak_ptr<const std::string>> lines_;
};

}  // namespace aribus::session
