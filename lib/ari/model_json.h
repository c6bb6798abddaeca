// Types of fields in typed models and operations, and their conversion from and to JSON.
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

// A value of a closed list in Asterisk's declarations; other versions may add values. `E` is an enumeration
// whose first enumerator is `other`; names_of(E) returns the texts of the others.
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

  // E::other when the value is not declared; see text().
  [[nodiscard]] E value() const { return value_; }
  // The value as Asterisk writes it.
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const Open&) const = default;

 private:
  E value_ = E::other;
  std::string text_;
};

// The result of an operation that returns bytes.
struct Binary {
  std::string content_type;
  std::string bytes;
};

// Gets the result of an operation, or an error: refused (Asterisk's status and message), malformed (the
// answer is not as Asterisk declares it), and the errors of Client::call().
template <typename T>
using Answered = std::function<void(Result<T>)>;

// Reads a model (models.h, events.h). Unknown members are ignored; null means absent. Errors: malformed, with
// place and reason.
template <typename T>
[[nodiscard]] Result<T> from_json(const JsonValue& value);

// Writes a model as JSON, absent members left out; times in RFC 3339.
template <typename T>
[[nodiscard]] std::string to_json(const T& model);

}  // namespace aribus::ari
