// Playing and recording: on channels and bridges, /ari/playbacks, /ari/recordings
#include "router.h"
#include "text.h"

namespace aribus::sim {
namespace {

HttpReply no_recording() {
  return refusal(404, "Recording not found");
}

// What forbids playing to or recording the target that a path names, if anything; else `target` is set.
HttpReply check_target(Asterisk& asterisk, const Call& call, bool must_be_up, std::string& target) {
  if (call.request.path().compare(0, 13, "/ari/bridges/") == 0) {
    if (asterisk.bridge(call.id()) == nullptr) return refusal(404, "Bridge not found", "Not found");
    target = "bridge:" + call.id();
    return {};
  }
  const auto* channel = asterisk.channel(call.id());
  if (channel == nullptr) return refusal(404, "Channel not found");
  if (channel->stasis.empty()) return refusal(409, "Channel not in Stasis application");
  if (must_be_up && channel->state == "Down") return refusal(412, "Channel in invalid state");
  target = "channel:" + call.id();
  return {};
}

HttpReply play(Asterisk& asterisk, const Call& call) {
  std::string target;
  if (auto refused = check_target(asterisk, call, true, target); target.empty()) return refused;
  const auto media = call.params.list("media");
  if (media.empty()) return refusal(500, "Failed to queue media for playback");
  auto id = call.params.text("playbackId");
  if (id.empty() && call.parts.size() > 1) id = call.parts[1];
  if (id.empty()) id = random_uuid();
  auto reply = json_reply(asterisk.play(target, id, media, call.params.text("lang")), 201);
  reply.extra.push_back("Location: /ari/playbacks/" + id);
  return reply;
}

HttpReply record(Asterisk& asterisk, const Call& call) {
  std::string target;
  if (auto refused = check_target(asterisk, call, false, target); target.empty()) return refused;
  Recording recording;
  recording.target = target;
  recording.name = call.params.text("name");
  recording.format = call.params.text("format");
  recording.max_seconds = call.params.number("maxDurationSeconds", 0);
  recording.terminate_on = call.params.text("terminateOn");
  if (recording.name.empty()) return refusal(500, "Error parsing request");
  if (recording.max_seconds < 0) return refusal(400, "max_duration_seconds cannot be negative");
  if (call.params.number("maxSilenceSeconds", 0) < 0)
    return refusal(400, "max_silence_seconds cannot be negative");
  const auto exists = call.params.text("ifExists");
  if (!exists.empty() && exists != "fail" && exists != "overwrite" && exists != "append")
    return refusal(400, "ifExists invalid");
  if (recording.format != "wav" && recording.format != "gsm" && recording.format != "ulaw")
    return refusal(422, "specified format is unknown on this system");
  if (asterisk.live.count(recording.name) > 0 ||
      (asterisk.stored.count(recording.name) > 0 && (exists.empty() || exists == "fail")))
    return refusal(409, "Recording '" + recording.name + "' already exists and can not be overwritten");
  auto reply = json_reply(asterisk.record(recording), 201);
  reply.extra.push_back("Location: /ari/recordings/live/" + recording.name);
  return reply;
}

HttpReply get_playback(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.playbacks.find(call.id());
  return found != asterisk.playbacks.end() ? json_reply(found->second.json())
                                           : refusal(404, "Playback not found");
}

HttpReply stop_playback(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.playbacks.find(call.id());
  if (found == asterisk.playbacks.end()) return refusal(404, "Playback not found");
  asterisk.control(found->second, "stop");
  return no_content();
}

HttpReply control_playback(Asterisk& asterisk, const Call& call) {
  const auto operation = call.params.text("operation");
  if (operation.empty()) return refusal(400, "Missing operation");
  bool known = false;
  for (const auto* word : {"restart", "pause", "unpause", "reverse", "forward"})
    known = known || operation == word;
  if (!known) return refusal(400, "Invalid operation " + operation);
  const auto found = asterisk.playbacks.find(call.id());
  if (found == asterisk.playbacks.end()) return refusal(404, "Playback not found");
  asterisk.control(found->second, operation);
  return no_content();
}

std::string stored_json(const Recording& recording) {
  return Object().text("name", recording.name).text("format", recording.format).str();
}

HttpReply list_stored(Asterisk& asterisk, const Call&) {
  std::vector<std::string> out;
  for (const auto& [name, recording] : asterisk.stored) out.push_back(stored_json(recording));
  return json_reply(array_of(out));
}

HttpReply get_stored(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.stored.find(call.id());
  return found != asterisk.stored.end() ? json_reply(stored_json(found->second)) : no_recording();
}

HttpReply get_file(Asterisk& asterisk, const Call& call) {
  if (asterisk.stored.count(call.id()) == 0) return no_recording();
  HttpReply reply;
  reply.status = 200;
  reply.content_type = "audio/wav";
  reply.body = wav_file();
  return reply;
}

HttpReply copy_stored(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.stored.find(call.id());
  if (found == asterisk.stored.end()) return no_recording();
  const auto name = call.params.text("destinationRecordingName");
  if (asterisk.stored.count(name) > 0)
    return refusal(409, "A recording with the same name already exists on the system");
  auto copied = found->second;
  copied.name = name;
  asterisk.stored[name] = copied;
  return json_reply(stored_json(copied));
}

HttpReply delete_stored(Asterisk& asterisk, const Call& call) {
  return asterisk.stored.erase(call.id()) > 0 ? no_content() : no_recording();
}

template <HttpReply (*handler)(Asterisk&, Recording&)>
HttpReply on_live(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.live.find(call.id());
  return found != asterisk.live.end() ? handler(asterisk, found->second) : no_recording();
}

HttpReply get_live(Asterisk&, Recording& recording) {
  return json_reply(recording.json());
}

HttpReply keep(Asterisk& asterisk, Recording& recording) {
  asterisk.stop_recording(std::string(recording.name), true);
  return no_content();
}

HttpReply cancel(Asterisk& asterisk, Recording& recording) {
  asterisk.stop_recording(std::string(recording.name), false);
  return no_content();
}

HttpReply pause(Asterisk&, Recording& recording) {
  recording.state = "paused";
  return no_content();
}

HttpReply unpause(Asterisk&, Recording& recording) {
  recording.state = "recording";
  return no_content();
}

HttpReply mute_live(Asterisk&, Recording&) {
  return no_content();
}

}  // namespace

std::span<const Route> media_routes() {
  static constexpr Route routes[] = {
      {"POST", "/channels/{}/play", play},
      {"POST", "/channels/{}/play/{}", play},
      {"POST", "/channels/{}/record", record},
      {"POST", "/bridges/{}/play", play},
      {"POST", "/bridges/{}/play/{}", play},
      {"POST", "/bridges/{}/record", record},
      {"GET", "/playbacks/{}", get_playback},
      {"DELETE", "/playbacks/{}", stop_playback},
      {"POST", "/playbacks/{}/control", control_playback},
      {"GET", "/recordings/stored", list_stored},
      {"GET", "/recordings/stored/{}", get_stored},
      {"DELETE", "/recordings/stored/{}", delete_stored},
      {"GET", "/recordings/stored/{}/file", get_file},
      {"POST", "/recordings/stored/{}/copy", copy_stored},
      {"GET", "/recordings/live/{}", on_live<get_live>},
      {"DELETE", "/recordings/live/{}", on_live<cancel>},
      {"POST", "/recordings/live/{}/stop", on_live<keep>},
      {"POST", "/recordings/live/{}/pause", on_live<pause>},
      {"DELETE", "/recordings/live/{}/pause", on_live<unpause>},
      {"POST", "/recordings/live/{}/mute", on_live<mute_live>},
      {"DELETE", "/recordings/live/{}/mute", on_live<mute_live>},
  };
  return routes;
}

}  // namespace aribus::sim
