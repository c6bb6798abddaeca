#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "bus/cursor.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/interrupt.h"
#include "cli/ladder.h"
#include "cli/methods.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/requests.h"

namespace aribus::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Records = std::vector<Json>;
// All records that there are, in order, whose list `name` ("calls", "channels") has the id.
using Source = std::function<Result<Records>(std::string_view name, const std::string& id)>;

constexpr milliseconds pause{50};  // without a record, then it asks how far aribusd is

bool lists(const JsonValue& record, std::string_view name, std::string_view id) {
  const auto ids = list_of(record, name);
  return std::any_of(ids.begin(), ids.end(),
                     [&](const JsonValue& one) { return one.IsString() && as_view(one) == id; });
}

// Whether lines may be drawn: the locale's encoding is UTF-8, or there is none.
bool has_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string locale = value;
    return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos ||
           locale.find("utf-8") != std::string::npos || locale.find("UTF8") != std::string::npos;
  }
  return true;
}

// What aribusd has in its ring.
class Ring {
 public:
  explicit Ring(client::Connection client) : client_(std::move(client)) {}

  // Errors: not_connected, not_allowed, and those of aribusd.
  Result<Records> read(std::string_view name, const std::string& id) {
    Records records;
    if (target_.seq == 0) {
      const Result<Json> hello = look_over(client_, "hello");
      if (!hello) return hello.error();
      if (const auto now = bus::Cursor::parse(find_string(*hello, "cursor"))) target_ = *now;
    }
    std::string place;  // that was read to
    auto patience = Clock::now() + own_answer_timeout;
    do {
      const Result<Json> subscribed = subscribe(client_, subscription(name, id, place));
      if (!subscribed) return subscribed.error();
      for (;;) {
        auto item = client_.next(pause);
        if (!item) return item.error();
        if (!*item) break;
        take(std::move(**item), records);
      }
      const Result<Json> left = look_over(client_, "unsubscribe");
      if (!left) return left.error();
      while (!client_.notifications().empty()) {
        take(std::move(client_.notifications().front()), records);
        client_.notifications().pop_front();
      }
      if (const std::string_view now = find_string(*left, "cursor"); now != place) {
        place = now;
        patience = Clock::now() + own_answer_timeout;
      } else if (Clock::now() > patience) {
        return Error{ErrorKind::not_connected, "aribusd does not deliver its records", {}};
      }
      const auto reached = bus::Cursor::parse(place);
      if (!reached) return Error{ErrorKind::malformed, "aribusd's answer to unsubscribe has no cursor", {}};
      if (reached->stream != target_.stream || reached->seq >= target_.seq) break;
    } while (interrupted == 0);
    end_ = place;
    return records;
  }
  // The place to go on behind.
  [[nodiscard]] const std::string& end() const { return end_; }
  // The number of records that aribusd no longer has.
  [[nodiscard]] uint64_t gone() const { return gone_; }

 private:
  static std::string subscription(std::string_view name, const std::string& id, const std::string& since) {
    return render([&](JsonWriter& writer) {
      writer.StartObject();
      write_key(writer, name);
      writer.StartArray();
      write_string(writer, id);
      writer.EndArray();
      if (!since.empty()) write_member(writer, "since", since);
      write_member(writer, "from", "oldest");
      writer.EndObject();
    });
  }
  void take(client::Notification item, Records& records) {
    if (item.method == "event") records.push_back(std::move(item.params));
    const JsonValue* count = item.method == "lost" ? find(item.params, "records") : nullptr;
    if (count != nullptr && count->IsUint64()) gone_ = std::max(gone_, count->GetUint64());
  }

  client::Connection client_;
  bus::Cursor target_;
  std::string end_;
  uint64_t gone_ = 0;
};

Result<Records> read_file(const std::string& path, std::string_view name, const std::string& id) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return file_error(path);
  Records records;
  size_t number = 0;
  for (std::string line; interrupted == 0 && read_line(file, line);) {
    ++number;
    Result<Json> record = parse_own_json(line);
    if (!record || !record->IsObject()) {
      return Error{ErrorKind::malformed,
                   path + ":" + std::to_string(number) + ": no record, as 'aribus record' writes them",
                   {}};
    }
    if (lists(*record, name, id)) records.push_back(std::move(*record));
  }
  if (file.bad()) return Error{ErrorKind::internal, path + ": it can't be read; is it a folder?", {}};
  return records;
}

// A call and its records so far.
struct Found {
  std::string id;
  Records records;
};

// The call of this id, or the newest one of the channel of this id. None: `id` is empty.
Result<Found> find_call(const Source& source, const std::string& given) {
  Result<Records> records = source("calls", given);
  if (!records) return records.error();
  if (!records->empty()) return Found{given, std::move(*records)};
  records = source("channels", given);
  if (!records) return records.error();
  std::vector<std::string> calls;  // in their order
  for (const JsonValue& record : *records) {
    const auto ids = list_of(record, "calls");
    // A record of two calls does not say whose the channel is.
    if (ids.Size() != 1 || !ids.begin()->IsString()) continue;
    std::string id(as_view(*ids.begin()));
    if (std::ranges::find(calls, id) == calls.end()) calls.push_back(std::move(id));
  }
  if (calls.empty()) return Found{};
  if (calls.size() > 1) {
    std::string others;
    for (size_t i = 0; i + 1 < calls.size(); ++i) others += (i == 0 ? "" : ", ") + calls[i];
    err().line("aribus: " + given + " was in " + std::to_string(calls.size()) +
               " calls; this is the newest, the others are: " + others);
  }
  records = source("calls", calls.back());
  if (!records) return records.error();
  return Found{calls.back(), std::move(*records)};
}

// Prints the records of the call, as they come.
class Tracer {
 public:
  Tracer(bool json, bool ascii) : json_(json), ladder_(out().size().second, !ascii && has_utf8()) {}

  void meet(const JsonValue& record) { ladder_.meet(record); }
  // False when the call has ended, or the reader has closed the pipe.
  bool print(const JsonValue& record) {
    if (find_string(record, "type") == "call.ended") ended_ = true;
    if (json_) {
      out().json(record);
    } else {
      for (const Text& line : ladder_.lines(record)) out().line(line);
    }
    return out().flush() && !ended_;
  }
  void end() {
    if (json_) return;
    for (const Text& line : ladder_.end()) out().line(line);
  }
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  bool json_;
  Ladder ladder_;
  bool ended_ = false;
};

void print(Tracer& tracer, const Records& records) {
  for (const JsonValue& record : records) tracer.meet(record);
  for (const JsonValue& record : records) {
    if (!tracer.print(record) && !tracer.has_ended()) return;
  }
}

int trace_file(const Arguments& arguments, Tracer& tracer) {
  const std::string& id = arguments.words[1];
  const std::string path = arguments.value("file");
  const Result<Found> found = find_call(
      [&](std::string_view name, const std::string& one) { return read_file(path, name, one); }, id);
  if (!found) return fail(found.error());
  if (found->records.empty()) {
    return fail(Error{ErrorKind::internal,
                      path + ": no call or channel of a call has the id '" + id +
                          "' in it; 'aribus replay' shows what is in it",
                      {}});
  }
  print(tracer, found->records);
  tracer.end();
  return done;
}

int trace_daemon(const Arguments& arguments, Tracer& tracer) {
  const std::string& id = arguments.words[1];
  Result<client::Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  Ring ring(std::move(*client));
  const Result<Found> found =
      find_call([&](std::string_view name, const std::string& one) { return ring.read(name, one); }, id);
  if (!found) return fail(found.error());
  if (found->records.empty()) {
    const std::string gone = ring.gone() == 0
                                 ? ""
                                 : " It may have been in one of the " + std::to_string(ring.gone()) +
                                       " records that are gone: a larger bus.ring_bytes keeps more.";
    return fail(Error{ErrorKind::internal,
                      "aribusd has no records of a call, or of a channel of a call, with the id '" + id +
                          "'. 'aribus call state.calls' lists the live ones." + gone,
                      {}});
  }
  print(tracer, found->records);
  if (tracer.has_ended() || !arguments.has("follow")) {
    tracer.end();
    return done;
  }
  Arguments rest = arguments;
  rest.options.emplace_back("call", found->id);
  Follower follower;
  follower.begin = [&] { return Result<std::string>(ring.end()); };
  follower.take = [&](const client::Item& item) { return is_own(item.type) || tracer.print(item.fields); };
  const int code = follow(rest, {}, follower);
  tracer.end();
  return code;
}

int trace(const Arguments& arguments) {
  if (arguments.words.size() != 2) return misuse("trace", "which call or channel?");
  if (arguments.has("file") && arguments.has("follow"))
    return misuse("trace", "--follow: nothing is added to a file; leave out --file");
  catch_interrupts();
  Tracer tracer(arguments.has("json"), arguments.has("ascii"));
  return arguments.has("file") ? trace_file(arguments, tracer) : trace_daemon(arguments, tracer);
}

}  // namespace

Command trace_command() {
  return {
      "trace",
      "CALL|CHANNEL",
      "draws one call: its legs side by side, and what happened",
      "Each leg has a column, in the order in which they joined the call; time goes down, in seconds since "
      "the start of the call. CALL is the id of a call, CHANNEL that of any of its channels; of a "
      "channel's id that was used several times, the newest call is drawn. It reads the records that "
      "aribusd still has, or with --file those that 'aribus record' has written.",
      {{"file", "FILE", "a call in this recording; aribusd is not asked"},
       {"follow", "", "go on until the call has ended"},
       {"json", "", "print the records of the call, one JSON object per line"},
       {"ascii", "", "draw with ASCII alone; so it is where the locale is not UTF-8"}},
      trace};
}

}  // namespace aribus::cli
