#include "control/methods/new_objects.h"

#include <algorithm>
#include <utility>

#include "json/json_tape.h"
#include "net/url.h"
#include "pbx/app_settings.h"
#include "record/own_records.h"
#include "state/difference.h"

namespace aribus::control {
namespace {

using record::IdKind;

constexpr int no_such_source = 422;  // applications.subscribe: the object does not exist

// "/bridges" or "/bridges/{id}".
bool is_path_of_bridge(std::string_view path) {
  constexpr std::string_view bridges = "/bridges";
  return path.starts_with(bridges) && (path.size() == bridges.size() || path[bridges.size()] == '/') &&
         std::ranges::count(path, '/') <= 2;
}

// The applications that get events about the new object.
std::vector<std::string> apps_that_hear(const pbx::Server& server, const NewObject& made) {
  if (made.kind == IdKind::channel) {
    const auto& apps = server.client().options().apps;
    const bool is_ours = std::ranges::find(apps, made.app) != apps.end();
    return is_ours ? std::vector{made.app} : std::vector<std::string>();
  }
  const state::Object* target =
      server.model().find(made.on_bridge ? IdKind::bridge : IdKind::channel, made.on);
  if (target == nullptr) return {};
  return target->app.empty() ? target->seen_by : std::vector{target->app};
}

}  // namespace

NewObject NewObject::of(const pbx::Server& server, const pbx::CreatingOperation& creates,
                        const JsonValue& params) {
  const bool on_bridge = find(params, "channelId") == nullptr;
  return {.kind = creates.kind,
          .id = std::string(find_string(params, creates.id)),
          .app = std::string(find_string(params, "app")),
          .on_bridge = on_bridge,
          .on = std::string(find_string(params, on_bridge ? "bridgeId" : "channelId")),
          .before = server.model().latest()};
}

void report_new(pbx::Server& server, const NewObject& made, JsonView answer) {
  const std::string_view text = answer.text();
  if (made.kind == IdKind::bridge || !server.model().is_news(made.kind, text, made.before)) return;
  for (const std::string& app : apps_that_hear(server, made))
    server.publish(state::changed(server.name(), made.kind, made.id, text, app, wall_now()));
}

void expect_entry(pbx::Server& server, const NewObject& made, JsonView answer) {
  const ari::Client& client = server.client();
  const auto& apps = client.options().apps;
  const bool is_held =
      std::ranges::find(apps, made.app) != apps.end() && !client.replaced_apps().contains(made.app);
  if (made.kind != IdKind::channel || !is_held) return;
  if (answer.kind() != JsonKind::object) return;
  const JsonView inner = answer.find("channel");  // Asterisk 16, channels.externalMedia
  const std::string created = (inner.valid() ? inner : answer).string_at("creationtime");
  const state::Object* object = server.model().find(made.kind, made.id);
  const bool is_told =
      object != nullptr && (created.empty() || object->made == created) && object->app_seq > made.before;
  if (!is_told) server.stasis().made(made.id, made.app, created);
}

bool makes_bridge(const Method& method, const JsonValue& params) {
  if (method.name == "ari.request") {
    return find_string(params, "method") == "POST" && is_path_of_bridge(find_string(params, "path"));
  }
  return method.name == "bridge" || method.name == "bridges.create" || method.name == "bridges.createWithId";
}

void subscribe_to_bridge(pbx::Server& server, const std::string& app, uint64_t before,
                         const Requester& requester, pbx::ResultText answer, pbx::Reply reply) {
  JsonTape tape;
  const JsonView bridge = tape.read(answer.plain());
  const std::string id = bridge.valid() && bridge.kind() == JsonKind::object ? bridge.string_at("id") : "";
  const bool is_news = !id.empty() && server.model().is_news(IdKind::bridge, bridge.text(), before);
  const bool lives = is_news || server.model().find(IdKind::bridge, id) != nullptr;
  if (id.empty() || !lives) return reply(std::move(answer));
  if (is_news)
    server.publish(state::changed(server.name(), IdKind::bridge, id, bridge.text(), app, wall_now()));
  server.ask("POST", "/applications/" + percent_encode(app) + "/subscription",
             pbx::source_body("bridge:" + id), requester,
             [&server, id, reply = std::move(reply),
              answer = std::move(answer)](const Result<HttpResponse>& asked) mutable {
               // It has ended in the meantime, and no application was subscribed to it. (If the request
               // failed otherwise, the next resynchronisation finds out.)
               if (asked && asked->status == no_such_source) {
                 record::Record gone = record::own_record(record::StateGone{}, server.name(), wall_now());
                 gone.ids.add(IdKind::bridge, id);
                 server.publish(gone);
               }
               reply(std::move(answer));
             });
}

}  // namespace aribus::control
