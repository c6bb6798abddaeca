#include "pbx/result_text.h"

#include <utility>

#include "base/base64.h"

namespace aribus::pbx {

ResultText& ResultText::add(std::string text) {
  return add(std::make_shared<const std::string>(std::move(text)));
}

ResultText& ResultText::add(std::shared_ptr<const std::string> text) {
  pieces_.push_back({std::move(text)});
  return *this;
}

ResultText& ResultText::add(std::shared_ptr<const MadeText> made) {
  pieces_.push_back({.text = {}, .made = std::move(made)});
  return *this;
}

ResultText& ResultText::append(const ResultText& other) {
  pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end());
  return *this;
}

ResultText& ResultText::add_base64(std::string bytes) {
  pieces_.push_back({std::make_shared<const std::string>(std::move(bytes)), true});
  return *this;
}

std::string_view ResultText::plain() const {
  return pieces_.size() == 1 && pieces_.front().text ? std::string_view(*pieces_.front().text) : std::string_view();
}

std::string ResultText::str() const {
  std::string text;
  std::string part;
  for (const Piece& piece : pieces_) {
    if (!piece.made) {
      text += piece.base64 ? base64(*piece.text) : *piece.text;
      continue;
    }
    const auto reader = piece.made->read();
    for (bool more = true; more; text += part) more = reader->next(part);
  }
  return text;
}

size_t ResultText::held_bytes() const {
  size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.made ? piece.made->held_bytes() : piece.text->size();
  return bytes;
}

}  // namespace aribus::pbx
