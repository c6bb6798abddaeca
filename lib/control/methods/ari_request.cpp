#include "control/methods/ari_request.h"

#include <string>
#include <utility>
#include <vector>

#include "ari/operation.h"
#include "control/methods/request_path.h"
#include "control/params.h"
#include "net/url.h"

namespace aribus::control {
namespace {

using ari::Type;

constexpr std::string_view http_methods[] = {"GET", "POST", "PUT", "DELETE"};

void send_request(Call call) {
  const std::string path(find_string(call.params, "path"));
  if (!is_safe_path(path)) {
    return call.reply(wrong_param("path",
                                  "a percent-encoded path below /ari, as /channels, its query in `query`",
                                  find(call.params, "path")));
  }
  std::vector<std::pair<std::string, std::string>> query;
  if (const JsonValue* given = find(call.params, "query")) {
    for (const auto& member : given->GetObject())
      query.emplace_back(as_view(member.name), ari::query_value(member.value));
  }
  const JsonValue* body = find(call.params, "body");
  call.server.request(std::string(find_string(call.params, "method")), path, query_string(query),
                      body == nullptr ? "" : to_text(*body), call.requester, std::move(call.reply));
}

}  // namespace

Method ari_request() {
  return {.name = "ari.request",
          .parameters = {{.name = "method", .required = true, .values = http_methods},
                         {.name = "path", .required = true},
                         {.name = "query", .type = Type::object},
                         {.name = "body", .type = Type::object}},
          .answer_schema = "{}",
          .access_level = AccessLevel::admin,
          .run = send_request};
}

}  // namespace aribus::control
