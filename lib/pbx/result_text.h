// The result of a command.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::pbx {

// A large text that is made while it is written, from what does not change any more. Any number may read it, each at
// its own pace.
class MadeText {
 public:
  class Reader {
   public:
    virtual ~Reader() = default;
    // Replaces `piece` by the next bytes, which may be none yet: it does a bounded amount of work. Returns false with
    // the last bytes, of which there are some.
    virtual bool next(std::string& piece) = 0;
  };

  virtual ~MadeText() = default;
  // Begins to read it. The reader may outlive this object.
  [[nodiscard]] virtual std::unique_ptr<Reader> read() const = 0;
  // About how many bytes it has.
  [[nodiscard]] virtual size_t size() const = 0;
  // Bytes that are in memory only because it exists; they become more.
  [[nodiscard]] virtual size_t held_bytes() const = 0;
};

// JSON text in immutable pieces. Copies share them, so a large answer is in memory once however many wait for
// it; binary pieces become base64 only when they are written (session::WriteBuffer).
class ResultText {
 public:
  struct Piece {
    std::shared_ptr<const std::string> text;
    bool base64 = false;  // written as base64
    std::shared_ptr<const MadeText> made = {};  // instead of `text`
  };

  ResultText(std::string json) { add(std::move(json)); }
  ResultText(std::shared_ptr<const std::string> json) { add(std::move(json)); }
  ResultText(std::shared_ptr<const MadeText> made) { add(std::move(made)); }
  ResultText(const char* json) : ResultText(std::string(json)) {}

  ResultText& add(std::string text);
  ResultText& add(std::shared_ptr<const std::string> text);
  ResultText& add(std::shared_ptr<const MadeText> made);
  ResultText& append(const ResultText& other);
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
