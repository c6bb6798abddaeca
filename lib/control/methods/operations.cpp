#include "control/methods/operations.h"

#include "control/access_level.h"
#include "control/methods/call_operation.h"
#include "control/methods/defaults.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

// The optional parameter with the id of what the operation creates, or "".
std::string_view generated_id_param(const ari::Operation& operation) {
  const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name);
  return creates == nullptr || operation.find(creates->id)->required ? std::string_view() : creates->id;
}

Method method_of(const ari::Operation& operation) {
  return {.name = std::string(operation.name),
          .parameters = method_parameters(operation),
          .answer = operation.answer,
          .operations = {operation.name},
          .generated_id_param = generated_id_param(operation),
          .access_level = access_level_of(operation),
          .run = [&operation](Call call) {
            prepare_and_call(call.server, operation, std::move(call.params), call.requester, call.reply);
          }};
}

}  // namespace

std::vector<Method> operation_methods() {
  std::vector<Method> methods;
  for (const ari::Operation& operation : ari::operations()) methods.push_back(method_of(operation));
  return methods;
}

}  // namespace aribus::control
