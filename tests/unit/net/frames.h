// WebSocket frames cut and kept, for tests that compare.
#pragma once

#include <algorithm>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/websocket_frame.h"

namespace aribus::test {

// What a reader returned, kept.
struct Piece {
  Received::Kind kind;
  std::string payload;
  uint64_t total_bytes = 0;
  uint16_t code = 0;

  bool operator==(const Piece&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Piece& piece) {
    return out << "kind " << static_cast<int>(piece.kind) << " code " << piece.code << ", "
               << piece.total_bytes << " bytes: " << piece.payload.substr(0, 40);
  }
};
using Cut = std::vector<Piece>;

inline Piece message(Received::Kind kind, std::string payload) {
  const uint64_t size = payload.size();
  return {kind, std::move(payload), size, 0};
}

inline Piece control(Received::Kind kind, std::string payload) {
  return {kind, std::move(payload), 0, 0};
}

inline std::string frame(Opcode opcode, std::string_view payload, std::optional<Mask> mask = {},
                         bool final = true) {
  std::string out;
  append_frame(out, opcode, payload, mask, final);
  return out;
}

// Reads `stream`, which comes in pieces that end at `splits`, in ascending order. Each piece lies in memory
// of its own, so that a sanitizer sees whoever reads beyond it. Messages that the reader returns in pieces
// are put together.
inline Cut cut_pieces(std::string_view stream, std::vector<size_t> splits,
                      const FrameReaderOptions& options) {
  FrameReader reader(options);
  Cut got;
  std::string message;
  splits.push_back(stream.size());
  size_t begin = 0;
  for (const size_t end : splits) {
    const std::vector<char> piece(stream.begin() + static_cast<ptrdiff_t>(begin),
                                  stream.begin() + static_cast<ptrdiff_t>(end));
    std::string_view rest(piece.data(), piece.size());
    while (!rest.empty()) {
      const auto received = reader.next(rest);
      if (!received) continue;
      const bool is_message =
          received->kind == Received::Kind::text || received->kind == Received::Kind::binary;
      std::string payload = is_message ? std::exchange(message, {}) : std::string();
      payload += received->payload;
      if (received->final) {
        got.push_back({received->kind, std::move(payload), received->total_bytes, received->code});
      } else {
        message = std::move(payload);
      }
    }
    begin = end;
  }
  return got;
}

inline Cut cut(std::string_view stream, const FrameReaderOptions& options = {}) {
  return cut_pieces(stream, {}, options);
}

inline std::vector<size_t> random_splits(std::mt19937& random, size_t size) {
  std::vector<size_t> splits(random() % 20);
  for (size_t& split : splits) split = random() % (size + 1);
  std::ranges::sort(splits);
  return splits;
}

}  // namespace aribus::test
