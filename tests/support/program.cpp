#include "tests/support/program.h"

#include <stdexcept>

#include "tests/support/repeated_key.h"

namespace aribus::test {
namespace {

void must_have_each_key_once(const JsonValue& sent) {
  const std::string key = repeated_key(sent);
  if (!key.empty()) throw std::runtime_error("the key '" + key + "' is there twice: " + to_text(sent));
}

}  // namespace

Program::Program(client::Connection client, const std::string& params) : client_(std::move(client)) {
  call("subscribe", params);
}

Json Program::call(const std::string& method, const std::string& params) {
  auto result = client_.call(method, params);
  if (!result) throw std::runtime_error(method + " " + params + ": " + result.error().message);
  must_have_each_key_once(*result);
  return std::move(*result);
}

Error Program::refused(const std::string& method, const std::string& params) {
  auto result = client_.call(method, params);
  if (result) throw std::runtime_error(method + " " + params + " was not refused: " + to_text(*result));
  return result.error();
}

Json Program::expect(const std::string& type, const Matches& matches, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (size_t i = 0;; ++i) {
    while (i == records_.size()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      auto next = client_.next(std::max(left, std::chrono::milliseconds(0)));
      if (!next) throw std::runtime_error("waiting for " + type + ": " + next.error().message);
      if (!*next) {
        std::string seen;
        for (const Json& record : records_) seen += "\n  " + to_text(record).substr(0, 300);
        throw std::runtime_error("no " + type + " as expected; seen:" + seen);
      }
      if ((*next)->method != "event") throw std::runtime_error("records were lost");
      must_have_each_key_once((*next)->params);
      records_.push_back(std::move((*next)->params));
      taken_.push_back(false);
    }
    if (taken_[i] || find_string(records_[i], "type") != type || (matches && !matches(records_[i]))) continue;
    taken_[i] = true;
    return copy_of(records_[i]);
  }
}

Json Program::expect_about(const std::string& type, const std::string& channel, const Matches& matches) {
  return expect(type, [&](const JsonValue& record) {
    return about(record, "channels", channel) && (!matches || matches(record));
  });
}

bool about(const JsonValue& record, const char* list, const std::string& id) {
  const JsonValue* ids = find(record, list);
  if (ids == nullptr) return false;
  for (const JsonValue& item : ids->GetArray()) {
    if (as_view(item) == id) return true;
  }
  return false;
}

std::string text_at(const JsonValue& value, const std::string& path) {
  const size_t dot = path.find('.');
  const JsonValue* member = find(value, path.substr(0, dot));
  if (member == nullptr) return {};
  if (dot != std::string::npos) return text_at(*member, path.substr(dot + 1));
  return member->IsString() ? std::string(as_view(*member)) : std::string();
}

}  // namespace aribus::test
