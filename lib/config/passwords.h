// Passwords of a configuration, wherever they stand. None of them is shown.
#pragma once

#include <string>
#include <string_view>

#include "config/reading.h"

namespace aribus::config {

inline constexpr const char* variable_warning =
    "it is taken as it is written: variables of the environment are not put in";

// "$NAME" or "${NAME}": nobody puts the variable's value there.
[[nodiscard]] bool is_variable(std::string_view text);

// The first line of a secret's file, which errors call `shown_file`. `where` ends what is said when it is
// missing.
[[nodiscard]] std::string read_secret(const std::string& file, const std::string& shown_file,
                                      const YamlValue& value, const std::string& where = "");

// Warns of what is hardly meant to be part of the password that was read from `where`. `blanks_cure` says
// what to do about a blank at an end of it.
void warn_of_password(Reading& reading, const YamlValue& value, const std::string& password,
                      const std::string& where, const std::string& blanks_cure);

// Reads the password from whichever of the keys `password`, `password_file` and `password_env` is given, and
// says how many of them are. For a check it may stay as it was: the unit may set the variable, and there is a
// warning. `blanks_cure` as above.
[[nodiscard]] int read_password(YamlMap& map, Reading& reading, const std::string& blanks_cure,
                                std::string& password);

}  // namespace aribus::config
