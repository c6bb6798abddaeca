// What the typed models and operations are made of, and how they become JSON and come from it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "json/json.h"

namespace aribus::ari {

// Free-form JSON, as text.
struct JsonText {
  std::string text;

  bool operator==(const JsonText&) const = default;
};

// A value of a list that is closed in Asterisk's declarations, with room for values that another version
// adds. `E` is an enumeration whose first enumerator is `other`; names_of(E) gives the texts of those after
// it.
template <typename E>
class Open {
 public:
  Open() = default;
  Open(E value) : value_(value) {
    if (value != E::other) text_ = names_of(E{})[static_cast<size_t>(value) - 1];
  }
  explicit Open(std::string_view text) : text_(text) {
    const std::span<const std::string_view> names = names_of(E{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == text) value_ = static_cast<E>(i + 1);
    }
  }

  // E::other when it is none of those declared; text() says which.
  [[nodiscard]] E value() const { return value_; }
  // The value as Asterisk writes it.
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const Open&) const = default;

 private:
  E value_ = E::other;
  std::string text_;
};

// What an operation answers that answers bytes.
struct Binary {
  std::string content_type;
  std::string bytes;
};

// Called with what an operation answers, or why it does not: refused (Asterisk's status and message),
// malformed (the answer is not what Asterisk declares), and the errors of Client::call().
template <typename T>
using Answered = std::function<void(Result<T>)>;

// Reads a model (models.h, events.h). Members that the model does not have are passed over; null is as good
// as absent. Errors: malformed, saying where and why.
template <typename T>
[[nodiscard]] Result<T> from_json(const JsonValue& value);

// Writes a model as JSON, absent members left out; times in RFC 3339.
template <typename T>
[[nodiscard]] std::string to_json(const T& model);

}  // namespace aribus::ari
