// The result of a command.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::pbx {

// JSON text in immutable pieces. Copies share them, so a large answer is in memory once however many wait for
// it; binary pieces become base64 only when they are written (session::WriteBuffer).
class ResultText {
 public:
  struct Piece {
    std::shared_ptr<const std::string> text;
    bool base64 = false;  // written as base64
  };

  ResultText(std::string json) { add(std::move(json)); }
  ResultText(std::shared_ptr<const std::string> json) { add(std::move(json)); }
  ResultText(const char* json) : ResultText(std::string(json)) {}

  ResultText& add(std::string text);
  ResultText& add(std::shared_ptr<const std::string> text);
  ResultText& add_base64(std::string bytes);

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  // The whole text if it is one piece; else "".
  [[nodiscard]] std::string_view plain() const;
  // The whole text.
  [[nodiscard]] std::string str() const;
  // Bytes that its pieces take in memory.
  [[nodiscard]] size_t held_bytes() const;

  bool operator==(std::string_view other) const { return str() == other; }

 private:
  std::vector<Piece> pieces_;
};

}  // namespace aribus::pbx
