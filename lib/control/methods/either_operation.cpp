#include "control/methods/either_operation.h"

#include <algorithm>
#include <string>

#include "control/methods/defaults.h"

namespace aribus::control {

using ari::Parameter;
using ari::Place;

std::vector<Parameter> parameters_of_either(std::string_view first, std::string_view second,
                                            std::vector<Parameter> more) {
  std::vector<Parameter> all = method_parameters(*ari::find_operation(first));
  for (const Parameter& parameter : ari::find_operation(second)->parameters) more.push_back(parameter);
  for (const Parameter& parameter : more) {
    if (std::ranges::find(all, parameter.name, &Parameter::name) == all.end()) all.push_back(parameter);
  }
  for (Parameter& parameter : all) parameter.required &= parameter.place != Place::path;
  return all;
}

Result<const ari::Operation*> pick_operation(const JsonValue& params, std::string_view first_id,
                                             std::string_view first, std::string_view second_id,
                                             std::string_view second) {
  const bool is_first = find(params, first_id) != nullptr;
  if (is_first == (find(params, second_id) != nullptr)) {
    return Error{ErrorKind::invalid_params,
                 std::string(first_id) + ": exactly one of " + std::string(first_id) + " and " +
                     std::string(second_id) + " is expected",
                 {}};
  }
  return ari::find_operation(is_first ? first : second);
}

}  // namespace aribus::control
