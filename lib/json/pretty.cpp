#include "json/pretty.h"

#include <rapidjson/prettywriter.h>

#include "json/json.h"

namespace aribus {

std::string pretty(std::string_view json) {
  Json parsed;
  parsed.Parse(json.data(), json.size());
  JsonBuffer buffer;
  rapidjson::PrettyWriter<JsonBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  writer.SetFormatOptions(rapidjson::kFormatSingleLineArray);
  parsed.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace aribus
