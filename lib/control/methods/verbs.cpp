#include "control/methods/verbs.h"

#include <algorithm>
#include <iterator>

#include "control/methods/ari_request.h"
#include "control/methods/bridge_verb.h"
#include "control/methods/call_verbs.h"
#include "control/methods/media_verbs.h"

namespace aribus::control {

std::vector<Method> verbs() {
  std::vector<Method> all{ari_request(), bridge_verb()};
  std::ranges::move(call_verbs(), std::back_inserter(all));
  std::ranges::move(media_verbs(), std::back_inserter(all));
  return all;
}

}  // namespace aribus::control
