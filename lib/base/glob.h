// Globs: *, ? and [...], as in glob(7).
#pragma once

#include <string>

namespace aribus {

enum class GlobCase { exact, ignored };  // of ASCII letters

// Whether all of `name` matches `glob`. A `*` matches any characters, slashes and leading dots included.
[[nodiscard]] bool matches_glob(const std::string& glob, const std::string& name,
                                GlobCase letters = GlobCase::exact);

}  // namespace aribus
