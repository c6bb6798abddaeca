// Whatever a WebSocket brings, and however it is split, FrameReader makes the same of it, and no more than
// came.
//
// The first byte of an input picks the role, whether UTF-8 is checked, and the bound; the second how it is
// split.
#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/frames.h"

namespace {

using namespace aribus;

FrameReaderOptions options_of(uint8_t choice) {
  FrameReaderOptions options;
  options.role = choice % 2 == 0 ? WebSocketRole::client : WebSocketRole::server;
  options.check_utf8 = choice % 4 < 2;
  options.max_message_bytes = choice % 8 < 4 ? 300 : 4 << 20;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const FrameReaderOptions options = options_of(data[0]);
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const test::Cut whole = test::cut(stream, options);
  std::mt19937 random(data[1]);
  for (int times = 0; times < 3; ++times) {
    require(test::cut_pieces(stream, test::random_splits(random, stream.size()), options) == whole,
            "its outcome does not depend on the pieces");
  }
  FrameReaderOptions in_pieces = options;
  in_pieces.in_pieces = true;
  FrameReaderOptions unbounded = options;
  unbounded.max_message_bytes = SIZE_MAX;
  const test::Cut pieces = test::cut_pieces(stream, test::random_splits(random, stream.size()), in_pieces);
  // A text that is not UTF-8 is noticed earlier in pieces.
  const bool is_bad_text = !pieces.empty() && pieces.back().code == close_bad_data;
  require(is_bad_text || pieces == test::cut(stream, unbounded), "pieces are those of the whole");
  uint64_t bytes = 0;
  for (const test::Piece& piece : whole) {
    const bool is_message = piece.kind == Received::Kind::text || piece.kind == Received::Kind::binary;
    const size_t bound = is_message ? options.max_message_bytes : max_control_payload_bytes;
    require(piece.payload.size() <= bound, "what it keeps is bounded");
    require(!is_message || piece.total_bytes >= piece.payload.size(), "it does not make up bytes");
    bytes += piece.total_bytes;
    const bool ends = piece.kind == Received::Kind::close || piece.kind == Received::Kind::violation;
    require(!ends || &piece == &whole.back(), "nothing comes after the end");
  }
  require(bytes <= stream.size(), "no more than came");
  return 0;
}
