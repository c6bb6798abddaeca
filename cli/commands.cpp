#include "cli/commands.h"

#include <algorithm>

#include "cli/answers.h"
#include "cli/calls.h"
#include "cli/output.h"

namespace aribus::cli {
namespace {

using client::Connection;
using std::chrono::milliseconds;

// Nobody answers at the socket, though somebody holds it: systemd for a daemon that does not start, or one
// that stands still.
Error silent(const std::string& socket, milliseconds timeout) {
  return Error{ErrorKind::not_connected,
               socket + ": aribusd does not answer within " + std::to_string(timeout.count() / 1000) +
                   " s. 'systemctl status aribusd' says whether it runs, 'journalctl -u aribusd' why not, "
                   "'aribus doctor' what is wrong",
               {}};
}

const std::vector<Option> filters{{"exclude", "TYPE", "not these types (globs)"},
                                  {"server", "NAME", "of this Asterisk"},
                                  {"app", "NAME", "of this Stasis application"},
                                  {"channel", "ID", "about this channel"},
                                  {"bridge", "ID", "about this bridge"},
                                  {"endpoint", "ID", "about this endpoint: PJSIP/100"},
                                  {"since", "CURSOR", "start after this place in the stream"}};

std::vector<Option> with_filters(std::vector<Option> more) {
  more.insert(more.begin(), filters.begin(), filters.end());
  return more;
}

}  // namespace

volatile std::sig_atomic_t interrupted = 0;

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

size_t text_columns() {
  return std::min<size_t>(out().size().second, 100);
}

Result<Json> call_over(Connection& client, std::string_view method, std::string_view params,
                       milliseconds timeout) {
  const Result<uint64_t> id = client.send(method, params, timeout);
  if (!id) return id.error();
  Result<Json> answer = client.wait(*id, timeout);
  if (!answer && !client.is_open() && client.end().empty()) answer.error().kind = ErrorKind::outcome_unknown;
  return answer;
}

Result<Json> look_over(Connection& client, std::string_view method, std::string_view params) {
  Result<Json> answer = call_over(client, method, params);
  const bool unanswered = !answer && answer.error().kind == ErrorKind::outcome_unknown;
  if (unanswered) answer.error().kind = ErrorKind::not_connected;
  return answer;
}

Result<Json> subscribe(Connection& client, std::string_view params) {
  Result<Json> answer = look_over(client, "subscribe", params);
  if (!answer) return answer;
  if (auto good = check_subscribed(*answer); !good) return good.error();
  return answer;
}

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

int misuse(const std::string& command, const std::string& message) {
  err().line("aribus " + command + ": " + message);
  err().line("Try 'aribus " + command + " --help'.");
  return misused;
}

Error file_error(std::string_view what) {
  Error error = system_error(what);
  error.kind = ErrorKind::internal;  // nothing is said of the socket
  return error;
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

bool Arguments::for_people() const {
  return !has("json") && (has("text") || out().is_terminal());
}

Result<Connection> Arguments::connect(size_t max_bytes, milliseconds hello_within) const {
  Result<Connection> client = Connection::connect(socket, {.max_line_bytes = max_bytes});
  if (!client) return client;
  const Result<Json> hello = client->call("hello", "{}", hello_within);
  const JsonValue* limits = hello ? find(*hello, "limits") : nullptr;
  const JsonValue* most = limits == nullptr ? nullptr : find(*limits, "request_bytes");
  if (most != nullptr && most->IsUint64() && most->GetUint64() > 0) client->limit_requests(most->GetUint64());
  if (hello || (client->is_open() && hello.error().kind != ErrorKind::outcome_unknown)) return client;
  if (client->is_open()) return silent(socket, hello_within);
  return hello.error();
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      {"tail", "[TYPE …]", "shows the records as they come",
       "TYPE is a type or a glob: StasisStart 'Channel*'. On a terminal: a line for people for each record "
       "that says something about a call, or for every record when types are given. In a pipe: one JSON "
       "object a line. Filters may be given several times.\n"
       "When aribusd is restarted or the connection ends, tail connects again and resumes after the last "
       "record; standard error says when, and whether records are missing. It ends with Ctrl-C.",
       with_filters({{"json", "", "JSON lines on a terminal, too"},
                     {"text", "", "lines for people in a pipe, too"},
                     {"all", "", "lines for people for every record"}}),
       tail},
      {"calls",
       "",
       "who talks with whom, how long, in which state; live on a terminal",
       "In a pipe: a line with the names of the fields and a line for each call, with tabs between the "
       "fields. "
       "On a terminal: arrows, PageUp, PageDown, Home and End move, / searches, s sorts, q ends, ? shows all "
       "keys; it goes on over a restart of aribusd. Both halves of a Local channel are one call. --app, "
       "--server and --channel may be given several times.",
       {{"app", "NAME", "in this Stasis application"},
        {"server", "NAME", "of this Asterisk"},
        {"channel", "ID", "this channel"},
        {"search", "TEXT", "in which TEXT occurs: a name, a number, an id, a bridge"},
        {"sort", "COLUMN", "time, who, with, state, app, bridge, server or channel; -time: the newest first"},
        {"json", "", "print one JSON document, and end"},
        {"text", "", "print the table in a pipe, too"},
        {"once", "", "print the table once, and end"}},
       calls},
      {"call",
       "METHOD [NAME=VALUE …]",
       "calls a method and prints its result as JSON",
       "VALUE becomes what the parameter takes: text, a number, true or false, JSON; NAME:=JSON is always "
       "JSON. A list may be given as JSON, or its items one by one: channels=c1 channels=c2. On a terminal "
       "the JSON is indented, in a pipe it is one line.\n"
       "'aribus call METHOD --help' shows the method's parameters, 'aribus call --list' the methods. For "
       "an operation of a newer Asterisk that aribus has no method for, --help shows what that Asterisk "
       "declares (server=NAME picks it); the access rule has to allow ari.request.",
       {{"list", "", "print the names of all methods"},
        {"max-answer", "BYTES", "the longest answer that is taken (default 134217728, 128 MiB)"}},
       call},
      {"originate",
       "ENDPOINT [NAME=VALUE …]",
       "makes a call: aribus originate PJSIP/100 callerId=200",
       "",
       {},
       verb},
      {"hangup",
       "CHANNEL [NAME=VALUE …]",
       "hangs up a channel: aribus hangup c1 reason=user_busy",
       "",
       {},
       verb},
      {"bridge", "CHANNEL … [NAME=VALUE …]", "connects channels in a bridge", "", {}, verb},
      {"play", "CHANNEL MEDIA … [NAME=VALUE …]", "plays sounds: aribus play c1 sound:hello", "", {}, verb},
      {"transfer", "CHANNEL ENDPOINT [NAME=VALUE …]", "sends a call elsewhere", "", {}, verb},
      {"status",
       "",
       "shows the daemon's own state: its Asterisks, its records, its programs",
       "For people on a terminal, JSON in a pipe.",
       {{"json", "", "JSON on a terminal, too"}, {"text", "", "for people in a pipe, too"}},
       status},
      {"clients",
       "",
       "shows the programs that are connected or have left, what each gets, and what it lost",
       "For people on a terminal, JSON in a pipe. BEHIND is the number of records that are not yet sent to "
       "the program, LOST the number that it was too slow for. The access rule has to allow daemon.clients.",
       {{"json", "", "JSON on a terminal, too"}, {"text", "", "for people in a pipe, too"}},
       clients},
      {"pbx",
       "",
       "lists the PBXs on the bus of NATS: their Asterisks, and how far their records are behind",
       "Asks the aribus-nats of each PBX, by the program aribus-nats, which has to be installed here and "
       "need "
       "not run. For people on a terminal, JSON in a pipe. BEHIND is the number of records that are not in "
       "NATS "
       "yet, LOST the number that were gone before they could be. Exit status 3: NATS can't be reached.",
       {{"url", "URL", "of NATS, as nats://127.0.0.1:4222; several: with commas between them"},
        {"credentials", "FILE", "the credentials file, with --url"},
        {"inbox-prefix", "PREFIX", "where the user may get answers, as _INBOX_control (default _INBOX)"},
        {"config", "FILE",
         "or where and as whom, as this configuration of aribus-nats says (default "
         "/etc/aribus/nats.yaml)"},
        {"json", "", "JSON on a terminal, too"},
        {"text", "", "for people in a pipe, too"}},
       pbx},
      {"reload",
       "",
       "makes the daemon read its configuration again, and shows what has changed",
       "Exit status 1: there is a mistake in it, and nothing was changed.",
       {},
       reload},
      {"check",
       "[FILE]",
       "checks the daemon's configuration, and says what is wrong with it",
       "FILE is " ARIBUS_CONFIG_DIR "/aribusd.yaml unless it is given.",
       {},
       check},
      {"doctor",
       "",
       "checks configuration, daemon and Asterisk, and says what is wrong and how to cure it",
       "It reads the daemon's configuration (as root: the password, too), asks the daemon, and asks each "
       "Asterisk as the daemon would; it disturbs none of them. Exit status 1: something is wrong.",
       {{"config", "FILE", "the daemon's configuration (default " ARIBUS_CONFIG_DIR "/aribusd.yaml)"},
        {"asterisk-etc", "DIR", "the folder of Asterisk's own configuration (default /etc/asterisk)"}},
       doctor},
      {"record", "FILE", "writes the records as they come to FILE, until it is stopped with Ctrl-C",
       "FILE is the name of a file on this machine, not a channel: it gets events, no audio. ('aribus call "
       "record channelId=… name=… format=wav' has Asterisk record the audio of a channel.) A file that is "
       "there already is left alone without --append or --force.\n"
       "One JSON object a line, with ids and times: 'aribus replay' shows them again, aribus-sim plays "
       "them. When aribusd is restarted or the connection ends, record connects again and resumes after "
       "the last record. Records of the types record.subscribed, record.disconnected and record.lost are "
       "its own, and say when, and what is missing.",
       with_filters({{"append", "", "continue FILE after its last record"}, {"force", "", "overwrite FILE"}}),
       record},
      {"replay",
       "FILE",
       "shows the records of FILE as 'aribus tail' would have",
       "",
       {{"speed", "FACTOR", "how many times as fast as it was; 0: at once (default 0)"},
        {"json", "", "JSON lines on a terminal, too"},
        {"text", "", "lines for people in a pipe, too"},
        {"all", "", "lines for people for every record"}},
       replay},
      {"complete", "", "", "", {}, complete},
  };
  return all;
}

Result<client::Client> Arguments::stay_connected() const {
  Result<client::Client> client = client::Client::connect(
      {.path = socket, .max_line_bytes = max_line_bytes, .greeting_timeout = hello_timeout});
  if (!client && client.error().message == client::silent_daemon) return silent(socket, hello_timeout);
  return client;
}

const Command* find_command(std::string_view name) {
  const auto at = std::ranges::find(commands(), name, &Command::name);
  return at == commands().end() ? nullptr : &*at;
}

}  // namespace aribus::cli
