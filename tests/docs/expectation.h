// Comparing what the documentation shows with what was received.
#pragma once

#include <map>
#include <string>

#include "json/json.h"

namespace aribus::test {

// Values that are new in every run, by what the documentation has in their place. A cursor, an id chosen by
// the daemon or a stage's channel stands for the same value wherever it is repeated.
class Aliases {
 public:
  // From here on `shown` stands for `actual`.
  void bind(const std::string& shown, const std::string& actual) { actual_[shown] = actual; }
  [[nodiscard]] const std::string* find(const std::string& shown) const;
  // `text` with everything shown replaced by what it stands for.
  [[nodiscard]] std::string apply(std::string text) const;

 private:
  std::map<std::string, std::string> actual_;
};

// Where `actual` differs from `shown`, as "result.name: …", or "" when they agree:
// - "…" within a string stands for any text, alone for any value; as a member of an object for any more of
//   them in any order, as the last item of an array for any more of them;
// - a time stands for any time; a cursor for any cursor, and an id aribus-<16 hexadecimal digits> for any
//   such id, and each for the same one when it comes again;
// - `seq`, `from`, `to` and `records` stand for any number;
// - what an earlier version shows (are_of_an_earlier_version()) may have got more members since, and other
//   sentences in errors.
[[nodiscard]] std::string difference(const JsonValue& shown, const JsonValue& actual, Aliases& aliases,
                                     const std::string& where = "");

}  // namespace aribus::test
