// What the simulated Asterisk knows: channels, bridges, playbacks, recordings, applications.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace aribus::sim {

struct Channel {
  std::string id;
  std::string name;
  std::string state = "Down";
  std::string protocol_id;
  std::string caller_name, caller_number;
  std::string connected_name, connected_number;
  std::string context = "default";
  std::string exten = "s";
  int priority = 1;
  std::string app_name, app_data;  // the dialplan application that it is in
  std::string creationtime;
  std::string language = "en";
  std::vector<std::pair<std::string, std::string>> channelvars;

  std::map<std::string, std::string> variables;
  std::string peer;        // id of the other half of a Local channel
  std::string dialstring;  // what was dialled, for a channel that was made by dialling
  std::string stasis;      // the application that holds it
  std::string bridge;      // id
  std::string hold_app;    // what app_name becomes on leaving Stasis
  std::string hold_data;
  std::string spied;         // id of the channel that it snoops on
  bool incoming = false;     // came in by SIP
  bool in_dialplan = false;  // the dialplan runs on it
  bool leaving = false;      // being hung up

  [[nodiscard]] std::string technology() const { return name.substr(0, name.find('/')); }
  // The name without its unique part.
  [[nodiscard]] std::string device() const { return name.substr(0, name.rfind('-')); }
  [[nodiscard]] std::string json() const;
};

struct Bridge {
  std::string id;
  std::string name;
  std::string technology = "simple_bridge";
  std::string type = "mixing";
  std::string creationtime;
  std::vector<std::string> channels;
  std::string music;  // the name of the channel that plays music into it
  [[nodiscard]] std::string json() const;
};

struct Playback {
  std::string id;
  std::string target;  // "channel:ID" or "bridge:ID"
  std::string language = "en";
  std::string state = "queued";
  std::vector<std::string> media;
  size_t position = 0;
  uint64_t order = 0;    // that of the requests
  bool stopped = false;  // while it waited for its turn
  unsigned run = 0;      // counts starts, so that a timer of an earlier one is ignored
  [[nodiscard]] std::string json() const;
};

struct Recording {
  std::string name;
  std::string format;
  std::string target;
  std::string state = "queued";
  std::string terminate_on = "none";
  int max_seconds = 0;
  int64_t started_ms = 0;
  std::string failure;  // why it failed
  int duration = -1;    // seconds; -1 while it runs
  bool keep = true;     // false: cancelled
  [[nodiscard]] std::string json() const;
};

// A small valid WAV file with a tone.
[[nodiscard]] std::string wav_file();

}  // namespace aribus::sim
