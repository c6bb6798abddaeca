// Freeing what is large without blocking the loop.
#pragma once

#include <memory>
#include <utility>

#include "net/background.h"

namespace aribus {

// Destroys `object` on another thread, unless others hold it: what consists of very many pieces takes long. Required:
// nothing that its destructor touches is used on this thread, except shared pointers to what does not change.
inline void discard(Loop& loop, std::shared_ptr<void> object) {
  const auto background = std::make_shared<Background>();
  const auto held = std::make_shared<std::shared_ptr<void>>(std::move(object));
  background->start(loop, [held] { held->reset(); }, [background] {});
}

}  // namespace aribus
