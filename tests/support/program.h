// A test's program on the socket: it sends commands and expects records.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/connection.h"

namespace aribus::test {

// One connection with a subscription. Expectations look at the records in order, each from where the one
// before it with the same channel's story began; what they don't ask for is kept for later ones.
class Program {
 public:
  using Matches = std::function<bool(const JsonValue& record)>;

  // Subscribes with `params`.
  explicit Program(client::Connection client, const std::string& params = "{}");

  // Calls a method that must succeed; throws with the error otherwise.
  Json call(const std::string& method, const std::string& params = "{}");
  // Calls a method that must fail, and returns how.
  Error refused(const std::string& method, const std::string& params = "{}");

  // The first record of `type`, not taken before, that `matches`; throws when none comes within `timeout`.
  Json expect(const std::string& type, const Matches& matches = {},
              std::chrono::milliseconds timeout = std::chrono::seconds(30));
  // As expect(), for a record about `channel`.
  Json expect_about(const std::string& type, const std::string& channel, const Matches& matches = {});

  // All records received so far, in order.
  [[nodiscard]] const std::vector<Json>& records() const { return records_; }
  [[nodiscard]] client::Connection& client() { return client_; }

 private:
  client::Connection client_;
  std::vector<Json> records_;
  std::vector<bool> taken_;
};

// The record names `id` in its list `list` ("channels", "bridges", …).
bool about(const JsonValue& record, const char* list, const std::string& id);

// The string at `path`, as "channel.caller.number"; "" when there is none.
std::string text_at(const JsonValue& value, const std::string& path);

}  // namespace aribus::test
