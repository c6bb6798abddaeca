#include "base/glob.h"

#include <fnmatch.h>

namespace aribus {

bool matches_glob(const std::string& glob, const std::string& name, GlobCase letters) {
  return ::fnmatch(glob.c_str(), name.c_str(), letters == GlobCase::ignored ? FNM_CASEFOLD : 0) == 0;
}

}  // namespace aribus
