// An IVR: it answers calls, plays a menu, and connects the caller to the endpoint of the digit pressed.
//
// Usage: ivr APP STATE_FILE DIGIT=ENDPOINT ...      as in: ivr aribus ivr.json 1=PJSIP/100 2=PJSIP/200
//
// It can be restarted while calls are in progress, and so can aribusd and Asterisk: STATE_FILE holds the
// state of the calls at a cursor, from which it resumes. The program chooses the ids of each step, so that a
// step can be repeated.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "client/client.h"

namespace ari = aribus::ari;
using aribus::Error;
using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using aribus::Result;
using aribus::client::Client;
using aribus::client::Item;

namespace {

const std::string party_suffix = "-party";

std::string text(const JsonValue& object, std::string_view name) {
  return std::string(aribus::find_string(object, name));
}

// A step that Asterisk refuses because its object is gone counts as done.
Result<void> unless_gone(Result<void> done) {
  return !done && done.error().kind == ErrorKind::refused ? Result<void>() : done;
}

class Ivr {
 public:
  Ivr(Client& client, std::string app, std::string state_file, std::map<std::string, std::string> parties)
      : client_(client),
        app_(std::move(app)),
        state_file_(std::move(state_file)),
        parties_(std::move(parties)) {}

  Error run() {
    load();
    const Result<void> subscribed =
        client_.subscribe({.types = {"StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelDtmfReceived",
                                     "server.gap", "server.resynced", "state.gone", "command.resolved"},
                           .apps = {app_, ""},
                           .since = cursor_});
    if (!subscribed) return subscribed.error();
    for (;;) {
      const Result<std::optional<Item>> item = client_.next(std::chrono::hours(1));
      if (!item) return item.error();
      if (!*item) continue;
      handle(**item);
      save();
    }
  }

 private:
  struct Call {
    std::string step = "menu";  // menu, calling, talking, ended
    bool done = false;          // this step's commands succeeded
    int menus = 0;              // how many were played
    std::string digit{};        // what was pressed
  };

  void handle(const Item& item) {
    if (item.type == "subscribed") {
      const JsonValue* resumed = aribus::find(item.fields, "resumed");
      if (resumed != nullptr && resumed->IsFalse()) missed(text(item.fields, "reason"));
      if (resumed == nullptr || resumed->IsFalse()) take_over();
      go_on();
    } else if (item.type == "disconnected") {
      std::cout << "disconnected: " << text(item.fields, "reason") << std::endl;
    } else if (item.type == "lost") {
      missed("lost");
      go_on();
    } else if (item.type == "server.gap") {
      missed(text(item.fields, "reason"));
    } else if (item.type == "server.resynced") {
      std::vector<std::string> living;
      if (const JsonValue* channels = aribus::find(item.fields, "channels")) {
        for (const JsonValue& channel : channels->GetArray()) living.emplace_back(aribus::as_view(channel));
      }
      forget_all_but(living);
      go_on();
    } else if (item.type == "state.gone") {  // their end was found out later
      if (const JsonValue* channels = aribus::find(item.fields, "channels")) {
        for (const JsonValue& channel : channels->GetArray()) left(std::string(aribus::as_view(channel)));
      }
    } else if (item.type == "command.resolved") {
      go_on();
    } else if (item.type == "StasisStart") {
      if (const auto event = item.as<ari::StasisStart>()) entered(event->channel.id);
    } else if (item.type == "ChannelDtmfReceived") {
      const auto event = item.as<ari::ChannelDtmfReceived>();
      if (event) pressed(event->channel.id, event->digit, item.fields["seq"].GetUint64());
    } else {
      left(text(item.fields["channel"], "id"));
    }
  }

  // A digit may have been missed: plays the menu again.
  void missed(const std::string& why) {
    std::cout << "missed something: " << why << std::endl;
    for (auto& [caller, call] : calls_) call.done = call.done && call.step != "menu";
  }

  // Asks for the live channels. If an Asterisk is not ready, server.resynced follows later.
  void take_over() {
    const Result<Json> status = client_.call("status");
    const Result<Json> state = client_.call("state.channels");
    if (!status || !state) return;  // the client reconnects
    for (const JsonValue& server : (*status)["servers"].GetArray()) {
      if (text(server, "state") != "ready") return;
    }
    const JsonValue& channels = (*state)["channels"];
    std::vector<std::string> living;
    for (const JsonValue& one : channels.GetArray()) living.push_back(text(one["channel"], "id"));
    forget_all_but(living);
    for (const JsonValue& one : channels.GetArray()) {
      if (text(one, "app") == app_ && text(one, "bridge").empty()) entered(text(one["channel"], "id"));
    }
  }

  void forget_all_but(const std::vector<std::string>& living) {
    for (auto& [caller, call] : calls_) {
      if (std::ranges::find(living, caller) == living.end()) {
        turn(call, "ended");
      } else if (std::ranges::find(living, caller + party_suffix) == living.end() && call.done) {
        party_left(call);
      }
    }
  }

  void entered(const std::string& channel) {
    const auto [caller, is_party] = caller_of(channel);
    const auto at = calls_.find(caller);
    if (at == calls_.end()) {
      if (!is_party) std::cout << "call " << caller << std::endl;
      calls_[caller] = Call{.step = is_party ? "ended" : "menu"};
    } else if (is_party && (at->second.step == "menu" || at->second.step == "calling")) {
      turn(at->second, "talking");
    }
    advance(caller);
  }

  void pressed(const std::string& channel, const std::string& digit, uint64_t seq) {
    std::cout << "digit " << digit << ' ' << channel << ' ' << seq << std::endl;
    const auto at = calls_.find(channel);
    if (at == calls_.end() || at->second.step != "menu") return;
    turn(at->second, parties_.contains(digit) ? "calling" : "menu");
    at->second.digit = digit;
    advance(channel);
  }

  void left(const std::string& channel) {
    const auto [caller, is_party] = caller_of(channel);
    const auto at = calls_.find(caller);
    if (at == calls_.end()) return;
    if (is_party) {
      party_left(at->second);
    } else {
      turn(at->second, "ended");
    }
    advance(caller);
  }

  static void party_left(Call& call) {
    if (call.step == "calling") {
      turn(call, "menu");
    } else if (call.step == "talking") {
      turn(call, "ended");
    }
  }

  static void turn(Call& call, const std::string& step) {
    call.step = step;
    call.done = false;
  }

  // The caller's channel, and whether `channel` is the other party's.
  static std::pair<std::string, bool> caller_of(const std::string& channel) {
    const bool is_party = channel.ends_with(party_suffix);
    return {channel.substr(0, channel.size() - (is_party ? party_suffix.size() : 0)), is_party};
  }

  // Repeats the steps that did not succeed.
  void go_on() {
    std::vector<std::string> callers;
    for (const auto& [caller, call] : calls_) callers.push_back(caller);
    for (const std::string& caller : callers) advance(caller);
  }

  void advance(const std::string& caller) {
    Call& call = calls_[caller];
    if (call.done) return;
    const Result<void> done = do_step(caller, call);
    if (!done && done.error().kind != ErrorKind::refused) {
      // repeated by go_on()
      std::cout << call.step << ' ' << caller << " has to wait: " << done.error().message << std::endl;
      return;
    }
    if (!done) {
      std::cout << call.step << ' ' << caller << " failed: " << done.error().message << std::endl;
      if (call.step == "calling") {
        turn(call, "menu");
        return advance(caller);
      }
    } else {
      std::cout << call.step << ' ' << caller << std::endl;
    }
    call.done = true;  // if it was refused, the caller has left; an event will report it
    if (call.step == "ended") calls_.erase(caller);
  }

  Result<void> do_step(const std::string& caller, Call& call) {
    if (call.step == "ended") return ended(caller);
    if (Result<void> stopped = stop_menu(caller, call); !stopped) return stopped;
    return call.step == "menu"      ? menu(caller, call)
           : call.step == "calling" ? calling(caller, call)
                                    : talking(caller);
  }

  Result<void> menu(const std::string& caller, Call& call) {
    if (Result<void> answered = client_.call(ari::ChannelsAnswer{.channelId = caller}); !answered)
      return answered;
    ++call.menus;
    const auto playback = client_.call(ari::ChannelsPlay{
        .channelId = caller, .media = {"sound:vm-enter-num-to-call"}, .playbackId = menu_id(caller, call)});
    return playback ? Result<void>() : playback.error();
  }

  Result<void> calling(const std::string& caller, const Call& call) {
    const auto made = client_.call(ari::ChannelsOriginate{
        .endpoint = parties_[call.digit], .app = app_, .timeout = 20, .channelId = caller + party_suffix});
    const bool exists = !made && made.error().data.find(R"("status":409)") != std::string::npos;
    return made || exists ? Result<void>() : made.error();
  }

  Result<void> talking(const std::string& caller) {
    const std::string id = caller + "-bridge";
    const auto bridge = client_.call(ari::BridgesCreate{.type = "mixing", .bridgeId = id});
    if (!bridge) return bridge.error();
    return client_.call(ari::BridgesAddChannel{.bridgeId = id, .channel = {caller, caller + party_suffix}});
  }

  Result<void> ended(const std::string& caller) {
    for (const std::string& channel : {caller, caller + party_suffix}) {
      const Result<void> done = unless_gone(client_.call(ari::ChannelsHangup{.channelId = channel}));
      if (!done) return done;
    }
    return unless_gone(client_.call(ari::BridgesDestroy{.bridgeId = caller + "-bridge"}));
  }

  Result<void> stop_menu(const std::string& caller, const Call& call) {
    return unless_gone(client_.call(ari::PlaybacksStop{.playbackId = menu_id(caller, call)}));
  }

  static std::string menu_id(const std::string& caller, const Call& call) {
    return caller + "-menu-" + std::to_string(call.menus);
  }

  // One line for the cursor and one per call.
  void load() {
    std::ifstream file(state_file_);
    file >> cursor_;
    std::string caller;
    for (Call call; file >> caller >> call.step >> call.done >> call.menus;) {
      file.get();
      std::getline(file, call.digit);
      calls_[caller] = call;
    }
  }

  void save() const {
    {
      std::ofstream file(state_file_ + ".new");
      file << client_.cursor() << '\n';
      for (const auto& [caller, call] : calls_) {
        file << caller << ' ' << call.step << ' ' << call.done << ' ' << call.menus << ' ' << call.digit
             << '\n';
      }
    }
    std::rename((state_file_ + ".new").c_str(), state_file_.c_str());
  }

  Client& client_;
  std::string app_, state_file_;
  std::map<std::string, std::string> parties_;  // endpoints, by the digit
  std::map<std::string, Call> calls_;           // by the caller's channel
  std::string cursor_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "Usage: ivr APP STATE_FILE DIGIT=ENDPOINT ...\n";
    return 2;
  }
  std::map<std::string, std::string> parties;
  for (int i = 3; i < argc; ++i) {
    const std::string party = argv[i];
    parties[party.substr(0, party.find('='))] = party.substr(party.find('=') + 1);
  }
  Result<Client> client = Client::connect({.wait = std::chrono::minutes(1)});
  if (!client) {
    std::cerr << client.error().message << "\n";
    return 1;
  }
  std::cerr << Ivr(*client, argv[1], argv[2], parties).run().message << "\n";
  return 1;
}
