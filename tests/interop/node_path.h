#pragma once

#include <string>
#include <vector>

namespace aribus::test {

// Debian's place for node's modules, which a node from elsewhere does not know: for the environment.
inline const std::vector<std::string> node_path = {"NODE_PATH=/usr/share/nodejs"};

}  // namespace aribus::test
