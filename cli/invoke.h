// Commands that a word of the tool stands for: `aribus call METHOD` and the verbs.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace aribus::cli {

// A verb's parameters that may be given without their names, in this order; the last takes all that is left.
struct Verb {
  std::string_view name;
  std::vector<std::string_view> places;
};
// nullptr when there is none of that name.
[[nodiscard]] const Verb* find_verb(std::string_view name);

// Whether a word of a command line is NAME=VALUE or NAME:=JSON.
[[nodiscard]] bool is_named(std::string_view word);

}  // namespace aribus::cli
