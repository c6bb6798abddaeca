#include "cli/commands.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/nearest.h"
#include "cli/answers.h"
#include "cli/api_docs.h"
#include "cli/call_view.h"
#include "cli/calls_table.h"
#include "cli/methods.h"
#include "cli/output.h"
#include "cli/status_view.h"
#include "daemon/config.h"

namespace aribus::cli {
namespace {

using client::Connection;
using client::Notification;
using std::chrono::milliseconds;

constexpr milliseconds answer_timeout{60'000};  // Asterisk's own, and what a verb waits for, come before it
constexpr milliseconds own_answer_timeout{15'000};
constexpr milliseconds completion_timeout{2'000};

constexpr std::string_view plain_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_=";

volatile std::sig_atomic_t interrupted = 0;

void write_list(JsonWriter& writer, std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  write_key(writer, name);
  writer.StartArray();
  for (const std::string& value : values) write_string(writer, value);
  writer.EndArray();
}

const std::vector<Option> filters{{"exclude", "TYPE", "not these types (globs)"},
                                  {"server", "NAME", "of this Asterisk"},
                                  {"app", "NAME", "of this Stasis application"},
                                  {"channel", "ID", "about this channel"},
                                  {"bridge", "ID", "about this bridge"},
                                  {"endpoint", "ID", "about this endpoint: PJSIP/100"},
                                  {"since", "CURSOR", "from behind this place in the stream on"}};

std::vector<Option> with_filters(std::vector<Option> more) {
  more.insert(more.begin(), filters.begin(), filters.end());
  return more;
}

// The parameters of `subscribe`: each option may be given several times, the words are types.
std::string subscription(const Arguments& arguments, const std::vector<std::string>& types) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_list(writer, "types", types);
    write_list(writer, "exclude", arguments.values("exclude"));
    for (const char* name : {"server", "app", "channel", "bridge", "endpoint"}) {
      write_list(writer, std::string(name) + "s", arguments.values(name));
    }
    if (arguments.has("since")) write_member(writer, "since", arguments.value("since"));
    writer.EndObject();
  });
}

// Calls a method. Unlike in client::Connection::call(), what was sent and not answered has an unknown
// outcome, unless the daemon says that it takes nothing of this program.
Result<Json> call_over(Connection& client, std::string_view method, std::string_view params = "{}",
                       milliseconds timeout = own_answer_timeout) {
  const Result<uint64_t> id = client.send(method, params, timeout);
  if (!id) return id.error();
  Result<Json> answer = client.wait(*id, timeout);
  if (!answer && !client.is_open() && client.end().empty()) answer.error().kind = ErrorKind::outcome_unknown;
  return answer;
}

Result<Json> subscribe(Connection& client, std::string_view params) {
  Result<Json> answer = call_over(client, "subscribe", params);
  if (!answer) return answer;
  if (auto good = check_subscribed(*answer); !good) return good.error();
  return answer;
}

// Subscribes, and hands on every record until the connection ends or `use` says false.
int follow(const Arguments& arguments, const std::string& params,
           const std::function<bool(const JsonValue&)>& use) {
  Result<Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  const Result<Json> subscribed = subscribe(*client, params);
  if (!subscribed) return fail(subscribed.error());
  if (const auto reason = find_string(*subscribed, "reason"); !reason.empty()) {
    err().line(Text("aribus: not resumed: ") + reason);
  }
  if (const JsonValue* warnings = find(*subscribed, "warnings")) {
    for (const auto& text : warnings->GetArray())
      err().line("aribus: warning: " + std::string(as_view(text)));
  }
  for (;;) {
    const auto notification = client->next(milliseconds(200));
    if (interrupted != 0) return done;
    if (!notification) return fail(notification.error());
    if (!*notification) continue;
    if ((*notification)->method == "lost") {
      err().line("aribus: lost: " + harmless_json(to_text((*notification)->params)));
    } else if (!use((*notification)->params)) {
      return done;
    }
  }
}

// Asks the daemon for something of its own.
Result<Json> ask(const Arguments& arguments, std::string_view method) {
  Result<Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return client.error();
  return call_over(*client, method, "{}", answer_timeout);
}

Result<Methods> methods_of(Connection& client, milliseconds timeout = own_answer_timeout) {
  Result<Json> description = call_over(client, "rpc.discover", "{}", timeout);
  if (!description) {
    // The command that the description is for was not sent.
    const bool unknown = description.error().kind == ErrorKind::outcome_unknown;
    if (unknown) description.error().kind = ErrorKind::not_connected;
    return description.error();
  }
  return Methods::read(std::move(*description));
}

// How wide a help is: long lines are hard to read.
size_t help_columns() {
  return std::min<size_t>(out().size().second, 100);
}

// A number of bytes; nothing when the text is none.
std::optional<size_t> bytes_of(const std::string& text) {
  size_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size() || bytes == 0) return {};
  return bytes;
}

int invoke(const Arguments& arguments, const std::string& method, const std::vector<std::string>& words) {
  std::optional<size_t> most = max_line_bytes;
  if (arguments.has("max-answer")) most = bytes_of(arguments.value("max-answer"));
  if (!most) return misuse("--max-answer: a number of bytes is expected");
  Result<Connection> client = arguments.connect(*most);
  if (!client) return fail(client.error());
  std::string params = "{}";
  if (!words.empty()) {
    const Result<Methods> methods = methods_of(*client);
    if (!methods) return fail(methods.error());
    const Result<std::string> made = methods->params(method, words);
    if (!made) return misuse(made.error().message);
    params = *made;
  }
  const Result<Json> result = call_over(*client, method, params, answer_timeout);
  if (!result) return fail(result.error());
  out().json(*result);
  return done;
}

// A verb's parameters that may be given without their names, in this order; the last takes all that is left.
struct Verb {
  std::string_view name;
  std::vector<std::string_view> places;
};
const std::vector<Verb> verbs{{"originate", {"endpoint"}},
                              {"hangup", {"channelId"}},
                              {"bridge", {"channels"}},
                              {"play", {"channelId", "media"}},
                              {"transfer", {"channelId", "endpoint"}}};

void show_live(const CallsTable& table) {
  const auto [rows, columns] = out().size();
  std::vector<Text> lines = table.lines(wall_now(), rows - 2, columns);
  lines.insert(lines.begin(),
               std::to_string(table.size()) + " channels, " + to_rfc3339(wall_now()).substr(11, 8) + " UTC");
  out().show(lines);
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

int fail(const Error& error) {
  err().line("aribus: " + error.message);
  if (!error.data.empty()) err().json(error.data);
  switch (error.kind) {
    case ErrorKind::unknown_method:
    case ErrorKind::invalid_params:
      return misused;
    case ErrorKind::system:  // the socket
    case ErrorKind::not_connected:
      return not_connected;
    case ErrorKind::outcome_unknown:
      return outcome_unknown;
    case ErrorKind::not_allowed:
      return not_allowed;
    default:
      return failed;
  }
}

int misuse(const std::string& message) {
  err().line("aribus: " + message);
  err().line("Try 'aribus --help'.");
  return misused;
}

bool Arguments::has(std::string_view option) const {
  return std::ranges::any_of(options, [&](const auto& given) { return given.first == option; });
}

std::string Arguments::value(std::string_view option) const {
  const std::vector<std::string> all = values(option);
  return all.empty() ? "" : all.back();
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : options) {
    if (name == option) found.push_back(value);
  }
  return found;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      {"tail", "[TYPE …]", "the records as they come",
       "TYPE is a type or a glob: StasisStart 'Channel*'. On a terminal a line for people for each record "
       "that\n"
       "says something about a call, or for all when types are asked for; else one JSON object a line. "
       "Every\n"
       "filter may be given several times.",
       with_filters({{"json", "", "JSON lines on a terminal, too"},
                     {"text", "", "lines for people in a pipe, too"},
                     {"all", "", "lines for people for every record"}}),
       tail},
      {"calls",
       "",
       "who talks with whom, how long, in which state; live on a terminal",
       "",
       {{"once", "", "print the table once and end"}},
       calls},
      {"call",
       "METHOD [NAME=VALUE …]",
       "calls a method and prints its result as JSON",
       "VALUE becomes what the parameter takes: text, a number, true or false, JSON; NAME:=JSON is JSON in "
       "any\n"
       "case. A list may be given as JSON, or its items one by one: channels=c1 channels=c2.\n"
       "aribus call METHOD --help tells the method's parameters; aribus call --list the methods. For an "
       "operation\n"
       "of a newer Asterisk that aribus has no method for, --help tells what that Asterisk declares "
       "(server=NAME\n"
       "picks it); the access rule has to allow ari.request.",
       {{"list", "", "print the names of all methods"},
        {"max-answer", "BYTES", "the longest answer that is taken (default 134217728, 128 MiB)"}},
       call},
      {"originate",
       "ENDPOINT [NAME=VALUE …]",
       "makes a call: aribus originate PJSIP/100 callerId=200",
       "",
       {},
       verb},
      {"hangup", "CHANNEL [NAME=VALUE …]", "hangs up: aribus hangup c1 reason=user_busy", "", {}, verb},
      {"bridge", "CHANNEL … [NAME=VALUE …]", "makes a bridge of channels", "", {}, verb},
      {"play", "CHANNEL MEDIA … [NAME=VALUE …]", "plays: aribus play c1 sound:hello", "", {}, verb},
      {"transfer", "CHANNEL ENDPOINT [NAME=VALUE …]", "sends a call elsewhere", "", {}, verb},
      {"status",
       "",
       "the daemon's own state",
       "For people on a terminal, else JSON.",
       {{"json", "", "JSON on a terminal, too"}},
       status},
      {"reload",
       "",
       "has the daemon read its configuration anew, and says what came of it",
       "Exit status: 1 when there is a mistake in it, and nothing was changed.",
       {},
       reload},
      {"check",
       "[FILE]",
       "checks the daemon's configuration (" ARIBUS_CONFIG_DIR "/aribusd.yaml) and says what is wrong",
       "",
       {},
       check},
      {"doctor",
       "",
       "looks at the whole chain, and says what is wrong and how to cure it",
       "It reads the daemon's configuration (as root: the password, too), asks the daemon, and asks each "
       "Asterisk\n"
       "as the daemon would; it disturbs none of them. Exit status: 1 when something is wrong.",
       {{"config", "FILE", "the daemon's configuration (default " ARIBUS_CONFIG_DIR "/aribusd.yaml)"},
        {"asterisk-etc", "DIR", "where Asterisk's own configuration lies (default /etc/asterisk)"}},
       doctor},
      {"record", "FILE", "writes the records as they come to FILE, until it is stopped",
       "One JSON object a line, with ids and times: 'aribus replay' shows them again, aribus-sim plays them.",
       with_filters({}), record},
      {"replay",
       "FILE",
       "shows the records of FILE as 'aribus tail' would have",
       "",
       {{"speed", "FACTOR", "so many times as fast as it was; 0: at once (default 0)"},
        {"json", "", "JSON lines on a terminal, too"},
        {"text", "", "lines for people in a pipe, too"},
        {"all", "", "lines for people for every record"}},
       replay},
      {"complete", "", "", "", {}, complete},
  };
  return all;
}

const Command* find_command(std::string_view name) {
  const auto at = std::ranges::find(commands(), name, &Command::name);
  return at == commands().end() ? nullptr : &*at;
}

namespace {

// Prints records as the options say.
class Printer {
 public:
  explicit Printer(const Arguments& arguments)
      : json_(arguments.has("json") || (!arguments.has("text") && !out().is_terminal())),
        view_(arguments.has("all") || (arguments.words[0] == "tail" && arguments.words.size() > 1)) {}

  bool print(const JsonValue& record) {
    if (json_) {
      out().json(record);
    } else if (const Text line = view_.line(record); !line.empty()) {
      out().line(line);
    }
    return out().flush();
  }

 private:
  bool json_;
  CallView view_;
};

}  // namespace

int tail(const Arguments& arguments) {
  Printer printer(arguments);
  return follow(arguments, subscription(arguments, {arguments.words.begin() + 1, arguments.words.end()}),
                [&](const JsonValue& record) { return printer.print(record); });
}

namespace {

// Shows the table until it is interrupted, or the connection ends.
Result<void> watch(Connection& client, CallsTable& table) {
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      show_live(table);
      next = now + milliseconds(500);
    }
    const auto notification = client.next(milliseconds(200));
    if (interrupted != 0) return {};
    if (!notification) return notification.error();
    if (!*notification) continue;
    if ((*notification)->method != "lost") {
      table.apply((*notification)->params);
      continue;
    }
    const auto again = subscribe(client, R"({"snapshot":true})");  // begin anew
    if (!again) return again.error();
    if (const JsonValue* taken = find(*again, "snapshot")) table.take_snapshot(*taken);
  }
}

}  // namespace

int calls(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("calls takes no arguments");
  Result<Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  const auto snapshot = subscribe(*client, R"({"snapshot":true})");
  if (!snapshot) return fail(snapshot.error());
  CallsTable table;
  if (const JsonValue* taken = find(*snapshot, "snapshot")) table.take_snapshot(*taken);
  if (!out().is_terminal() || arguments.has("once")) {
    const auto [rows, columns] = out().size();
    for (const Text& line : table.lines(wall_now(), rows, columns)) out().line(line);
    return done;
  }
  catch_interrupts();
  out().open_screen();
  const Result<void> watched = watch(*client, table);
  out().close_screen();
  return watched ? done : fail(watched.error());
}

namespace {

// The help for an operation that aribus has no method for, from the declarations of the Asterisk that is
// connected.
int asterisks_help(Connection& client, const Methods& methods, const std::vector<std::string>& words) {
  const std::string& method = words[1];
  std::vector<std::string_view> known = methods.names();
  const auto unknown = [&](const std::string& why) {
    return misuse("no method '" + method + "'" + why + did_you_mean(method, known));
  };
  const auto name = operation_name(method);
  if (!name) return unknown("; 'aribus call --list' tells them");
  std::vector<std::string> request{"method=GET", "path=" + api_docs_path(name->resource)};
  for (const std::string& word : words) {
    if (word.starts_with("server=")) request.push_back(word);
  }
  const Result<std::string> params = methods.params("ari.request", request);
  if (!params) return misuse(params.error().message);
  Result<Json> declared = call_over(client, "ari.request", *params, answer_timeout);
  if (!declared && declared.error().kind == ErrorKind::refused)
    return unknown(", and Asterisk declares no resource '" + std::string(name->resource) + "'");
  if (!declared) {
    declared.error().message =
        "no method '" + method + "'; what Asterisk declares can't be read: " + declared.error().message;
    return fail(declared.error());
  }
  for (const std::string& line : operation_help(*declared, *name, help_columns())) out().line(line);
  const std::vector<std::string> operations = declared_operations(*declared, name->resource);
  if (std::ranges::find(operations, method) != operations.end()) return done;
  known.insert(known.end(), operations.begin(), operations.end());
  return unknown(", and Asterisk declares no such operation");
}

}  // namespace

int call(const Arguments& arguments) {
  const bool list = arguments.has("list"), help = arguments.has("help");
  if (!list && arguments.words.size() < 2)
    return misuse("call: which method? 'aribus call --list' tells them");
  if (!list && !help) {
    return invoke(arguments, arguments.words[1], {arguments.words.begin() + 2, arguments.words.end()});
  }
  Result<Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return fail(client.error());
  const Result<Methods> methods = methods_of(*client);
  if (!methods) return fail(methods.error());
  if (list) {
    for (const std::string_view name : methods->names()) out().line(name);
    return done;
  }
  const std::string& method = arguments.words[1];
  if (!methods->has(method)) return asterisks_help(*client, *methods, arguments.words);
  for (const std::string& line : methods->help(method, help_columns())) out().line(line);
  return done;
}

int verb(const Arguments& arguments) {
  const auto at = std::ranges::find(verbs, arguments.words[0], &Verb::name);
  std::vector<std::string> words;
  size_t place = 0;
  for (auto word = arguments.words.begin() + 1; word != arguments.words.end(); ++word) {
    const size_t equals = word->find('=');
    const bool named =
        equals != std::string::npos && equals > 0 &&
        word->find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:") == equals;
    if (named) {
      words.push_back(*word);
      continue;
    }
    words.push_back(std::string(at->places[place]) + "=" + *word);
    if (place + 1 < at->places.size()) ++place;
  }
  return invoke(arguments, arguments.words[0], words);
}

int status(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("status takes no arguments");
  const Result<Json> answer = ask(arguments, "status");
  if (!answer) return fail(answer.error());
  if (arguments.has("json") || !out().is_terminal()) {
    out().json(*answer);
    return done;
  }
  if (const auto good = check_status(*answer); !good) return fail(good.error());
  for (const Text& line : status_lines(*answer, wall_now())) out().line(line);
  return done;
}

int reload(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("reload takes no arguments");
  const Result<Json> answer = ask(arguments, "daemon.reload");
  if (!answer) return fail(answer.error());
  if (const auto good = check_reloaded(*answer); !good) return fail(good.error());
  if (find(*answer, "applied")->IsFalse()) {
    err().line("aribus: nothing was changed:");
    err().lines(find_string(*answer, "reason"));
    return failed;
  }
  const auto list = [&](const char* name, const std::string& before, const std::string& after) {
    const JsonValue* texts = find(*answer, name);
    if (texts == nullptr) return size_t{0};
    for (const auto& text : texts->GetArray()) out().line(before + std::string(as_view(text)) + after);
    return size_t{texts->Size()};
  };
  list("warnings", "warning: ", "");
  const auto told = list("changed", "", "") + list("restart", "", ": counts after a restart of aribusd");
  if (told == 0) out().line("the configuration is as it was");
  return done;
}

int check(const Arguments& arguments) {
  if (arguments.words.size() > 2) return misuse("check takes one file");
  const std::string file =
      arguments.words.size() == 2 ? arguments.words[1] : ARIBUS_CONFIG_DIR "/aribusd.yaml";
  const auto config = daemon::load_config(file, daemon::Purpose::check);
  if (!config) {
    err().lines(config.error().message);
    return failed;
  }
  for (const std::string& warning : config->warnings) out().line("warning: " + warning);
  out().line(file + ": nothing is wrong with it");
  return done;
}

int record(const Arguments& arguments) {
  if (arguments.words.size() != 2) return misuse("record: which file?");
  // Numbers and digits of callers are in it.
  const Fd made(::open(arguments.words[1].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::ofstream file(arguments.words[1], std::ios::binary);
  if (!made.valid() || !file) return fail(system_error(arguments.words[1]));
  catch_interrupts();
  uint64_t count = 0;
  auto told = std::chrono::steady_clock::now();
  const int code = follow(arguments, subscription(arguments, {}), [&](const JsonValue& record) {
    file << harmless_json(to_text(record)) << '\n';
    ++count;
    const auto now = std::chrono::steady_clock::now();
    if (now - told < std::chrono::seconds(1)) return file.good();
    told = now;
    file.flush();
    err().passing(std::to_string(count) + " records");
    return file.good();
  });
  file.flush();
  if (!file)
    return fail(Error{ErrorKind::internal, arguments.words[1] + ": writing failed: is the disk full?", {}});
  err().line(std::to_string(count) + " records in " + arguments.words[1]);
  return code;
}

namespace {

// As std::getline, but for the length: a line that is too long is cut, and so is no record.
bool read_line(std::istream& file, std::string& line) {
  line.clear();
  for (int c = 0;
       line.size() <= max_line_bytes && (c = file.rdbuf()->sbumpc()) != std::char_traits<char>::eof();) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return !line.empty();
}

}  // namespace

int replay(const Arguments& arguments) {
  if (arguments.words.size() != 2) return misuse("replay: which file?");
  char* end = nullptr;
  const std::string given = arguments.has("speed") ? arguments.value("speed") : "0";
  const double speed = std::strtod(given.c_str(), &end);
  if (*end != '\0' || given.empty() || !(speed >= 0))
    return misuse("--speed: a number from 0 on is expected");
  std::ifstream file(arguments.words[1], std::ios::binary);
  if (!file) return fail(system_error(arguments.words[1]));
  catch_interrupts();
  Printer printer(arguments);
  std::optional<WallTime> before;
  size_t number = 0;
  for (std::string line; interrupted == 0 && read_line(file, line);) {
    ++number;
    const Result<Json> record = parse_own_json(line);
    if (!record || !record->IsObject()) {
      return misuse(arguments.words[1] + ":" + std::to_string(number) +
                    ": no record, as 'aribus record' writes them");
    }
    const auto time = parse_time(find_string(*record, "time"));
    if (speed > 0 && time && before && *time > *before) {
      out().flush();
      std::this_thread::sleep_for(
          std::chrono::duration<double, std::milli>(static_cast<double>((*time - *before).count()) / speed));
    }
    if (time) before = time;
    if (!printer.print(*record)) break;
  }
  return done;
}

// For the shells: prints what may stand at the last of the words, one a line, and behind a tab what it means.
// Nothing when it can't be known. A shell puts the word into the command line as it is: what could mean
// something there is not offered.
int complete(const Arguments& arguments) {
  const std::vector<std::string> words(arguments.words.begin() + 1, arguments.words.end());
  const std::string last = words.empty() ? "" : words.back();
  const auto offer = [&](const std::string& word, std::string_view meaning) {
    const bool plain = word.find_first_not_of(plain_characters) == std::string::npos;
    if (plain && word.starts_with(last)) out().fields(word, meaning);
  };
  if (words.size() <= 1) {
    for (const Command& command : commands()) {
      if (!command.summary.empty()) offer(std::string(command.name), command.summary);
    }
    return done;
  }
  const Command* command = find_command(words.front());
  if (command == nullptr) return done;
  if (last.starts_with("-")) {
    for (const Option& option : command->options) offer("--" + std::string(option.name), option.help);
    offer("--help", "print the command's own help");
    offer("--socket", "the daemon's socket");
    return done;
  }
  if (command->run != call && command->run != verb) return done;
  Result<Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return done;
  const Result<Methods> methods = methods_of(*client, completion_timeout);
  if (!methods) return done;
  if (command->run == call && words.size() == 2) {
    for (const std::string_view name : methods->names()) offer(std::string(name), methods->summary(name));
    return done;
  }
  const std::string method = command->run == call ? words[1] : words[0];
  for (const auto& parameter : methods->parameters(method)) {
    if (parameter.name.find('=') == std::string_view::npos)
      offer(std::string(parameter.name) + "=", parameter.description);
  }
  return done;
}

}  // namespace aribus::cli
