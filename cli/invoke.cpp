#include "cli/invoke.h"

#include <algorithm>
#include <optional>

#include "base/numbers.h"
#include "base/suggest.h"
#include "cli/api_docs.h"
#include "cli/commands.h"
#include "cli/methods.h"
#include "cli/output.h"
#include "cli/requests.h"

namespace aribus::cli {
namespace {

using client::Connection;
using std::chrono::milliseconds;

constexpr milliseconds for_ever = std::chrono::hours(24 * 10);

Result<Methods> methods_of(Connection& client) {
  Result<Json> description = look_over(client, "rpc.discover");
  return description ? Methods::read(std::move(*description)) : description.error();
}

// How long the answer may take: the end of a call, for which `wait` asks, may take as long as it takes.
milliseconds patience_for(const std::string& params) {
  const Result<Json> parsed = parse_own_json(params);
  const JsonValue* wait = parsed ? find(*parsed, "wait") : nullptr;
  return wait == nullptr || wait->IsFalse() ? command_timeout : for_ever;
}

int invoke(const Arguments& arguments, const std::string& method, const std::vector<std::string>& words) {
  const std::string command = arguments.words[0];
  std::optional<size_t> most = max_line_bytes;
  if (arguments.has("max-answer")) most = whole_number<size_t>(arguments.value("max-answer"));
  if (!most || *most == 0) return misuse(command, "--max-answer: a number of bytes is expected");
  Result<Connection> client = arguments.connect(*most);
  if (!client) return fail(client.error());
  std::string params = "{}";
  if (!words.empty()) {
    const Result<Methods> methods = methods_of(*client);
    if (!methods) return fail(methods.error());
    const Result<std::string> made = methods->params(method, words);
    if (!made) return misuse(command, made.error().message);
    params = *made;
  }
  const Result<Json> result = call_over(*client, method, params, patience_for(params));
  if (!result) return fail(result.error());
  out().json_document(*result);
  return done;
}

// The help for an operation that aribus has no method for, from the declarations of the Asterisk that is
// connected.
int asterisks_help(Connection& client, const Methods& methods, const std::vector<std::string>& words) {
  const std::string& method = words[1];
  std::vector<std::string_view> known = methods.names();
  const auto unknown = [&](const std::string& why) {
    return misuse("call", "no method '" + method + "'" + why + did_you_mean(method, known));
  };
  const auto name = operation_name(method);
  if (!name) return unknown("; 'aribus call --list' shows them");
  std::vector<std::string> request{"method=GET", "path=" + api_docs_path(name->resource)};
  for (const std::string& word : words) {
    if (word.starts_with("server=")) request.push_back(word);
  }
  const Result<std::string> params = methods.params("ari.request", request);
  if (!params) return misuse("call", params.error().message);
  Result<Json> declared = call_over(client, "ari.request", *params, command_timeout);
  if (!declared && declared.error().kind == ErrorKind::refused)
    return unknown(", and Asterisk declares no resource '" + std::string(name->resource) + "'");
  if (!declared) {
    declared.error().message =
        "no method '" + method + "'; what Asterisk declares can't be read: " + declared.error().message;
    return fail(declared.error());
  }
  for (const std::string& line : operation_help(*declared, *name, text_columns())) out().line(line);
  const std::vector<std::string> operations = declared_operations(*declared, name->resource);
  if (std::ranges::find(operations, method) != operations.end()) return done;
  known.insert(known.end(), operations.begin(), operations.end());
  return unknown(", and Asterisk declares no such operation");
}

int method_help(const Arguments& arguments, const std::string& method) {
  const auto print = [&](const Methods& methods) {
    for (const std::string& line : methods.help(method, text_columns())) out().line(line);
    return done;
  };
  if (Methods::built_in().has(method)) return print(Methods::built_in());  // without a daemon, too
  Result<Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return fail(client.error());
  const Result<Methods> methods = methods_of(*client);
  if (!methods) return fail(methods.error());
  return methods->has(method) ? print(*methods) : asterisks_help(*client, *methods, arguments.words);
}

}  // namespace

const Verb* find_verb(std::string_view name) {
  static const std::vector<Verb> verbs{{"originate", {"endpoint"}},
                                       {"hangup", {"channelId"}},
                                       {"bridge", {"channels"}},
                                       {"play", {"channelId", "media"}},
                                       {"transfer", {"channelId", "endpoint"}}};
  const auto at = std::ranges::find(verbs, name, &Verb::name);
  return at == verbs.end() ? nullptr : &*at;
}

bool is_named(std::string_view word) {
  const size_t equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:") == equals;
}

int call(const Arguments& arguments) {
  if (arguments.has("list")) {
    Result<Connection> client = arguments.connect(max_own_answer_bytes);
    if (!client) return fail(client.error());
    const Result<Methods> methods = methods_of(*client);
    if (!methods) return fail(methods.error());
    for (const std::string_view name : methods->names()) out().line(name);
    return done;
  }
  if (arguments.words.size() < 2) return misuse("call", "which method? 'aribus call --list' shows them");
  if (arguments.has("help")) return method_help(arguments, arguments.words[1]);
  return invoke(arguments, arguments.words[1], {arguments.words.begin() + 2, arguments.words.end()});
}

int verb(const Arguments& arguments) {
  const Verb* verb = find_verb(arguments.words[0]);
  std::vector<std::string> words;
  size_t place = 0;
  for (auto word = arguments.words.begin() + 1; word != arguments.words.end(); ++word) {
    if (is_named(*word)) {
      words.push_back(*word);
      continue;
    }
    words.push_back(std::string(verb->places[place]) + "=" + *word);
    if (place + 1 < verb->places.size()) ++place;
  }
  return invoke(arguments, arguments.words[0], words);
}

Command call_command() {
  return {
      "call",
      "METHOD [NAME=VALUE …]",
      "calls a method and prints its result as JSON",
      "VALUE is read as the type of the parameter: text, a number, true or false, JSON; NAME:=JSON is always "
      "JSON. A list may be given as JSON, or its items one by one: channels=c1 channels=c2. On a terminal "
      "the JSON is indented, in a pipe it is one line.\n"
      "'aribus call METHOD --help' shows the method's parameters, 'aribus call --list' the methods. For "
      "an operation of a newer Asterisk that aribus has no method for, --help shows what that Asterisk "
      "declares (server=NAME picks it); the access rule has to allow ari.request.",
      {{"list", "", "print the names of all methods"},
       {"max-answer", "BYTES", "the longest answer that is accepted (default 134217728, 128 MiB)"}},
      call};
}

std::vector<Command> verb_commands() {
  return {
      {"originate",
       "ENDPOINT [NAME=VALUE …]",
       "starts a call: aribus originate PJSIP/100 callerId=200",
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
      {"transfer", "CHANNEL ENDPOINT [NAME=VALUE …]", "transfers a call to another endpoint", "", {}, verb}};
}

}  // namespace aribus::cli
