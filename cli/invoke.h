// Commands that call a method: `aribus call METHOD` and the verbs.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cli/arguments.h"

namespace aribus::cli {

// The parameters of a verb that may be given without their names, in this order; the last takes all other
// words.
struct Verb {
  std::string_view name;
  std::vector<std::string_view> places;
};
// nullptr when there is none of that name.
[[nodiscard]] const Verb* find_verb(std::string_view name);

// Runs `aribus call`, and a verb.
int call(const Arguments& arguments);
int verb(const Arguments& arguments);

// Whether a word of a command line is NAME=VALUE or NAME:=JSON.
[[nodiscard]] bool is_named(std::string_view word);

}  // namespace aribus::cli
