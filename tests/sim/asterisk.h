// The simulated Asterisk: its state, the applications that hear of it, and what happens to calls.
//
// The order of the events is that of a real Asterisk 22 (16 where it says so), as tests/sim/compare checks.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "model.h"
#include "options.h"
#include "timers.h"

namespace aribus::sim {

// What takes an application's events: a WebSocket, by its number. 0 is none.
using SocketId = uint64_t;

struct App {
  SocketId socket = 0;
  bool all = false;                     // subscribeAll
  std::map<std::string, int> interest;  // ids of channels and bridges, with how often each is subscribed
};

// What originate and create are asked for.
struct Dialling {
  std::string endpoint;  // as Local/answer@default
  std::string app, app_args;
  std::string id, other_id;
  std::string caller_name, caller_number;
  int timeout = 30;  // seconds
  std::vector<std::pair<std::string, std::string>> variables;
};

class Asterisk {
 public:
  // `send` writes one event's text to a socket.
  Asterisk(const Options& options, Timers& timers, std::function<void(SocketId, std::string_view)> send);

  [[nodiscard]] bool is_old() const { return options.version == 16; }
  [[nodiscard]] std::string version() const;
  [[nodiscard]] std::string server() const { return "Asterisk/" + version(); }

  // -- applications (asterisk.cpp)
  void connect(SocketId socket, const std::vector<std::string>& names, bool all);
  void disconnect(SocketId socket);
  void subscribe(const std::string& app, const std::string& id);
  void unsubscribe(const std::string& app, const std::string& id);

  // -- telling applications (asterisk.cpp). `event` has everything up to asterisk_id.
  void publish(const std::vector<std::string>& about, const Object& event, int copies_for_all = 1);
  void publish_channel(std::string_view type, const Channel& channel, const Object& fields = {});
  void publish_varset(Channel& channel, const std::string& variable, const std::string& value);
  void publish_hangup_request(const Channel& channel, int cause, bool soft);
  // What the end of the dialplan on a channel says.
  void publish_dialplan_end(Channel& channel);
  void publish_dial(const Channel& peer, std::string_view status, std::string_view dialstring);
  void publish_device(const std::string& device, std::string_view state);
  void dialplan(Channel& channel, const std::string& app, const std::string& data, int priority);
  void set_state(Channel& channel, const std::string& state);

  // -- calls (calls.cpp)
  [[nodiscard]] Channel* channel(const std::string& id);
  Channel& add_channel(const std::string& id, const std::string& name);
  std::string incoming(const std::string& app, const std::string& caller, const std::string& caller_name,
                       const std::string& exten, const std::vector<std::string>& args);
  void enter_stasis(Channel& channel, const std::string& app, const std::string& args);
  void leave_stasis(Channel& channel);
  void hangup(const std::string& id, int cause);
  // The far end of an incoming call ends it. `cause` -1: as SIP's BYE does.
  void hangup_by_caller(const std::string& id, int cause);
  void dtmf_received(const std::string& id, const std::string& digit, int duration_ms);
  void move_to_app(Channel& channel, const std::string& app, const std::string& args);
  void continue_in_dialplan(Channel& channel, const std::string& context, const std::string& exten,
                            int priority);
  // `count` short calls; how many events that makes.
  int many_calls(const std::string& app, int count, uint64_t interval_ms);
  void demo_call(const std::string& app, uint64_t hangup_after_ms);

  // -- dialling (dialling.cpp). nullptr: there is no such technology, or the id is taken.
  Channel* originate(const Dialling& dialling);
  Channel* create(const Dialling& dialling);
  void dial(Channel& channel, int timeout);
  Channel* snoop(Channel& target, const std::string& id, const std::string& app, const std::string& args);
  Channel* external_media(const Dialling& dialling, const std::string& format);

  // -- bridges (bridging.cpp)
  [[nodiscard]] Bridge* bridge(const std::string& id);
  Bridge& add_bridge(const std::string& id, const std::string& name, const std::string& type);
  void enter_bridge(Bridge& bridge, Channel& channel);
  void leave_bridge(Channel& channel, bool keep_interest);
  void destroy_bridge(const std::string& id);
  // Tells the members about a helper channel (announcer, recorder) that came or, with "", went.
  void helper_in_bridge(Bridge& bridge, const std::string& helper);

  // -- media (media.cpp)
  std::string play(const std::string& target, const std::string& id, const std::vector<std::string>& media,
                   const std::string& language);
  void control(Playback& playback, const std::string& operation);
  std::string record(Recording recording);
  void stop_recording(const std::string& name, bool keep);
  void stop_media(Channel& channel);

  void reset();
  [[nodiscard]] std::string next_id();

  const Options& options;
  Timers& timers;
  std::map<std::string, App> apps;
  std::map<std::string, Channel> channels;
  std::map<std::string, Bridge> bridges;
  std::map<std::string, Playback> playbacks;
  std::map<std::string, Recording> live;
  std::map<std::string, Recording> stored;
  std::map<std::string, std::string> globals;
  std::map<std::string, std::string> devices;
  std::string started;
  uint32_t local_count = 0;
  uint32_t helper_count = 0;
  std::function<void()> flush;  // writes what was sent, at once
  // See crowd.h.
  uint64_t talk_rate = 0;
  uint64_t talked_until = 0;
  size_t talks_next = 0;

 private:
  void far_end(const std::string& near_id, const std::string& far_id, const std::string& dialstring,
               int timeout, const std::function<void(Channel&)>& answered);
  void far_end_rings(const std::string& near_id, const std::string& dialstring, int timeout);
  void far_end_refuses(Channel& near, Channel& far, const std::string& dialstring, bool busy);
  void far_end_goes_on(const std::string& far_id, const std::string& app, const std::string& data);
  std::pair<Channel*, Channel*> add_local(const Dialling& dialling);
  void set_parties(Channel& channel, const Dialling& dialling);
  void qos(Channel& channel);
  void destroy(const std::string& id, int cause);
  void destroy_peer(const std::string& id, int cause);
  void connect_parties(Channel& a, Channel& b);
  void queue_media(const std::string& target, std::function<void()> job);
  void next_media(const std::string& target);
  void start_medium(const std::string& playback_id);
  void medium_ended(const std::string& playback_id);
  void end_playback(const std::string& playback_id, const std::string& state);
  void publish_playback(std::string_view type, const Playback& playback);
  void publish_recording(std::string_view type, const Recording& recording);

  std::function<void(SocketId, std::string_view)> send_;
  std::map<std::string, std::vector<std::function<void()>>> jobs_;  // per target of media; the first one runs
  uint32_t ids_ = 0;
  uint64_t orders_ = 0;
};

// An event's beginning: its type and the time.
[[nodiscard]] Object event_of(std::string_view type);

}  // namespace aribus::sim
