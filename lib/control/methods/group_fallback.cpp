#include "control/methods/group_fallback.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "json/find_member.h"
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

// The channel has left the application meanwhile: the caller has hung up, or somebody else has taken it.
bool is_gone(const Error& error) {
  if (error.kind != ErrorKind::refused) return false;
  const std::string_view message = find_member(error.data, "message");
  return message == R"("Channel not found")" || message == R"("Channel not in Stasis application")";
}

bool is_in_group(const pbx::Server& server, const std::string& id, const groups::Settings& settings) {
  const state::Object* channel = server.model().find(record::IdKind::channel, id);
  return channel != nullptr && std::ranges::find(settings.apps, channel->app) != settings.apps.end();
}

// The channels of one call.
struct Attempt {
  size_t open = 0;  // channels with which it is not done
  bool has_failed = false;
  std::function<void()> failed;

  void end(bool succeeded) {
    has_failed |= !succeeded;
    if (--open == 0 && has_failed) failed();
  }
};

// One channel, step by step. A step that fails hangs up, unless the channel has left.
class OnChannel : public std::enable_shared_from_this<OnChannel> {
 public:
  OnChannel(Dispatcher& dispatcher, std::string server, std::string channel, const groups::Settings& settings,
            std::shared_ptr<Attempt> attempt)
      : dispatcher_(dispatcher),
        server_(std::move(server)),
        channel_(std::move(channel)),
        settings_(settings),
        attempt_(std::move(attempt)) {}

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
    if (server == nullptr) return end(false);
    server->waiters().add(
        record::IdKind::channel, channel_,
        {.see =
             [self = shared_from_this()](const record::Record& record, const JsonValue&) {
               if (self->is_done_) return true;
               if (record.type == "ApplicationMoveFailed") {
                 self->log("nobody holds the application '" + self->settings_.fallback_app + "'");
                 self->hang_up();
                 return true;
               }
               const bool left = record.type == "StasisEnd" || record.type == "ChannelDestroyed" ||
                                 record.type == record::StateGone::type;
               if (left) self->end(true);
               return left;
             },
         .lost = [self = shared_from_this()](const std::string&) { self->end(false); }});
    call(
        "channels.move", params().text("app", settings_.fallback_app), [] {},
        [self = shared_from_this()] { self->hang_up(); });
  }

  void hang_up() {
    const pbx::Server* server = dispatcher_.find_server(server_);
    if (server == nullptr || !is_in_group(*server, channel_, settings_)) return end(server != nullptr);
    call("channels.hangup", params(), {}, {});
  }

  void end(bool succeeded) {
    if (!std::exchange(is_done_, true)) attempt_->end(succeeded);
  }

  void call(const std::string& method, const ObjectBuilder& params, const Next& done, const Next& failed) {
    const Result<Json> given = parse_json(params.str());
    dispatcher_.call(
        itself(), method, *given,
        [self = shared_from_this(), method, done, failed](const Result<pbx::ResultText>& answer) {
          if (!answer && is_gone(answer.error())) return self->end(true);
          if (!answer) self->log(method + ": " + answer.error().message);
          // Without a connection no other step would be possible: all is tried again.
          const bool is_cut = !answer && answer.error().kind == ErrorKind::not_connected;
          const Next& next = answer ? done : failed;
          next && !is_cut ? next() : self->end(answer.ok());
        });
  }

  void log(const std::string& what) const {
    log_line(spdlog::level::warn, {{"SERVER", server_}, {"CHANNEL", channel_}},
             "{}: a step of the fallback of the group '{}' failed for the channel {}: {}", server_, settings_.name,
             channel_, what);
  }

  Dispatcher& dispatcher_;
  std::string server_;
  std::string channel_;
  groups::Settings settings_;
  std::shared_ptr<Attempt> attempt_;
  bool is_done_ = false;
};

}  // namespace

void run_fallback(Dispatcher& dispatcher, pbx::Server& server, const groups::Settings& settings,
                  const std::string& id, std::function<void()> failed) {
  const state::Call* call = server.model().calls().find(id);
  if (call == nullptr) return;
  log_line(spdlog::level::warn, {{"SERVER", server.name()}},
           "{}: no member of the group '{}' took the call {} in time: its fallback '{}' follows",
           server.name(), settings.name, id, groups::name_of(settings.fallback));
  std::vector<std::pair<std::string, bool>> channels;  // and whether it has a place in the dialplan
  for (const record::CallLeg& leg : call->legs) {
    if (leg.ended || !is_in_group(server, leg.channel, settings)) continue;
    channels.emplace_back(leg.channel,
                          has_place_in_dialplan(*server.model().find(record::IdKind::channel, leg.channel)));
  }
  const auto attempt =
      std::make_shared<Attempt>(Attempt{.open = channels.size(), .failed = std::move(failed)});
  for (const auto& [channel, has_place] : channels) {
    std::make_shared<OnChannel>(dispatcher, server.name(), channel, settings, attempt)->run(has_place);
  }
}

}  // namespace aribus::control
