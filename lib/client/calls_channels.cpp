#include "client/calls_detail.h"

namespace aribus::client {
namespace {

constexpr std::string_view all_digits = "0123456789*#ABCD";

}  // namespace

Task<void> Calls::until_gone(ChannelPtr channel) {
  {
    const auto is_ready = [this, channel] { return channel->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
}

Task<std::optional<char>> Calls::digit_of(ChannelPtr channel, Timeout timeout) {
  {
    const auto is_ready = [this, channel] { return !channel->digits.empty() || channel->is_gone || closed_; };
    co_await Until(*this, is_ready, after(timeout));
  }
  std::optional<char> digit;
  if (channel->digits.empty()) {
    check(*channel);
  } else {
    digit = channel->digits.front();
    channel->digits.pop_front();
  }
  co_return digit;
}

Task<std::string> Calls::digits_of(ChannelPtr channel, std::optional<size_t> count, std::string terminator,
                                   Timeout timeout, Timeout between) {
  std::string digits;
  while (!count || digits.size() < *count) {
    const std::optional<char> digit = co_await digit_of(channel, digits.empty() ? timeout : between);
    if (!digit || terminator.find(*digit) != std::string::npos) break;
    digits += *digit;
  }
  co_return digits;
}

Task<bool> Calls::is_there(std::shared_ptr<Ending> ending) {
  const bool is_playback = ending->kind == "playback";
  const std::string params = one_param(is_playback ? "playbackId" : "recordingName", ending->id);
  const auto is_over = [ending] { return ending->is_over(); };
  try {
    co_await patiently(is_playback ? "playbacks.get" : "recordings.getLive", params, ending->channel->server,
                       is_over);
  } catch (const Raised& raised) {
    if (Refusal(raised.error).status != 404) throw;
    co_return false;
  }
  co_return true;
}

// Starts the playback or recording. If the connection breaks meanwhile, checks whether it has begun.
Task<void> Calls::begin_ending(ChannelPtr channel, std::shared_ptr<Ending> ending, std::string method,
                               std::string params) {
  std::optional<Raised> unknown;
  try {
    co_await on_channel(channel, method, params);
  } catch (const Raised& raised) {
    if (raised.error.kind != ErrorKind::outcome_unknown) throw;
    unknown = raised;
  }
  if (unknown) {
    const bool is_found = co_await is_there(ending);
    if (!is_found && !ending->is_over()) throw Raised(*unknown);
  }
  ending->has_begun = true;
}

Task<std::optional<char>> Calls::play_on(ChannelPtr channel, std::vector<std::string> media,
                                         PlayOptions options) {
  const std::string among = options.terminate_on_ == "any"    ? std::string(all_digits)
                            : options.terminate_on_ == "none" ? std::string()
                                                              : options.terminate_on_;
  const auto pressed = [channel, among] {
    return std::find_first_of(channel->digits.begin(), channel->digits.end(), among.begin(), among.end());
  };
  std::optional<char> digit;
  if (pressed() == channel->digits.end()) {
    check(*channel);
    const std::shared_ptr<Ending> ending(new Ending{"playback", new_id(), channel});
    endings_.insert(ending);
    const std::shared_ptr<void> forget(nullptr, [this, ending](void*) { endings_.erase(ending); });
    const ari::ChannelsPlay params{.channelId = channel->id,
                                   .media = std::move(media),
                                   .lang = options.lang_,
                                   .offsetms = options.offsetms_,
                                   .skipms = options.skipms_,
                                   .playbackId = ending->id};
    co_await begin_ending(channel, ending, std::string(params.method), ari::to_json(params));
    const auto is_over = [this, channel, ending] { return ending->is_over() || channel->is_gone || closed_; };
    {
      const auto is_ready = [=] { return is_over() || pressed() != channel->digits.end(); };
      co_await Until(*this, is_ready);
    }
    if (!ending->is_over()) check(*channel);
    if (pressed() == channel->digits.end()) {
      if (find_string(ending->result, "state") != "failed") co_return digit;
      if (channel->is_leaving) throw ChannelGone(gone_error(*channel));
      throw PlaybackFailed(
          {ErrorKind::refused,
           params.media.front() + " was not played to the end: there is no such sound, maybe",
           to_text(ending->result)});
    }
    digit = *pressed();
    channel->digits.erase(pressed());
    if (!ending->is_over()) {
      try {
        co_await patiently("playbacks.stop", one_param("playbackId", ending->id), channel->server, is_over);
      } catch (const Raised&) {  // it has ended by itself
      }
      co_await Until(*this, is_over);
      if (!ending->is_over()) check(*channel);
    }
    co_return digit;
  }
  digit = *pressed();
  channel->digits.erase(pressed());
  co_return digit;
}

Task<ari::LiveRecording> Calls::record_of(ChannelPtr channel, std::string name, RecordOptions options) {
  check(*channel);
  const std::shared_ptr<Ending> ending(new Ending{"recording", name, channel});
  endings_.insert(ending);
  const std::shared_ptr<void> forget(nullptr, [this, ending](void*) { endings_.erase(ending); });
  const ari::ChannelsRecord params{.channelId = channel->id,
                                   .name = name,
                                   .format = options.format_,
                                   .maxDurationSeconds = options.max_duration_seconds_,
                                   .maxSilenceSeconds = options.max_silence_seconds_,
                                   .ifExists = options.if_exists_,
                                   .beep = options.beep_,
                                   .terminateOn = options.terminate_on_};
  co_await begin_ending(channel, ending, std::string(params.method), ari::to_json(params));
  {
    const auto is_ready = [=, this] { return ending->is_over() || channel->is_gone || closed_; };
    co_await Until(*this, is_ready);
  }
  if (!ending->is_over()) check(*channel);
  channel->digits.clear();
  if (find_string(ending->result, "state") == "failed") {
    if (channel->is_leaving) throw ChannelGone(gone_error(*channel));
    throw RecordingFailed({ErrorKind::refused, name + " was not recorded", to_text(ending->result)});
  }
  Result<ari::LiveRecording> recording = ari::from_json<ari::LiveRecording>(ending->result);
  if (!recording) throw Raised(recording.error());
  co_return std::move(*recording);
}

}  // namespace aribus::client
