// The items of a large JSON array, one by one.
#pragma once

#include <functional>
#include <string_view>

namespace aribus {

// Calls `use` with the text of each item of `array`, a JSON array, until `use` returns false. Items are cut out, not
// parsed: whether each is JSON is for `use` to find out. Returns false when it is no array, or `use` returned false.
[[nodiscard]] bool for_each_item(std::string_view array, const std::function<bool(std::string_view)>& use);

}  // namespace aribus
