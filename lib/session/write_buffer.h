// What waits to be written to one peer: answers, notifications, the rest of a record.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "pbx/result_text.h"
#include "session/quota.h"

namespace aribus::session {

// Large texts are shared with other buffers, or made while they are written; base64 is encoded piece by piece, too.
class WriteBuffer {
 public:
  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  // Bytes to be written, about.
  [[nodiscard]] size_t size() const { return size_; }
  // Those of them that are in memory for this peer alone.
  [[nodiscard]] size_t own_bytes() const { return own_bytes_; }

  void append(std::string_view bytes);
  // `held` counts the piece's text while it waits. The first `written` bytes of it are left out. Required: it
  // has that many, and is not base64 unless `written` is 0.
  void append(const pbx::ResultText::Piece& piece, Quota::Held held, size_t written = 0);
  void append(WriteBuffer&& other);

  // Counts what texts that are being made hold by now.
  void recount();

  // The next bytes to write, all or some of them; valid until the next call. None although it is not empty: they are
  // still being made; ask again in another turn.
  [[nodiscard]] std::string_view bytes();
  // The first `count` bytes of those were written.
  void consume(size_t count);

 private:
  struct Piece {
    std::string own;
    std::shared_ptr<const std::string> shared = {};  // nullptr: it is `own`
    bool base64 = false;
    size_t taken = 0;  // of the text: it was written, or is in encoded_
    Quota::Held held = {};
    std::shared_ptr<const pbx::MadeText> made = {};     // instead of a text
    std::unique_ptr<pbx::MadeText::Reader> reader = {};  // once it has begun
    bool is_last = false;                                // encoded_ has its last bytes
    size_t left = 0;                                     // of its size()

    [[nodiscard]] bool is_own() const { return !shared && !made; }
    [[nodiscard]] const std::string& text() const { return shared ? *shared : own; }
  };

  void pop();
  void consume_made(Piece& first, size_t& count);

  std::deque<Piece> pieces_;
  std::string encoded_;      // of the first piece, as far as it is needed: base64, or what was made
  size_t encoded_sent_ = 0;  // of encoded_
  size_t size_ = 0;
  size_t own_bytes_ = 0;
};

}  // namespace aribus::session
