#include "control/new_objects.h"

#include <algorithm>
#include <utility>

#include "ari/url.h"
#include "base/json_tape.h"
#include "state/difference.h"
#include "state/survey.h"

namespace aribus::control {
namespace {

using record::IdKind;

constexpr int no_such_source = 422;  // applications.subscribe: what is to be heard of is not there

// Its path below /ari is that of all bridges, or of one.
bool is_path_of_bridge(std::string_view path) {
  constexpr std::string_view bridges = "/bridges";
  return path.starts_with(bridges) && (path.size() == bridges.size() || path[bridges.size()] == '/') &&
         std::ranges::count(path, '/') <= 2;
}

// The applications that hear of what is made; none: nobody does.
std::vector<std::string> apps_that_hear(const Upstream& upstream, IdKind kind, const JsonValue& params) {
  const auto& apps = upstream.client().options().apps;
  if (kind == IdKind::channel) {
    const std::string app(find_string(params, "app"));
    return std::ranges::find(apps, app) == apps.end() ? std::vector<std::string>() : std::vector{app};
  }
  const bool on_channel = find(params, "channelId") != nullptr;
  const std::string_view on = find_string(params, on_channel ? "channelId" : "bridgeId");
  const state::Thing* target = upstream.model().find(on_channel ? IdKind::channel : IdKind::bridge, on);
  if (target == nullptr) return {};
  return target->app.empty() ? target->told_to : std::vector{target->app};
}

}  // namespace

void tell_of_new(Upstream& upstream, const Maker& maker, const JsonValue& params, uint64_t before,
                 std::string_view answer) {
  if (maker.kind == IdKind::bridge || !upstream.model().is_news(maker.kind, answer, before)) return;
  const std::string id(find_string(params, maker.id));
  for (const std::string& app : apps_that_hear(upstream, maker.kind, params))
    upstream.publish(state::changed(upstream.name(), maker.kind, id, answer, app, wall_now()));
}

bool makes_bridge(const Method& method, const JsonValue& params) {
  if (method.name == "ari.request") {
    return find_string(params, "method") == "POST" && is_path_of_bridge(find_string(params, "path"));
  }
  return method.name == "bridge" || method.name == "bridges.create" || method.name == "bridges.createWithId";
}

Reply asking_for_bridge(Upstream& upstream, std::string app, const ari::Requester& requester, Reply reply) {
  const uint64_t before = upstream.model().latest();
  return [&upstream, app = std::move(app), requester, before,
          reply = std::move(reply)](Result<ResultText> answer) {
    if (!answer) return reply(std::move(answer));
    JsonTape tape;
    const JsonView bridge = tape.read(answer->plain());
    const std::string id = bridge.valid() && bridge.kind() == JsonKind::object ? bridge.string_at("id") : "";
    const bool is_news = !id.empty() && upstream.model().is_news(IdKind::bridge, bridge.text(), before);
    const bool lives = is_news || upstream.model().find(IdKind::bridge, id) != nullptr;
    if (id.empty() || !lives) return reply(std::move(answer));
    if (is_news)
      upstream.publish(state::changed(upstream.name(), IdKind::bridge, id, bridge.text(), app, wall_now()));
    upstream.ask(
        "POST", "/applications/" + ari::percent_encode(app) + "/subscription",
        state::source_body("bridge:" + id), requester,
        [&upstream, id, reply, answer = std::move(answer)](const Result<ari::HttpResponse>& asked) mutable {
          // It has ended meanwhile, as nobody was told. (Where Asterisk can't be asked, the next look tells.)
          if (asked && asked->status == no_such_source) {
            record::Record gone = record::own_record("state.gone", upstream.name(), {}, wall_now());
            gone.ids.add(IdKind::bridge, id);
            upstream.publish(gone);
          }
          reply(std::move(answer));
        });
  };
}

}  // namespace aribus::control
