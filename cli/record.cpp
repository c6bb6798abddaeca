#include <optional>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view of_audio =
    "record writes events to a file of this machine; 'aribus call record channelId=… name=… format=wav' has "
    "Asterisk record the audio of a channel";

Recording::Mode mode_of(const Arguments& arguments) {
  if (arguments.has("append")) return Recording::Mode::append;
  return arguments.has("force") ? Recording::Mode::overwrite : Recording::Mode::fresh;
}

// Opens the file and reports on standard error how it is used.
Result<Recording> begin(const std::string& path, Recording::Mode mode) {
  Result<Recording> opened = Recording::open(path, mode);
  if (!opened) return opened;
  if (opened->removed_bytes() > 0) {
    err().line("aribus: " + path + ": the last line was cut off; its " +
               std::to_string(opened->removed_bytes()) + " bytes are removed");
  }
  const std::string cursor = opened->cursor();
  err().line("aribus: writing the records as they come to the file " + path +
             (cursor.empty() ? "" : ", after " + cursor) + "; Ctrl-C ends it");
  return opened;
}

int record(const Arguments& arguments) {
  if (arguments.words.size() < 2) return misuse("record", "which file?");
  if (arguments.words.size() > 2) return misuse("record", "one file is expected: " + std::string(of_audio));
  if (arguments.has("append") && arguments.has("force"))
    return misuse("record", "--append or --force, not both");
  if (arguments.has("append") && arguments.has("since"))
    return misuse("record", "--append resumes after the last record of the file: leave out --since");
  const std::string& path = arguments.words[1];
  catch_interrupts();
  std::optional<Recording> recording;
  std::optional<Error> failure;
  auto shown = Clock::now();
  const auto went_well = [&](const Result<void>& result) {
    if (!result) failure = result.error();
    return result.ok();
  };
  Follower follower;
  follower.begin = [&]() -> Result<std::string> {
    Result<Recording> begun = begin(path, mode_of(arguments));
    if (!begun) return begun.error();
    recording = std::move(*begun);
    return recording->cursor();
  };
  follower.take = [&](const client::Item& item) { return went_well(recording->add(item, wall_now())); };
  follower.rest = [&] {
    if (const auto now = Clock::now(); now - shown > std::chrono::seconds(1)) {
      shown = now;
      err().passing(std::to_string(recording->count()) + " records");
    }
    return went_well(recording->flush());
  };
  int code = follow(arguments, {}, follower);
  if (!recording) return code;
  if (!failure) went_well(recording->flush());
  if (failure) code = fail(*failure);
  err().line(counted(recording->count(), arguments.has("append") ? "more record" : "record") + " in " + path);
  return code;
}

}  // namespace

Command record_command() {
  return {
      "record",
      "FILE",
      "writes records as they arrive to FILE, until it is stopped with Ctrl-C",
      "FILE is the name of a file on this machine, not a channel: it gets events, no audio. ('aribus call "
      "record channelId=… name=… format=wav' has Asterisk record the audio of a channel.) An existing "
      "file is left alone without --append or --force.\n"
      "One JSON object per line, with ids and times: 'aribus replay' shows them again, aribus-sim plays "
      "them. When aribusd is restarted or the connection ends, record connects again and resumes after "
      "the last record. Records of the types record.subscribed, record.disconnected and record.lost are "
      "written by it and say when, and what is missing.",
      with_filters({{"append", "", "continue FILE after its last record"}, {"force", "", "overwrite FILE"}}),
      record};
}

}  // namespace aribus::cli
