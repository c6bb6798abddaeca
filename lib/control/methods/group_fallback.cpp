#include "control/methods/group_fallback.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "net/requester.h"

namespace aribus::control {
namespace {

using groups::Fallback;

Caller itself() {
  static const auto everything = std::make_shared<const AccessRule>(AccessRule{
      .name = "aribusd", .methods = {"read", "control", "admin"}, .functions = {"*"}, .call_groups = {}});
  return {.principal = {.id = Requester::daemon, .name = "aribusd", .rule = everything}, .program = "aribusd"};
}

bool has_place_in_dialplan(const state::Object& channel) {
  JsonTape tape;
  const JsonView place = tape.read(channel.text).find("dialplan");
  return place.valid() && !place.string_at("context").empty() && !place.string_at("exten").empty();
}

// Whether the channel is still where the fallback found it: in an application of the group.
bool is_in_group(const pbx::Server& server, const std::string& id, const groups::Settings& settings) {
  const state::Object* channel = server.model().find(record::IdKind::channel, id);
  return channel != nullptr && std::ranges::find(settings.apps, channel->app) != settings.apps.end();
}

// One channel, step by step. A step that fails hangs up, unless the channel has left: whoever took it then has it.
class OnChannel : public std::enable_shared_from_this<OnChannel> {
 public:
  OnChannel(Dispatcher& dispatcher, std::string server, std::string channel, const groups::Settings& settings,
            std::function<void()> again)
      : dispatcher_(dispatcher),
        server_(std::move(server)),
        channel_(std::move(channel)),
        settings_(settings),
        again_(std::move(again)) {}

  void run(bool has_place) {
    const auto act = [self = shared_from_this(), has_place] { self->act(has_place); };
    call("channels.setChannelVar",
         params().text("variable", "ARIBUS_FALLBACK").text("value", settings_.name), act, act);
  }

 private:
  using Next = std::function<void()>;

  [[nodiscard]] ObjectBuilder params() const {
    ObjectBuilder made;
    made.text("server", server_).text("channelId", channel_);
    return made;
  }

  void act(bool has_place) {
    const Next hang_up = [self = shared_from_this()] { self->hang_up(); };
    switch (settings_.fallback) {
      case Fallback::continue_:
        return has_place ? call("channels.continueInDialplan", params(), {}, hang_up) : hang_up();
      case Fallback::move:
        return move();
      case Fallback::play:
        return call(
            "channels.answer", params(),
            [self = shared_from_this(), hang_up] {
              self->call("play",
                         self->params().text("media", self->settings_.fallback_media).boolean("wait", true), hang_up,
                         hang_up);
            },
            hang_up);
      case Fallback::hangup:
      case Fallback::none:
        return hang_up();
    }
  }

  // Asterisk takes the command for any application, and says afterwards that nobody holds it.
  void move() {
    pbx::Server* server = dispatcher_.find_server(server_);
    if (server == nullptr) return;
    server->waiters().add(
        record::IdKind::channel, channel_,
        {.see =
             [self = shared_from_this()](const record::Record& record, const JsonValue&) {
               if (record.type == "ApplicationMoveFailed") {
                 self->log("nobody holds the application '" + self->settings_.fallback_app + "'; hanging up");
                 self->hang_up();
                 return true;
               }
               return record.type == "StasisEnd" || record.type == "ChannelDestroyed" || record.type == "state.gone";
             },
         .lost = [self = shared_from_this()](const std::string&) { self->again_(); }});
    call("channels.move", params().text("app", settings_.fallback_app), {},
         [self = shared_from_this()] { self->hang_up(); });
  }

  void hang_up() {
    const pbx::Server* server = dispatcher_.find_server(server_);
    if (server == nullptr || !is_in_group(*server, channel_, settings_)) return;
    call("channels.hangup", params(), {}, again_);
  }

  void call(const std::string& method, const ObjectBuilder& params, const Next& done, const Next& failed) {
    const Result<Json> given = parse_json(params.str());
    dispatcher_.call(itself(), method, *given,
                     [self = shared_from_this(), method, done, failed](const Result<pbx::ResultText>& answer) {
                       if (!answer) self->log(method + ": " + answer.error().message);
                       const Next& next = answer ? done : failed;
                       if (next) next();
                     });
  }

  void log(const std::string& what) const {
    log_line(spdlog::level::warn, {{"SERVER", server_}, {"CHANNEL", channel_}},
             "{}: fallback of the group '{}' for the channel {}: {}", server_, settings_.name, channel_, what);
  }

  Dispatcher& dispatcher_;
  std::string server_;
  std::string channel_;
  groups::Settings settings_;
  std::function<void()> again_;
};

}  // namespace

void run_fallback(Dispatcher& dispatcher, pbx::Server& server, const groups::Settings& settings,
                  const std::string& id, const std::function<void()>& again) {
  const state::Call* call = server.model().calls().find(id);
  if (call == nullptr) return;
  log_line(spdlog::level::warn, {{"SERVER", server.name()}}, "{}: nobody of the group '{}' takes the call {}: {}",
           server.name(), settings.name, id, groups::name_of(settings.fallback));
  std::vector<std::pair<std::string, bool>> channels;  // and whether it has a place in the dialplan
  for (const record::CallLeg& leg : call->legs) {
    if (leg.ended || !is_in_group(server, leg.channel, settings)) continue;
    channels.emplace_back(leg.channel,
                          has_place_in_dialplan(*server.model().find(record::IdKind::channel, leg.channel)));
  }
  for (const auto& [channel, has_place] : channels) {
    std::make_shared<OnChannel>(dispatcher, server.name(), channel, settings, again)->run(has_place);
  }
}

}  // namespace aribus::control
