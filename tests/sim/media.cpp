// Playbacks and recordings. Those of one channel run one after the other, in the order asked for.
#include <algorithm>
#include <chrono>

#include "asterisk.h"
#include "text.h"

namespace aribus::sim {
namespace {

// Asterisk's own long prompts, sound:demo-congrats and the like, play for so long.
constexpr uint64_t long_medium_ms = 60000;

int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// The id in "channel:ID" or "bridge:ID".
std::string id_of(const std::string& target) {
  return target.substr(target.find(':') + 1);
}

bool is_bridge(const std::string& target) {
  return target.compare(0, 7, "bridge:") == 0;
}

bool has_known_scheme(const std::string& media) {
  for (const auto* scheme : {"sound:", "recording:", "number:", "digits:", "characters:", "tone:"}) {
    if (media.compare(0, std::string_view(scheme).size(), scheme) == 0) return true;
  }
  return false;
}

}  // namespace

void Asterisk::publish_playback(std::string_view type, const Playback& playback) {
  // Who is subscribed to everything gets what happens in a bridge twice.
  publish({id_of(playback.target)}, event_of(type).raw("playback", playback.json()),
          is_bridge(playback.target) ? 2 : 1);
}

void Asterisk::publish_recording(std::string_view type, const Recording& recording) {
  publish({id_of(recording.target)}, event_of(type).raw("recording", recording.json()),
          is_bridge(recording.target) ? 2 : 1);
}

void Asterisk::queue_media(const std::string& target, std::function<void()> job) {
  auto& queue = jobs_[target];
  queue.push_back(std::move(job));
  if (queue.size() == 1) {
    const auto first = queue.front();
    first();
  }
}

void Asterisk::next_media(const std::string& target) {
  const auto found = jobs_.find(target);
  if (found == jobs_.end() || found->second.empty()) return;
  found->second.erase(found->second.begin());
  if (found->second.empty()) {
    jobs_.erase(found);
  } else {
    const auto next = found->second.front();
    next();
  }
}

std::string Asterisk::play(const std::string& target, const std::string& id,
                           const std::vector<std::string>& media, const std::string& language) {
  const auto chosen = id.empty() ? random_uuid() : id;
  auto& playback = playbacks[chosen];
  playback = {};
  playback.id = chosen;
  playback.target = target;
  playback.order = ++orders_;
  playback.media = media;
  if (!language.empty()) playback.language = language;
  const auto answer = playback.json();
  queue_media(target, [this, chosen, target] {
    timers.after(1, [this, chosen, target] {
      if (playbacks.count(chosen) == 0) return next_media(target);
      if (auto* in = bridge(id_of(target)); in != nullptr && is_bridge(target))
        helper_in_bridge(*in, "Announcer/ARI-" + hex8(helper_count++) + ";2");
      playbacks[chosen].stopped ? end_playback(chosen, "done") : start_medium(chosen);
    });
  });
  return answer;
}

void Asterisk::start_medium(const std::string& playback_id) {
  auto& playback = playbacks[playback_id];
  const auto target = playback.target;
  const auto& media = playback.media[playback.position];
  playback.state = "playing";
  const auto run = ++playback.run;
  publish_playback("PlaybackStarted", playback);
  if (!has_known_scheme(media)) {
    // The real one says no more about it either.
    playbacks.erase(playback_id);
    return next_media(target);
  }
  const bool missing = media.compare(0, 6, "sound:") == 0 && media.find("nosuch") != std::string::npos;
  if (missing || media.find(',') != std::string::npos) return end_playback(playback_id, "failed");
  const bool is_long = media.compare(0, 11, "sound:demo-") == 0;
  timers.after(is_long ? long_medium_ms : options.playback_ms, [this, playback_id, run] {
    const auto found = playbacks.find(playback_id);
    if (found != playbacks.end() && found->second.run == run) medium_ended(playback_id);
  });
}

void Asterisk::medium_ended(const std::string& playback_id) {
  auto& playback = playbacks[playback_id];
  if (playback.position + 1 == playback.media.size()) return end_playback(playback_id, "done");
  playback.state = "continuing";
  publish_playback("PlaybackContinuing", playback);
  ++playback.position;
  start_medium(playback_id);
}

void Asterisk::end_playback(const std::string& playback_id, const std::string& state) {
  auto playback = playbacks[playback_id];
  playback.state = state;
  playbacks.erase(playback_id);
  publish_playback("PlaybackFinished", playback);
  if (is_bridge(playback.target)) {
    if (auto* in = bridge(id_of(playback.target))) helper_in_bridge(*in, in->music);
    publish_device("Announcer/ARI", "INUSE");
    publish_device("Announcer/ARI", "UNKNOWN");
  }
  next_media(playback.target);
}

void Asterisk::control(Playback& playback, const std::string& operation) {
  const auto id = playback.id;
  if (operation == "stop" && playback.state != "queued") return end_playback(id, "done");
  if (operation == "stop") playback.stopped = true;
  if (operation == "pause") {
    playback.state = "paused";
    ++playback.run;
  } else if (operation == "unpause" && playback.state == "paused") {
    start_medium(id);
  }
}

std::string Asterisk::record(Recording recording) {
  const auto name = recording.name;
  const auto answer = recording.json();
  const auto target = recording.target;
  live[name] = std::move(recording);
  const auto start = [this, name, target] {
    const auto found = live.find(name);
    if (found == live.end()) return next_media(target);
    auto& started = found->second;
    auto* on = channel(id_of(target));
    if (!is_bridge(target) && on != nullptr && !on->bridge.empty()) {
      started.state = "failed";
      started.failure = "Cannot record channel while in bridge";
      const auto failed = started;
      live.erase(found);
      publish_recording("RecordingFailed", failed);
      return next_media(target);
    }
    if (auto* in = bridge(id_of(target)); in != nullptr && is_bridge(target))
      helper_in_bridge(*in, "Recorder/ARI-" + hex8(helper_count++) + ";2");
    started.state = "recording";
    started.started_ms = now_ms();
    publish_recording("RecordingStarted", started);
    if (started.max_seconds > 0) {
      timers.after(static_cast<uint64_t>(started.max_seconds) * 1000, [this, name, at = started.started_ms] {
        if (const auto it = live.find(name); it != live.end() && it->second.started_ms == at)
          stop_recording(name, true);
      });
    }
  };
  const auto later = [this, start] { timers.after(1, start); };
  is_bridge(target) ? later() : queue_media(target, later);
  return answer;
}

void Asterisk::stop_recording(const std::string& name, bool keep) {
  const auto found = live.find(name);
  if (found == live.end()) return;
  auto recording = found->second;
  live.erase(found);
  const bool waited = recording.state == "queued";
  recording.state = "done";  // the real one says so of a cancelled one too
  recording.duration =
      recording.started_ms == 0 ? 0 : static_cast<int>((now_ms() - recording.started_ms) / 1000);
  if (keep) stored[name] = recording;
  publish_recording("RecordingFinished", recording);
  if (waited) return;
  if (is_bridge(recording.target)) {
    if (auto* in = bridge(id_of(recording.target))) helper_in_bridge(*in, in->music);
    publish_device("Recorder/ARI", "INUSE");
    publish_device("Recorder/ARI", "UNKNOWN");
  } else {
    next_media(recording.target);
  }
}

void Asterisk::stop_media(Channel& channel) {
  const auto target = "channel:" + channel.id;
  if (const auto found = jobs_.find(target); found != jobs_.end()) found->second.resize(1);
  std::map<uint64_t, std::string> playing;
  for (const auto& [id, playback] : playbacks) {
    if (playback.target == target) playing[playback.order] = id;
  }
  for (const auto& [order, id] : playing) {
    auto& playback = playbacks[id];
    const bool waits = playback.state == "queued" && !playback.stopped;
    if (waits) {
      playback.state = "playing";
      publish_playback("PlaybackStarted", playback);
    }
    end_playback(id, playback.stopped ? "done" : "failed");
  }
  std::vector<std::string> recording;
  for (const auto& [name, one] : live) {
    if (one.target == target) recording.push_back(name);
  }
  for (const auto& name : recording) stop_recording(name, true);
}

}  // namespace aribus::sim
