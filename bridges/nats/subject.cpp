#include "nats/subject.h"

namespace aribus::nats {
namespace {

// A line of NATS' protocol may have 4,096 bytes, and a refused record would block all later ones.
constexpr size_t longest_token = 1000;

}  // namespace

std::string token(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  if (text.empty()) return "_";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string record_subject(std::string_view pbx, std::string_view server, std::string_view app,
                           std::string_view type) {
  std::string out = "aribus.v1.rec.";
  out += pbx;
  for (const std::string_view part : {server, app, type}) {
    out += '.';
    out += token(part).substr(0, longest_token);
  }
  return out;
}

std::string records_of(std::string_view pbx) {
  return "aribus.v1.rec." + std::string(pbx) + ".>";
}

}  // namespace aribus::nats
