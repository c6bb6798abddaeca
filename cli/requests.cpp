#include "cli/requests.h"

#include "cli/answers.h"

namespace aribus::cli {

using client::Connection;
using std::chrono::milliseconds;

Result<Json> call_over(Connection& client, std::string_view method, std::string_view params,
                       milliseconds timeout) {
  const Result<uint64_t> id = client.send(method, params, timeout);
  if (!id) return id.error();
  Result<Json> answer = client.wait(*id, timeout);
  if (!answer && !client.is_open() && client.end().empty()) answer.error().kind = ErrorKind::outcome_unknown;
  return answer;
}

Result<Json> look_over(Connection& client, std::string_view method, std::string_view params) {
  Result<Json> answer = call_over(client, method, params);
  const bool unanswered = !answer && answer.error().kind == ErrorKind::outcome_unknown;
  if (unanswered) answer.error().kind = ErrorKind::not_connected;
  return answer;
}

Result<Json> subscribe(Connection& client, std::string_view params) {
  Result<Json> answer = look_over(client, "subscribe", params);
  if (!answer) return answer;
  if (auto good = check_subscribed(*answer); !good) return good.error();
  return answer;
}

}  // namespace aribus::cli
