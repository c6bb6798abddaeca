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

ResultText& ResultText::add_base64(std::string bytes) {
  pieces_.push_back({std::make_shared<const std::string>(std::move(bytes)), true});
  return *this;
}

std::string_view ResultText::plain() const {
  return pieces_.size() == 1 ? std::string_view(*pieces_.front().text) : std::string_view();
}

std::string ResultText::str() const {
  std::string text;
  for (const Piece& piece : pieces_) text += piece.base64 ? base64(*piece.text) : *piece.text;
  return text;
}

size_t ResultText::held_bytes() const {
  size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.text->size();
  return bytes;
}

}  // namespace aribus::pbx
