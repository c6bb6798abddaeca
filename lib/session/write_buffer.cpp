#include "session/write_buffer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/base64.h"

namespace aribus::session {
namespace {

constexpr size_t first_bytes = 256;                 // a short answer takes memory once
constexpr size_t encoded_at_once_bytes = 48 << 10;  // of the text; a multiple of three

size_t base64_size(size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

}  // namespace

void WriteBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (pieces_.empty() || !pieces_.back().is_own()) {
    pieces_.emplace_back();
    pieces_.back().own.reserve(std::max(bytes.size(), first_bytes));
  }
  Piece& last = pieces_.back();
  if (last.taken > 0 && last.taken >= last.own.size() / 2) {
    last.own.erase(0, last.taken);
    own_bytes_ -= last.taken;
    last.taken = 0;
  }
  last.own += bytes;
  own_bytes_ += bytes.size();
  size_ += bytes.size();
}

void WriteBuffer::append(const pbx::ResultText::Piece& piece, Quota::Held held, size_t written) {
  if (piece.made) {
    Piece& last = pieces_.emplace_back();
    last.held = std::move(held);
    last.made = piece.made;
    last.left = piece.made->size();
    size_ += last.left;
    return;
  }
  const size_t bytes = piece.text->size() - written;
  if (bytes == 0) return;
  pieces_.push_back(
      {.own = {}, .shared = piece.text, .base64 = piece.base64, .taken = written, .held = std::move(held)});
  size_ += piece.base64 ? base64_size(bytes) : bytes;
}

void WriteBuffer::append(WriteBuffer&& other) {
  std::ranges::move(other.pieces_, std::back_inserter(pieces_));
  size_ += other.size_;
  own_bytes_ += other.own_bytes_;
  other = {};
}

std::string_view WriteBuffer::bytes() {
  if (pieces_.empty()) return {};
  Piece& first = pieces_.front();
  if (first.made) {
    if (!first.reader) first.reader = first.made->read();
    if (encoded_sent_ == encoded_.size()) {
      first.is_last = !first.reader->next(encoded_);
      encoded_sent_ = 0;
    }
    return std::string_view(encoded_).substr(encoded_sent_);
  }
  if (!first.base64) return std::string_view(first.text()).substr(first.taken);
  if (encoded_sent_ == encoded_.size()) {
    const std::string_view next = std::string_view(first.text()).substr(first.taken, encoded_at_once_bytes);
    encoded_ = base64(next);
    encoded_sent_ = 0;
    first.taken += next.size();
  }
  return std::string_view(encoded_).substr(encoded_sent_);
}

void WriteBuffer::consume(size_t count) {
  while (count > 0) {
    Piece& first = pieces_.front();
    if (first.made) {
      consume_made(first, count);
      continue;
    }
    size_t& sent = first.base64 ? encoded_sent_ : first.taken;
    const size_t here = std::min(count, (first.base64 ? encoded_.size() : first.text().size()) - sent);
    sent += here;
    count -= here;
    size_ -= here;
    if (first.taken == first.text().size() && (!first.base64 || sent == encoded_.size())) pop();
  }
}

void WriteBuffer::consume_made(Piece& first, size_t& count) {
  const size_t here = std::min(count, encoded_.size() - encoded_sent_);
  encoded_sent_ += here;
  count -= here;
  const size_t counted = std::min(here, first.left);
  first.left -= counted;
  size_ -= counted;
  if (encoded_sent_ < encoded_.size() || !first.is_last) return;
  size_ -= first.left;
  pop();
}

void WriteBuffer::recount() {
  for (Piece& piece : pieces_) {
    if (piece.made) piece.held.update(piece.made->held_bytes());
  }
}

void WriteBuffer::pop() {
  own_bytes_ -= pieces_.front().own.size();
  pieces_.pop_front();
  std::string().swap(encoded_);
  encoded_sent_ = 0;
}

}  // namespace aribus::session
