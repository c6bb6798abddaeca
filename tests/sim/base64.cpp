#include "base64.h"

#include <array>

#include <libwebsockets.h>

namespace aribus::sim {

std::string base64_encoded(std::string_view bytes) {
  std::string out(bytes.size() * 4 / 3 + 8, '\0');
  const int size = lws_b64_encode_string(bytes.data(), static_cast<int>(bytes.size()), out.data(),
                                         static_cast<int>(out.size()));
  out.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return out;
}

std::string base64_decoded(std::string_view text) {
  std::string out(text.size() + 8, '\0');
  const int size = lws_b64_decode_string_len(text.data(), static_cast<int>(text.size()), out.data(),
                                             static_cast<int>(out.size()));
  out.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return out;
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  lws_SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64_encoded({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace aribus::sim
