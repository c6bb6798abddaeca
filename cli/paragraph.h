// Texts with styles in lines of a given width.
#pragma once

#include <vector>

#include "cli/output.h"

namespace aribus::cli {

// `text` in lines of at most `columns` cells, broken between words, with `indent` spaces in front of the
// first and four more in front of the others. A word that is longer has a line of its own.
[[nodiscard]] std::vector<Text> paragraph(const Text& text, size_t columns, size_t indent);

}  // namespace aribus::cli
