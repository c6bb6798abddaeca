#include "session/daemon_methods.h"

#include <memory>

#include "control/openrpc.h"

namespace aribus::session {
namespace {

using control::AccessLevel;
using control::Caller;
using pbx::ResultText;

constexpr std::string_view hello_answer =
    R"({"type":"object","required":["aribus","protocol","features","limits","started","cursor","servers","peer","rule"],)"
    R"("properties":{"aribus":{"type":"string"},"protocol":{"type":"integer"},)"
    R"("features":{"type":"array","items":{"type":"string"}},"limits":{"type":"object","required":["request_bytes"],)"
    R"("properties":{"request_bytes":{"type":"integer"}}},)"
    R"("started":{"type":"string","format":"date-time"},"cursor":{"type":"string"},"servers":{"type":"array",)"
    R"("items":{"type":"string"}},"peer":{"type":"object",)"
    R"("required":["uid","gid","groups","pid","socket"],"properties":{"user":{"type":"string"},"uid":{"type":"integer"},)"
    R"("gid":{"type":"integer"},"groups":{"type":"array","items":{"type":"integer"}},"pid":{"type":"integer"},)"
    R"("socket":{"type":"string"}}},"rule":{"type":"string"}}})";

constexpr std::string_view discover_answer =
    R"({"type":"object","required":["openrpc","info","methods","components"],"properties":{"openrpc":)"
    R"({"type":"string"},"info":{"type":"object"},"methods":{"type":"array","items":{"type":"object"}},)"
    R"("components":{"type":"object"}}})";

constexpr std::string_view reload_answer =
    R"({"type":"object","required":["applied"],"properties":{"applied":{"type":"boolean"},"changed":{"type":"array",)"
    R"("items":{"type":"string"}},"restart":{"type":"array","items":{"type":"string"}},"warnings":{"type":"array",)"
    R"("items":{"type":"string"}},"reason":{"type":"string"},"mistakes":{"type":"array","items":{"type":"object",)"
    R"("required":["file","message"],"properties":{"file":{"type":"string"},"line":{"type":"integer"},)"
    R"("column":{"type":"integer"},"key":{"type":"string"},"message":{"type":"string"}}}}}})";

std::string_view clients_answer() {
  const auto client = [](const std::string& required, const std::string& members) {
    return R"({"type":"array","items":{"type":"object","required":["id","pid","program","user","uid","socket",)"
           R"("since","rule","requests","subscription","sent","lost",)" +
           required +
           R"(],"properties":{"id":{"type":"integer"},"pid":{"type":"integer"},"program":{"type":["string","null"]},)"
           R"("user":{"type":["string","null"]},"uid":{"type":"integer"},"socket":{"type":"string"},)"
           R"("since":{"type":"string","format":"date-time"},"rule":{"type":["string","null"]},)"
           R"("requests":{"type":"integer"},"subscription":{"oneOf":[{"type":"object","properties":{)"
           R"("types":{"type":"array","items":{"type":"string"}},)"
           R"("exclude":{"type":"array","items":{"type":"string"}},)"
           R"("servers":{"type":"array","items":{"type":"string"}},)"
           R"("apps":{"type":"array","items":{"type":"string"}},)"
           R"("channels":{"type":"array","items":{"type":"string"}},)"
           R"("bridges":{"type":"array","items":{"type":"string"}},)"
           R"("endpoints":{"type":"array","items":{"type":"string"}},"announce":{"type":"boolean"},)"
           R"("more":{"type":"integer"}}},{"type":"null"}]},"sent":{"type":"integer"},"lost":{"type":"integer"},)" +
           members + "}}}";
  };
  static const std::string schema =
      R"({"type":"object","required":["clients","left"],"properties":{"clients":)" +
      client(R"("pending","behind")", R"("pending":{"type":"integer"},"behind":{"type":"integer"})") +
      R"(,"left":)" +
      client(R"("until","reason")",
             R"("until":{"type":"string","format":"date-time"},"reason":{"type":"string"})") +
      "}}";
  return schema;
}

constexpr std::string_view status_answer =
    R"({"type":"object","required":["aribus","pid","started","configuration","servers","bus","loop","connections","subscribers","behind_records","lost_records","process"],)"
    R"("properties":{"aribus":{"type":"string"},"pid":{"type":"integer"},)"
    R"("started":{"type":"string","format":"date-time"},)"
    R"("configuration":{"type":"object","required":["file","read"],"properties":{"file":{"type":"string"},)"
    R"("read":{"type":"string","format":"date-time"}}},"servers":{"type":"array","items":{"type":"object",)"
    R"("required":["name","connected","state","since","apps","replaced","received","requests_open","rest"],"properties":{)"
    R"("name":{"type":"string"},"connected":{"type":"boolean"},)"
    R"("state":{"enum":["connecting","syncing","ready","replaced","down","leaving"]},"since":{"type":"string","format":"date-time"},)"
    R"("reason":{"type":"string"},"version":{"type":"string"},"apps":{"type":"array","items":{"type":"string"}},)"
    R"("replaced":{"type":"array","items":{"type":"string"}},"received":{"type":"integer"},)"
    R"("requests_open":{"type":"integer"},"rest":{"enum":["http","websocket"]}}}},"bus":{"type":"object",)"
    R"("required":["stream","first","next","ring_bytes","used_bytes"],"properties":{"stream":{"type":"string"},)"
    R"("first":{"type":"integer"},"next":{"type":"integer"},"ring_bytes":{"type":"integer"},)"
    R"("used_bytes":{"type":"integer"},"path":{"type":"string"},"resumed":{"type":"boolean"},)"
    R"("reason":{"type":"string"}}},"loop":{"type":"object","required":["turns","longest_turn_us",)"
    R"("longest_turn_lately_us"],"properties":{"turns":{"type":"integer"},"longest_turn_us":{"type":"integer"},)"
    R"("longest_turn_lately_us":{"type":"integer"}}},"connections":{"type":"integer"},"subscribers":{"type":"integer"},"behind_records":{"type":"integer"},)"
    R"("lost_records":{"type":"integer"},"process":{"type":"object","required":["resident_bytes","descriptors",)"
    R"("max_descriptors"],"properties":{"resident_bytes":{"type":"integer"},"descriptors":{"type":"integer"},)"
    R"("max_descriptors":{"type":"integer"}}}}})";

}  // namespace

void add_daemon_methods(control::MethodTable& table, DaemonAnswers answers) {
  table.add({.name = "daemon.clients",
             .answer_schema = clients_answer(),
             .run_here = [clients = std::move(answers.clients)](const JsonValue&, const Caller&) {
               return ResultText(clients());
             }});
  table.add({.name = "daemon.reload",
             .answer_schema = reload_answer,
             .run_later = [reload = std::move(answers.reload)](const JsonValue&, pbx::Reply reply) {
               reload(std::move(reply));
             }});
  table.add({.name = "hello",
             .answer_schema = hello_answer,
             .access_level = AccessLevel::read,
             .run_here = [hello = std::move(answers.hello)](const JsonValue&, const Caller& caller) {
               return ResultText(hello(caller));
             }});
  table.add({.name = "ping",
             .answer_schema = R"({"type":"object"})",
             .access_level = AccessLevel::read,
             .run_here = [](const JsonValue&, const Caller&) { return ResultText("{}"); }});
  table.add({.name = "reclaim", .answer = {ari::Type::none, false, nullptr}, .run = [](control::Call call) {
               call.upstream.reclaim(call.reply);
             }});
  table.add({.name = "rpc.discover",
             .answer_schema = discover_answer,
             .access_level = AccessLevel::read,
             .run_here = [&table, text = std::shared_ptr<const std::string>()](const JsonValue&,
                                                                               const Caller&) mutable {
               if (!text) {
                 text = std::make_shared<const std::string>(control::describe(table, ARIBUS_VERSION));
               }
               return ResultText(text);
             }});
  table.add({.name = "status",
             .answer_schema = status_answer,
             .access_level = AccessLevel::read,
             .run_here = [status = std::move(answers.status)](const JsonValue&, const Caller&) {
               return ResultText(status());
             }});
}

}  // namespace aribus::session
