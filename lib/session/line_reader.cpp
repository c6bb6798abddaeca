#include "session/line_reader.h"

#include <utility>

namespace aribus::session {

void LineReader::emit(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) handlers_.line(line);
}

size_t LineReader::feed(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, end);
  if (!skipping_ && partial_.size() + piece.size() > max_line_bytes_()) {
    skipping_ = true;
    handlers_.too_long(std::exchange(partial_, {}).append(piece));
  }
  if (end == std::string_view::npos) {
    if (!skipping_) partial_ += piece;
    return bytes.size();
  }
  if (std::exchange(skipping_, false)) return end + 1;
  if (partial_.empty()) {
    emit(piece);
  } else {
    partial_ += piece;
    emit(std::exchange(partial_, {}));
  }
  return end + 1;
}

}  // namespace aribus::session
