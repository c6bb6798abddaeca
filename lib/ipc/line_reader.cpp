#include "ipc/line_reader.h"

#include <utility>

namespace aribus::ipc {

void LineReader::emit(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) handlers_.line(line);
}

void LineReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!skipping_ && partial_.size() + piece.size() > max_line_bytes_) {
      skipping_ = true;
      std::string().swap(partial_);
      handlers_.too_long();
    }
    if (end == std::string_view::npos) {
      if (!skipping_) partial_ += piece;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (std::exchange(skipping_, false)) continue;
    if (partial_.empty()) {
      emit(piece);
    } else {
      partial_ += piece;
      emit(std::exchange(partial_, {}));
    }
  }
}

}  // namespace aribus::ipc
