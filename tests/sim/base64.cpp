#include "base64.h"

#include <openssl/evp.h>

namespace aribus::sim {

std::string base64_decoded(std::string_view text) {
  std::string out(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(size < 0 ? 0 : static_cast<size_t>(size) - padding);
  return out;
}

}  // namespace aribus::sim
