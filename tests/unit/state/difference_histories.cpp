// Random histories of an Asterisk, against a small model of ARI's objects: whatever happens, in gaps too,
// what is known is what lives.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "json/json_builder.h"
#include "record/answer.h"
#include "state/difference.h"
#include "state/model.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::state;

namespace {

struct Channel {
  int made = 0;
  std::string state = "Up", language = "en";
  std::string app = {};                      // that it is in, or ""
  std::string originator = {};               // an application that hears of it in any case, or ""
  std::string app_name = {}, app_data = {};  // what the dialplan shows
  std::string bridge = {};
  bool offered = false;
  // A gap hid what one needs to know its application; then it may be the last one told, or unknown.
  bool ambiguous = false;
  std::string told = {};  // the application that an event told last
};
struct Bridge {
  int made = 0;
  std::set<std::string> channels = {};
  std::string technology = "simple_bridge";
};
struct Playback {
  std::string on;  // a channel
  std::string state = "playing";
};

std::string time_of(int ms) {
  char text[40];
  std::snprintf(text, sizeof text, "2026-11-22T21:%02d:%02d.%03d+0000", ms / 60'000 % 60, ms / 1000 % 60,
                ms % 1000);
  return text;
}

// An Asterisk with two applications of ours and one of somebody else's.
class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  int any(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  template <typename Map>
  std::string one_of(const Map& map) {
    return map.empty() ? "" : std::next(map.begin(), any(static_cast<int>(map.size())))->first;
  }

  // Something happens. Returns the step's name.
  std::string step() {
    clock_ += any(3);  // two things may be made in the same millisecond
    const std::string id = one_of(channels);
    switch (any(18)) {
      case 0:
      case 1:
        return come("c" + std::to_string(any(6))), "come";
      case 2:
        return originate("c" + std::to_string(any(6))), "originate";
      case 3:
      case 4:
        return move(id), "move";
      case 5:
        return broadcast("c" + std::to_string(any(6))), "broadcast";
      case 6:
        return leave(id), "leave";
      case 7:
      case 8:
        return hang_up(id, false), "hang up";
      case 9:
        return again(id), "again";
      case 10:
        return new_bridge("b" + std::to_string(any(3))), "new bridge";
      case 11:
      case 12:
        return join(id, one_of(bridges)), "join";
      case 13:
        return part(id), "part";
      case 14:
        return end_bridge(one_of(bridges)), "end bridge";
      case 15:
        return transfer(id), "transfer";
      case 16:
        return play(id), "play";
      default:
        return change_silently(id, one_of(playbacks)), "change silently";
    }
  }

  std::map<std::string, Channel> channels;
  std::map<std::string, Bridge> bridges;
  std::map<std::string, Playback> playbacks;
  bool gap = false;
  std::function<void(const std::string& event)> send;

  static bool is_ours(const std::string& app) { return app == "a1" || app == "a2"; }
  [[nodiscard]] std::set<std::string> hearers(const Channel& channel) const {
    std::set<std::string> apps{channel.app, channel.originator};
    apps.erase("");
    return apps;
  }
  [[nodiscard]] std::set<std::string> hearers(const Bridge& bridge) const {
    std::set<std::string> apps;
    for (const auto& id : bridge.channels) apps.insert(channels.at(id).app);
    apps.erase("");
    return apps;
  }
  [[nodiscard]] bool heard(const std::set<std::string>& apps) const {
    return apps.contains("a1") || apps.contains("a2");
  }

  [[nodiscard]] static std::string text_of(const std::string& id, const Channel& c) {
    return R"({"id":")" + id + R"(","name":"PJSIP/x","protocol_id":"","state":")" + c.state +
           R"(","caller":{"name":"","number":""},"connected":{"name":"","number":""},"accountcode":"","dialplan":)" +
           R"({"context":"x","exten":"x","priority":1,"app_name":")" + c.app_name + R"(","app_data":")" +
           c.app_data + R"("},"creationtime":")" + time_of(c.made) + R"(","language":")" + c.language + "\"}";
  }
  [[nodiscard]] static std::string text_of(const std::string& id, const Bridge& b) {
    return R"({"id":")" + id + R"(","technology":")" + b.technology +
           R"(","bridge_type":"mixing","bridge_class":"stasis","creator":"Stasis","name":"","channels":)" +
           strings_text(b.channels) + R"(,"creationtime":")" + time_of(b.made) + "\"}";
  }
  [[nodiscard]] static std::string text_of(const std::string& id, const Playback& p) {
    return R"({"id":")" + id + R"(","media_uri":"sound:x","target_uri":"channel:)" + p.on +
           R"(","language":"en","state":")" + p.state + "\"}";
  }

  [[nodiscard]] FetchedState fetch() const {
    FetchedState found;
    for (const auto& [id, channel] : channels) {
      put(found, IdKind::channel, id, text_of(id, channel));
      for (const std::string& app : hearers(channel)) {
        found.apps[app].ids[static_cast<size_t>(IdKind::channel)].insert(id);
      }
    }
    for (const auto& [id, bridge] : bridges) {
      put(found, IdKind::bridge, id, text_of(id, bridge));
      for (const std::string& app : hearers(bridge)) found.apps[app].ids[static_cast<size_t>(IdKind::bridge)].insert(id);
    }
    for (const auto& [id, playback] : playbacks) put(found, IdKind::playback, id, text_of(id, playback));
    for (auto& [name, app] : found.apps) app.ours = is_ours(name);
    return found;
  }

 private:
  static void put(FetchedState& found, IdKind kind, const std::string& id, const std::string& text) {
    // As the daemon makes Asterisk's answers regular.
    static constexpr std::string_view models[] = {"Channel", "Bridge", "Playback"};
    const ari::ResultType answer{ari::Type::model, false, ari::find_model(models[static_cast<size_t>(kind)])};
    found.objects[static_cast<size_t>(kind)][id] = record::normalized_answer(text, answer).value();
  }

  void tell(const std::set<std::string>& apps, const std::string& type, const std::string& members) {
    if (gap) return;
    for (const std::string& app : apps) {
      if (is_ours(app)) {
        send(R"({"type":")" + type + R"(","timestamp":")" + time_of(clock_) + R"(","application":")" + app +
             "\"," + members + "}");
      }
    }
  }
  void tell_of(const std::string& type, const std::string& id, const std::string& more = {}) {
    tell(hearers(channels[id]), type, more + R"("channel":)" + text_of(id, channels[id]));
  }
  std::string any_app() {
    return std::vector<std::string>{"a1", "a2", "theirs"}[static_cast<size_t>(any(3))];
  }

  void enter(const std::string& id, const std::string& app) {
    Channel& channel = channels[id];
    channel.app = app;
    channel.ambiguous = gap;
    if (!gap) channel.told = is_ours(app) ? app : channel.told;
    tell({app}, "StasisStart", R"("args":[],"channel":)" + text_of(id, channel));
  }
  void come(const std::string& id) {
    if (channels.contains(id)) return;
    const std::string app = any_app();
    channels[id] = {.made = clock_, .app_name = "Stasis", .app_data = app + ",in"};
    enter(id, app);
  }
  void originate(const std::string& id) {
    if (channels.contains(id)) return;
    const std::string app = any_app();
    channels[id] = {
        .made = clock_, .state = "Down", .originator = app, .app_name = "AppDial2", .app_data = ""};
    tell_of("Dial", id, R"("dialstatus":"","peer":)" + text_of(id, channels[id]) + ",");
    channels[id].state = "Up";
    channels[id].app_name = "Stasis";
    channels[id].app_data = app + ",out";
    tell_of("ChannelStateChange", id);
    enter(id, app);
  }
  void broadcast(const std::string& id) {
    if (channels.contains(id)) return;
    channels[id] = {.made = clock_, .app_name = "StasisBroadcast", .app_data = "5000", .offered = true};
    const std::string call = R"("channel":)" + text_of(id, channels[id]);
    tell({"a1", "a2", "theirs"}, "CallBroadcast", call);
    channels[id].ambiguous = gap;
    if (any(3) == 0) return;  // nobody takes it yet
    const std::string app = any_app();
    channels[id].offered = false;
    tell({"a1", "a2", "theirs"}, "CallClaimed", R"("winner_app":")" + app + "\"," + call);
    enter(id, app);
  }
  void move(const std::string& id) {
    if (id.empty() || channels[id].app.empty()) return;
    const std::string app = any_app();
    if (app == channels[id].app) return;
    part(id);
    tell({channels[id].app}, "StasisEnd", R"("channel":)" + text_of(id, channels[id]));
    enter(id, app);
  }
  void leave(const std::string& id) {
    if (id.empty() || channels[id].app.empty()) return;
    part(id);
    tell({channels[id].app}, "StasisEnd", R"("channel":)" + text_of(id, channels[id]));
    if (is_ours(channels[id].app)) channels[id].ambiguous = false;
    channels[id].app.clear();
    channels[id].app_name = "Wait";
    channels[id].app_data = "3600";
    tell_of("ChannelDialplan", id, R"("dialplan_app":"Wait","dialplan_app_data":"3600",)");
  }
  // `late`: the end itself is told by the caller.
  std::pair<std::set<std::string>, std::string> hang_up(const std::string& id, bool late) {
    if (id.empty()) return {};
    part(id);
    for (auto at = playbacks.begin(); at != playbacks.end();) {
      const auto next = std::next(at);
      if (at->second.on == id) finish(at->first);
      at = next;
    }
    const auto apps = hearers(channels[id]);
    const std::string text = R"("cause":16,"cause_txt":"x","channel":)" + text_of(id, channels[id]);
    if (!channels[id].app.empty())
      tell({channels[id].app}, "StasisEnd", R"("channel":)" + text_of(id, channels[id]));
    if (!late) tell(apps, "ChannelDestroyed", text);
    channels.erase(id);
    return {apps, text};
  }
  // The same id at once: the end of the one comes behind the beginning of the other.
  void again(const std::string& id) {
    const auto [apps, text] = hang_up(id, true);
    if (apps.empty()) return;
    clock_ += 1 + any(3);
    come(id);
    tell(apps, "ChannelDestroyed", text);
  }
  void new_bridge(const std::string& id) {
    if (!bridges.contains(id)) bridges[id] = {.made = clock_};  // no application hears of it
  }
  void mix(Bridge& bridge) { bridge.technology = bridge.channels.size() > 2 ? "softmix" : "simple_bridge"; }
  void join(const std::string& id, const std::string& bridge) {
    if (id.empty() || bridge.empty() || channels[id].app.empty() || channels[id].bridge == bridge) return;
    part(id);
    channels[id].bridge = bridge;
    bridges[bridge].channels.insert(id);
    tell_of_bridge("ChannelEnteredBridge", bridge, id, {});
    mix(bridges[bridge]);  // no event tells that
  }
  void part(const std::string& id) {
    if (id.empty() || channels[id].bridge.empty()) return;
    const std::string bridge = std::exchange(channels[id].bridge, "");
    const auto apps = hearers(bridges[bridge]);
    bridges[bridge].channels.erase(id);
    tell_of_bridge("ChannelLeftBridge", bridge, id, apps);
    mix(bridges[bridge]);
  }
  void tell_of_bridge(const std::string& type, const std::string& bridge, const std::string& id,
                      std::set<std::string> apps) {
    apps.merge(hearers(bridges[bridge]));
    apps.merge(hearers(channels[id]));
    tell(apps, type,
         R"("bridge":)" + text_of(bridge, bridges[bridge]) + R"(,"channel":)" + text_of(id, channels[id]));
  }
  void end_bridge(const std::string& id) {
    if (id.empty()) return;
    const auto apps = hearers(bridges[id]);
    for (const std::string& channel : std::set(bridges[id].channels)) part(channel);
    tell(apps, "BridgeDestroyed", R"("bridge":)" + text_of(id, bridges[id]));
    bridges.erase(id);
  }
  // Another leg takes the place of one in a bridge; the event shows what was before, and comes last.
  void transfer(const std::string& id) {
    if (id.empty() || channels[id].bridge.empty()) return;
    const std::string bridge = channels[id].bridge;
    const std::string before = text_of(bridge, bridges[bridge]), leg = text_of(id, channels[id]);
    const auto apps = hearers(bridges[bridge]);
    const std::string other = "c" + std::to_string(any(6));
    come(other);
    join(other, bridge);
    hang_up(id, false);
    tell(
        apps, any(2) == 0 ? "BridgeBlindTransfer" : "BridgeAttendedTransfer",
        R"("result":"Success","is_external":true,"exten":"1","context":"x","destination_type":"bridge","bridge":)" +
            before + R"(,"transferer_first_leg_bridge":)" + before + R"(,"channel":)" + leg +
            R"(,"transferer_first_leg":)" + leg + R"(,"transferer_second_leg":)" + leg);
  }
  void play(const std::string& id) {
    if (id.empty() || channels[id].app.empty()) return;
    const std::string name = "p" + std::to_string(any(3));
    if (playbacks.contains(name)) return finish(name);
    playbacks[name] = {.on = id};
    tell(hearers(channels[id]), "PlaybackStarted", R"("playback":)" + text_of(name, playbacks[name]));
    if (any(4) == 0) playbacks.erase(name);  // Asterisk can't play it, and says nothing
  }
  void finish(const std::string& name) {
    const Playback ended{playbacks[name].on, "done"};
    tell(hearers(channels[ended.on]), "PlaybackFinished", R"("playback":)" + text_of(name, ended));
    playbacks.erase(name);
  }
  void change_silently(const std::string& id, const std::string& playback) {
    if (!id.empty()) channels[id].language = any(2) == 0 ? "de" : "fr";
    if (!playback.empty()) playbacks[playback].state = any(2) == 0 ? "paused" : "playing";
  }

  std::mt19937 random_;
  int clock_ = 1000;
};

// What aribus knows of it, as the daemon learns it.
class Known {
 public:
  explicit Known(World& world) : world_(world) {
    world.send = [this](const std::string& event) {
      record::Record record;
      events_.read(event, event.size(), "pbx1", record);
      publish(record);
    };
  }

  // Looks at what Asterisk answers, until there is nothing new. While it is asked, and while the answers are compared,
  // something may happen.
  void look(bool after_gap) {
    std::optional<uint64_t> connected;
    if (after_gap) connected = seq_ + 1;
    for (int round = 0; round < 4; ++round) {
      const uint64_t begin = seq_ + 1;
      const FetchedState fetched = world_.fetch();
      const int when = round == 0 ? world_.any(6) : -1;
      const auto happen = [&] {
        for (int i = world_.any(4); i >= 0; --i) world_.step();
      };
      if (when == 0) happen();
      const Publisher publisher{[&](const record::Record& record) {
                                  if (!connected && !record.member("synthetic").empty())
                                    invented.push_back(record.type);
                                  publish(record);
                                },
                                [this] { return seq_ + 1; }};
      Difference found;
      bool more = false;
      const std::vector<std::string> apps{"a1", "a2"};
      const std::string server = "pbx1";
      const Comparison comparison{begin, connected, wall_now()};
      Slices compared = publish_difference(server, apps, model, fetched, comparison, publisher, found);
      for (int slices = 1; !compared.run(1); ++slices) {
        if (slices == when) happen();
      }
      Slices heard = publish_unheard(server, model, fetched, begin, wall_now(), publisher, more);
      while (!heard.run(1)) continue;
      connected.reset();
    }
  }
  // aribusd is started again: it reads what it had written.
  void restart() {
    model = Model();
    JsonTape tape;
    record::Record record;
    for (const std::string& text : texts_) {
      const auto seq = record::read_text(tape, text, record);
      REQUIRE(seq);
      model.apply(record, *seq);
    }
  }

  // The last records, to be read when something is wrong.
  [[nodiscard]] std::string latest() const {
    std::string text;
    for (size_t i = texts_.size() - std::min<size_t>(texts_.size(), 40); i < texts_.size(); ++i)
      text += texts_[i] + "\n";
    return text;
  }

  Model model;
  std::vector<std::string> invented;

 private:
  void publish(const record::Record& record) {
    texts_.push_back(test::record_text(record, ++seq_));
    model.apply(record, seq_);
  }

  World& world_;
  record::EventReader events_;
  uint64_t seq_ = 0;
  std::vector<std::string> texts_;
};

void compare(const World& world, const Model& model) {
  const FetchedState truth = world.fetch();
  const auto check = [&](IdKind kind, const std::string& id, bool lives) {
    const Object* object = model.find(kind, id);
    INFO(id << (lives ? " lives" : " is not heard of"));
    REQUIRE((object != nullptr) == lives);
    if (lives) REQUIRE(object->text == *truth.find(kind, id));
  };
  size_t channels = 0, bridges = 0;
  for (const auto& [id, channel] : world.channels) {
    const bool heard = world.heard(world.hearers(channel));
    // One that is offered is known to those who were told of it.
    if (channel.offered) {
      channels += model.find(IdKind::channel, id) != nullptr ? 1 : 0;
      continue;
    }
    channels += heard ? 1 : 0;
    check(IdKind::channel, id, heard);
    if (!heard) continue;
    const std::string app = World::is_ours(channel.app) ? channel.app : "";
    const std::string known = model.find(IdKind::channel, id)->app;
    INFO(id << " is in " << channel.app << ", known as " << known << ", told " << channel.told);
    REQUIRE((known == app || (channel.ambiguous && (known.empty() || known == channel.told))));
  }
  for (const auto& [id, bridge] : world.bridges) {
    const bool heard = world.heard(world.hearers(bridge));
    bridges += heard ? 1 : 0;
    check(IdKind::bridge, id, heard);
  }
  REQUIRE(model.of(IdKind::channel).size() == channels);
  REQUIRE(model.of(IdKind::bridge).size() == bridges);
  for (const auto& [id, object] : model.of(IdKind::playback)) {
    INFO(id);
    REQUIRE(world.playbacks.contains(id));
    REQUIRE(object.text == *truth.find(IdKind::playback, id));
  }
}

}  // namespace

TEST_CASE("whatever happens to calls, what is known is what lives, and without a gap no event is invented") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    World world(seed);
    Known known(world);
    std::string steps;
    for (int phase = 0; phase < 12; ++phase) {
      const int kind = world.any(4);  // of what comes: nothing is missed, a gap, a gap and a restart
      world.gap = kind >= 2;
      if (world.gap) steps += " [gap:";
      for (int i = world.any(12); i >= 0; --i) steps += " " + world.step();
      if (world.gap) steps += "]";
      const bool gap = std::exchange(world.gap, false);
      if (kind == 3) known.restart();
      INFO("seed " << seed << ":" << steps);
      known.look(gap);
      INFO(known.latest());
      REQUIRE(known.invented.empty());
      compare(world, known.model);
      // What was found out counts as told.
      for (auto& [id, channel] : world.channels) {
        if (const Object* object = known.model.find(IdKind::channel, id)) channel.told = object->app;
      }
    }
  }
}
