#include "model.h"

#include <cstdint>

#include "json.h"

namespace aribus::sim {

std::string Channel::json() const {
  Object out;
  out.text("id", id).text("name", name).text("state", state).text("protocol_id", protocol_id);
  out.raw("caller", Object().text("name", caller_name).text("number", caller_number).str());
  out.raw("connected", Object().text("name", connected_name).text("number", connected_number).str());
  out.text("accountcode", "");
  Object dialplan;
  dialplan.text("context", context).text("exten", exten).number("priority", priority);
  out.raw("dialplan", dialplan.text("app_name", app_name).text("app_data", app_data).str());
  out.text("creationtime", creationtime).text("language", language);
  if (!channelvars.empty()) {
    Object vars;
    for (const auto& [key, value] : channelvars) vars.text(key, value);
    out.raw("channelvars", vars.str());
  }
  return out.str();
}

std::string Bridge::json() const {
  Object out;
  out.text("id", id).text("technology", technology).text("bridge_type", type).text("bridge_class", "stasis");
  out.text("creator", "Stasis").text("name", name).raw("channels", quoted_list(channels));
  return out.text("creationtime", creationtime).text("video_mode", "talker").str();
}

std::string Playback::json() const {
  Object out;
  out.text("id", id).text("media_uri", media.at(position));
  if (position + 1 < media.size()) out.text("next_media_uri", media[position + 1]);
  return out.text("target_uri", target).text("language", language).text("state", state).str();
}

std::string Recording::json() const {
  Object out;
  out.text("name", name).text("format", format).text("state", state).text("target_uri", target);
  if (!failure.empty()) out.text("cause", failure);
  if (duration >= 0 && failure.empty()) out.number("duration", duration);
  return out.str();
}

std::string wav_file() {
  constexpr uint32_t rate = 8000;
  constexpr uint32_t samples = 800;
  const auto little = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
  };
  std::string data;
  for (uint32_t i = 0; i < samples; ++i) data += little(i / 9 % 2 == 0 ? 4000 : 61536, 2);
  const auto size = static_cast<uint32_t>(data.size());
  return "RIFF" + little(36 + size, 4) + "WAVEfmt " + little(16, 4) + little(1, 2) + little(1, 2) +
         little(rate, 4) + little(rate * 2, 4) + little(2, 2) + little(16, 2) + "data" + little(size, 4) +
         data;
}

}  // namespace aribus::sim
