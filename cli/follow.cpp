#include "cli/follow.h"

#include <algorithm>

#include "bus/cursor.h"
#include "cli/answers.h"
#include "cli/interrupt.h"
#include "cli/methods.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "client/client.h"

namespace aribus::cli {
namespace {

const std::vector<Option> filters{{"exclude", "TYPE", "without these types (globs)"},
                                  {"server", "NAME", "of this Asterisk"},
                                  {"app", "NAME", "of this Stasis application"},
                                  {"channel", "ID", "about this channel"},
                                  {"bridge", "ID", "about this bridge"},
                                  {"endpoint", "ID", "about this endpoint: PJSIP/100"},
                                  {"call", "ID", "about this call"},
                                  {"since", "CURSOR", "start after this position in the stream"}};

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

void write_list(JsonWriter& writer, std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  write_key(writer, name);
  writer.StartArray();
  for (const std::string& value : values) write_string(writer, value);
  writer.EndArray();
}

// The parameters of `subscribe`: each option may be given several times.
std::string subscription(const Arguments& arguments, const std::vector<std::string>& types,
                         const std::string& since, bool from_oldest) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_list(writer, "types", types);
    write_list(writer, "exclude", arguments.values("exclude"));
    for (const char* name : {"server", "app", "channel", "bridge", "endpoint", "call"}) {
      write_list(writer, std::string(name) + "s", arguments.values(name));
    }
    if (!since.empty()) write_member(writer, "since", since);
    if (from_oldest && !since.empty()) write_member(writer, "from", "oldest");
    writer.EndObject();
  });
}

std::string number_at(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsUint64() ? std::to_string(value->GetUint64()) : "?";
}

}  // namespace

bool is_own(std::string_view type) {
  return type == "subscribed" || type == "disconnected" || type == "lost";
}

std::string StreamReport::sentence(const client::Item& item, WallTime now) {
  if (item.type == "lost") {
    return number_at(item.fields, "records") +
           " records are lost: this program was too slow for them, or they "
           "were damaged on the disk (" +
           number_at(item.fields, "from") + " to " + number_at(item.fields, "to") + " of the stream)";
  }
  const std::string reason(find_string(item.fields, "reason"));
  if (item.type == "disconnected") {
    disconnected_ = true;
    return "disconnected at " + to_rfc3339(now) + ": " + reason + "; connecting again";
  }
  const bool again = std::exchange(disconnected_, false) && was_subscribed_;
  was_subscribed_ = true;
  const std::string missing = reason.empty() ? "" : "not resumed, records are missing: " + reason;
  if (!again) return missing;
  return "connected again at " + to_rfc3339(now) + ": " +
         (missing.empty() ? "no record is missing" : missing);
}

int follow(const Arguments& arguments, const std::vector<std::string>& types, const Follower& follower) {
  if (arguments.has("since") && !bus::Cursor::parse(arguments.value("since")))
    return misuse(arguments.words[0], "--since: a cursor is expected, as 8f3a1c0e52d7:1041");
  Result<client::Client> client = arguments.stay_connected();
  if (!client) return fail(client.error());
  const Result<std::string> since = follower.begin();
  if (!since) return fail(since.error());
  // After an interruption all records come that aribusd still has.
  const auto features = list_of(client->hello(), "features");
  const bool from_oldest = std::ranges::any_of(
      features, [](const JsonValue& feature) { return feature.IsString() && as_view(feature) == "from"; });
  std::string place = since->empty() ? arguments.value("since") : *since;
  if (place.empty() && from_oldest) place = find_string(client->hello(), "cursor");
  const Result<client::CallPtr> asked =
      client->send("subscribe", subscription(arguments, types, place, from_oldest), {});
  if (!asked) return fail(asked.error());
  const auto patience = Clock::now() + own_answer_timeout;
  StreamReport report;
  bool warned = false;  // about values that may never match
  while (interrupted == 0) {
    const auto& answer = (*asked)->outcome;
    if (answer && !*answer) return fail(answer->error());
    if (!answer && Clock::now() > patience)
      return fail(Error{ErrorKind::not_connected, "aribusd does not answer within 15 s", {}});
    const bool is_refused = client->why().kind == ErrorKind::not_allowed;
    if (is_refused && client->waiting_items() == 0) return fail(client->why());
    const auto item = client->next(milliseconds(200));
    if (!item) return fail(item.error());
    if (*item) {
      if ((*item)->type == "subscribed") {
        if (const auto good = check_subscribed((*item)->fields); !good) return fail(good.error());
      }
      if ((*item)->type == "subscribed" && !std::exchange(warned, true)) {
        for (const JsonValue& text : list_of((*item)->fields, "warnings")) {
          if (text.IsString()) err().line("aribus: warning: " + std::string(as_view(text)));
        }
      }
      if (is_own((*item)->type)) {
        const std::string sentence = report.sentence(**item, wall_now());
        if (!sentence.empty()) err().line("aribus: " + sentence);
      }
      if (!follower.take(**item)) return done;
    }
    if (client->waiting_items() == 0 && !follower.rest()) return done;
  }
  return done;
}

std::vector<Option> with_filters(std::vector<Option> more) {
  more.insert(more.begin(), filters.begin(), filters.end());
  return more;
}

}  // namespace aribus::cli
