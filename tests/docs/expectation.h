// Comparing what the documentation shows with what was received.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "json/json.h"

namespace aribus::test {

// Values that are new in every run, by what the documentation has in their place. A cursor, an id chosen by
// the daemon, a stage's channel, a call or an epoch stands for the same value wherever it is repeated.
class Aliases {
 public:
  // From here on `shown` stands for `actual`.
  void bind(const std::string& shown, const std::string& actual) { actual_[shown] = actual; }
  [[nodiscard]] const std::string* find(const std::string& shown) const;
  // `text` with everything shown replaced by what it stands for.
  [[nodiscard]] std::string apply(std::string text) const;

 private:
  // The longest first, as the id of a call contains that of a channel.
  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return std::pair(b.size(), a) < std::pair(a.size(), b);
    }
  };
  std::map<std::string, std::string, Longer> actual_;
};

// Where `actual` differs from `shown`, as "result.name: …", or "" when they agree:
// - "…" within a string stands for any text, alone for any value; as a member of an object for any more of
//   them in any order, as the last item of an array for any more of them;
// - a time stands for any time; a cursor for any cursor, an id aribus-<16 hexadecimal digits> for any such id, the
//   id of a call and an `epoch` for any other, and each for the same one when it comes again;
// - `seq`, `from`, `to` and `records` stand for any number;
// - what an earlier version shows (are_of_an_earlier_version()) may have got more members since, and other
//   sentences in errors.
[[nodiscard]] std::string difference(const JsonValue& shown, const JsonValue& actual, Aliases& aliases,
                                     const std::string& where = "");

}  // namespace aribus::test
