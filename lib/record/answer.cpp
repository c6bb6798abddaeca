#include "record/answer.h"

#include "json/json.h"
#include "json/json_tape.h"
#include "record/normalizer.h"

namespace aribus::record {
namespace {

// One tape for all: nothing on it is needed longer than a call.
JsonTape& answer_tape() {
  static thread_local JsonTape tape;
  return tape;
}

}  // namespace

std::optional<std::string> normalized_answer(std::string_view json, const ari::ResultType& answer) {
  constexpr size_t kept_bytes = 64 << 10;  // the memory that a larger text takes is given back
  std::optional<JsonTape> own;
  const JsonView value = (json.size() > kept_bytes ? own.emplace() : answer_tape()).read(json);
  if (!value.valid()) return {};
  std::string out;
  IdSet ids;
  const ModelRules* model = answer.model == nullptr ? nullptr : find_rules(answer.model->name);
  Normalizer(out, ids).write(value, answer.type, answer.list, model);
  return out;
}

void lift_ids(std::string_view json, IdSet& ids) {
  std::string unused;
  const JsonView value = answer_tape().read(json, max_line_depth);
  if (value.valid()) Normalizer(unused, ids).write(value, ari::Type::model, false, nullptr);
}

}  // namespace aribus::record
