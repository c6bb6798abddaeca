// How functions of aribus report failures.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace aribus {

// The kind of a failure: what a caller needs to decide what to do next.
enum class ErrorKind {
  malformed,        // the text can't be parsed
  invalid_request,  // the text is no request
  unknown_method,   // no method has this name
  invalid_params,   // a parameter is missing, unknown or of the wrong type; nothing was sent
  internal,         // a defect of aribus
  refused,          // the other side answered and refused
  not_connected,    // nothing was sent
  outcome_unknown,  // it was sent, and no answer came in time
  not_allowed,      // an access rule forbids it; nothing was sent
  too_much,         // a bound was reached; nothing was sent
  too_old,          // the other side is too old for it; nothing was sent
  not_owner,        // the call belongs to another member of its group; nothing was sent
  system,           // a call to the operating system failed
};

// A failure: its kind, a sentence that names cause and cure, and facts for programs.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string data;  // a JSON object as text, or empty
};

// Makes an error of `kind` from the current `errno`, as "<what>: <reason>".
[[nodiscard]] Error system_error(std::string_view what);

// A value, or the error because of which there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Error error) : content_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Required: ok().
  [[nodiscard]] T& value() & { return *std::get_if<0>(&content_); }
  [[nodiscard]] const T& value() const& { return *std::get_if<0>(&content_); }
  [[nodiscard]] T&& value() && { return std::move(*std::get_if<0>(&content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Required: !ok().
  [[nodiscard]] Error& error() { return *std::get_if<1>(&content_); }
  [[nodiscard]] const Error& error() const { return *std::get_if<1>(&content_); }

 private:
  std::variant<T, Error> content_;
};

// The result of a function without a value.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  [[nodiscard]] Error& error() { return error_; }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace aribus
