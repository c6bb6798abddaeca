#include "control/methods/unknown_outcome.h"

#include <string>
#include <utility>

#include "json/json.h"

namespace aribus::control {

Error follow_up(pbx::Server& server, Error error, uint64_t number, std::string_view id_name,
                std::string_view id, bool made) {
  Result<Json> data = parse_json(error.data);
  if (!data || !data->IsObject()) data = Json(rapidjson::kObjectType);
  set_member(*data, id_name, id);
  const std::string command = server.resolver().find_out(number, made);
  if (!command.empty()) set_member(*data, "command", command);
  error.data = to_text(*data);
  return error;
}

}  // namespace aribus::control
