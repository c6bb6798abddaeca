#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace aribus {

Error system_error(std::string_view what) {
  return Error{ErrorKind::system, std::string(what) + ": " + std::generic_category().message(errno), {}};
}

}  // namespace aribus
