// Reads the passwords of a configuration from any of their keys. None of them is shown.
#pragma once

#include <string>
#include <string_view>

#include "config/reading.h"

namespace aribus::config {

inline constexpr const char* variable_warning =
    "it is taken as it is written: variables of the environment are not put in";

// Whether it is "$NAME" or "${NAME}": it is not replaced by the variable's value.
[[nodiscard]] bool is_variable(std::string_view text);

// The first line of a secret's file, which errors call `shown_file`; `where` ends the error if it is missing.
[[nodiscard]] std::string read_secret(const std::string& file, const std::string& shown_file,
                                      const YamlValue& value, const std::string& where = "");

// Warns of characters that are probably not meant to be part of the password, which was read from `where`.
// `blanks_cure` says what to do about a blank at either end.
void warn_of_password(Reading& reading, const YamlValue& value, const std::string& password,
                      const std::string& where, const std::string& blanks_cure);

// Reads the password from the keys `password`, `password_file` and `password_env`; returns how many are
// given. In a check, a variable that is not set is a warning, as the unit may set it, and leaves `password`
// as it is. `blanks_cure` as above.
[[nodiscard]] int read_password(YamlMap& map, Reading& reading, const std::string& blanks_cure,
                                std::string& password);

}  // namespace aribus::config
