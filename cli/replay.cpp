#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/interrupt.h"
#include "cli/printer.h"
#include "cli/recording.h"

namespace aribus::cli {
namespace {

int replay(const Arguments& arguments) {
  if (arguments.words.size() != 2) return misuse("replay", "which file?");
  char* end = nullptr;
  const std::string given = arguments.has("speed") ? arguments.value("speed") : "0";
  const double speed = std::strtod(given.c_str(), &end);
  if (*end != '\0' || given.empty() || !(speed >= 0))
    return misuse("replay", "--speed: a number from 0 on is expected");
  std::ifstream file(arguments.words[1], std::ios::binary);
  if (!file) return fail(file_error(arguments.words[1]));
  catch_interrupts();
  Printer printer(arguments);
  StreamReport report;
  std::optional<WallTime> before;
  size_t number = 0;
  for (std::string line; interrupted == 0 && read_line(file, line);) {
    ++number;
    const Result<Json> record = parse_own_json(line);
    if (!record || !record->IsObject()) {
      return fail(Error{
          ErrorKind::malformed,
          arguments.words[1] + ":" + std::to_string(number) + ": no record, as 'aribus record' writes them",
          {}});
    }
    const auto time = parse_time(find_string(*record, "time"));
    if (speed > 0 && time && before && *time > *before) {
      out().flush();
      std::this_thread::sleep_for(
          std::chrono::duration<double, std::milli>(static_cast<double>((*time - *before).count()) / speed));
    }
    if (time) before = time;
    const std::optional<client::Item> own = recorded_item(*record);
    if (!own || printer.prints_json()) {
      if (!printer.print(*record)) break;
    } else if (const std::string sentence = report.sentence(*own, time.value_or(WallTime()));
               !sentence.empty()) {
      out().line("aribus: " + sentence);
    }
  }
  if (file.bad())
    return fail(Error{ErrorKind::internal, arguments.words[1] + ": it can't be read; is it a folder?", {}});
  return done;
}

}  // namespace

Command replay_command() {
  return {"replay",
          "FILE",
          "shows the records of FILE as 'aribus tail' shows them",
          "",
          {{"speed", "FACTOR", "speed relative to the recording; 0: without waiting (default 0)"},
           {"json", "", "JSON lines on a terminal as well"},
           {"text", "", "readable lines in a pipe as well"},
           {"all", "", "a readable line for every record"}},
          replay};
}

}  // namespace aribus::cli
