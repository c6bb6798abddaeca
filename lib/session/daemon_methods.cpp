#include "session/daemon_methods.h"

#include <memory>

#include "control/openrpc.h"

namespace aribus::session {
namespace {

using control::AccessLevel;
using control::Caller;
using pbx::ResultText;

}  // namespace

void add_daemon_methods(control::MethodTable& table, DaemonAnswers answers) {
  table.add({.name = "daemon.clients",
             .answer_schema = schema_text<Clients>(),
             .run_here = [clients = std::move(answers.clients)](const JsonValue&, const Caller&) {
               return ResultText(to_json(clients()));
             }});
  table.add({.name = "daemon.reload",
             .answer_schema = schema_text<Reloaded>(),
             .run_later = [reload = std::move(answers.reload)](const JsonValue&, pbx::Reply reply) {
               reload(std::move(reply));
             }});
  table.add({.name = "hello",
             .answer_schema = schema_text<Hello>(),
             .access_level = AccessLevel::read,
             .run_here = [hello = std::move(answers.hello)](const JsonValue&, const Caller& caller) {
               return ResultText(to_json(hello(caller)));
             }});
  table.add({.name = "ping",
             .answer_schema = schema_text<AnyObject>(),
             .access_level = AccessLevel::read,
             .run_here = [](const JsonValue&, const Caller&) { return ResultText("{}"); }});
  table.add({.name = "reclaim", .answer = {ari::Type::none, false, nullptr}, .run = [](control::Call call) {
               call.server.reclaim(call.reply);
             }});
  table.add({.name = "rpc.discover",
             .answer_schema = schema_text<control::OpenRpcDocument>(),
             .access_level = AccessLevel::read,
             .run_here = [&table, text = std::shared_ptr<const std::string>()](const JsonValue&,
                                                                               const Caller&) mutable {
               if (!text) {
                 text =
                     std::make_shared<const std::string>(to_json(control::describe(table, ARIBUS_VERSION)));
               }
               return ResultText(text);
             }});
  table.add({.name = "status",
             .answer_schema = schema_text<Status>(),
             .access_level = AccessLevel::read,
             .run_here = [status = std::move(answers.status)](const JsonValue&, const Caller&) {
               return ResultText(to_json(status()));
             }});
}

}  // namespace aribus::session
