#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <getopt.h>
#include <unistd.h>

#include "cli/call_view.h"
#include "client/connection.h"

namespace {

using aribus::Error;
using aribus::find_string;
using aribus::Json;
using aribus::JsonWriter;
using aribus::Result;
using aribus::set_member;
using aribus::write_key;
using aribus::write_member;
using aribus::write_string;
using Client = aribus::client::Connection;  // the tool ends with its connection
using aribus::client::Notification;

constexpr const char* default_socket = "/run/aribus/aribus.sock";

constexpr const char* usage =
    "Usage: aribus [--socket PATH] COMMAND …\n"
    "\n"
    "Talks to aribusd, the daemon beside Asterisk.\n"
    "\n"
    "  watch                        the calls as they happen, for people\n"
    "  events [TYPE …]              the records as they come, one JSON object a line;\n"
    "                               TYPE is a type or a glob: StasisStart 'Channel*'\n"
    "  call METHOD [PARAM …]        calls a method and prints its result as JSON;\n"
    "                               PARAM is name=text or name:=json: channelId=c1 timeout:=30\n"
    "  status                       the daemon's own state\n"
    "\n"
    "  -s, --socket PATH   the daemon's socket (default $ARIBUS_SOCKET, else /run/aribus/aribus.sock)\n"
    "      --since CURSOR  watch, events: resume after this place in the stream\n"
    "      --version       print the version and end\n"
    "  -h, --help          print this and end\n"
    "\n"
    "Examples:\n"
    "  aribus call originate endpoint=PJSIP/100 'variables:={\"LANG\":\"en\"}'\n"
    "  aribus call hangup channelId=c1 reason=normal_clearing\n"
    "  aribus events 'Channel*' | jq .type\n"
    "\n"
    "Exit status: 0 done, 1 refused or failed (the reason goes to standard error), 2 wrong arguments.\n";

struct Options {
  std::string socket;
  std::string since;
  std::vector<std::string> words;  // the command and its arguments
};

int fail(const Error& error) {
  std::fprintf(stderr, "aribus: %s\n", error.message.c_str());
  if (!error.data.empty()) std::fprintf(stderr, "%s\n", error.data.c_str());
  return 1;
}

int misuse(const std::string& message) {
  std::fprintf(stderr, "aribus: %s\nTry 'aribus --help'.\n", message.c_str());
  return 2;
}

// "name=text" and "name:=json" as the members of an object.
Result<std::string> params_of(const std::vector<std::string>& words) {
  Json params(rapidjson::kObjectType);
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error{
          aribus::ErrorKind::invalid_params, "'" + word + "': name=text or name:=json is expected", {}};
    }
    const std::string value = word.substr(equals + 1);
    if (word[equals - 1] != ':') {
      set_member(params, word.substr(0, equals), value);
      continue;
    }
    const Result<Json> json = aribus::parse_json(value);
    if (!json)
      return Error{aribus::ErrorKind::invalid_params, "'" + word + "': no JSON: " + json.error().message, {}};
    set_member(params, word.substr(0, equals - 1), *json);
  }
  return aribus::to_text(params);
}

int call(Client& client, const std::string& method, const std::vector<std::string>& words) {
  const Result<std::string> params = params_of(words);
  if (!params) return misuse(params.error().message);
  const Result<Json> result = client.call(method, *params, std::chrono::seconds(60));
  if (!result) return fail(result.error());
  std::printf("%s\n", aribus::to_text(*result).c_str());
  return 0;
}

// Subscribes and hands on every notification until the connection ends.
int follow(Client& client, const Options& options, const std::vector<std::string>& types,
           const std::function<void(const Notification&)>& show) {
  const std::string params = aribus::render([&](JsonWriter& writer) {
    writer.StartObject();
    if (!types.empty()) {
      write_key(writer, "types");
      writer.StartArray();
      for (const std::string& type : types) write_string(writer, type);
      writer.EndArray();
    }
    if (!options.since.empty()) write_member(writer, "since", options.since);
    writer.EndObject();
  });
  const Result<Json> subscribed = client.call("subscribe", params);
  if (!subscribed) return fail(subscribed.error());
  if (const auto reason = find_string(*subscribed, "reason"); !reason.empty()) {
    std::fprintf(stderr, "aribus: not resumed: %s\n", std::string(reason).c_str());
  }
  for (;;) {
    const auto notification = client.next(std::chrono::hours(1));
    if (!notification) return fail(notification.error());
    if (!*notification) continue;
    if ((*notification)->method == "lost") {
      std::fprintf(stderr, "aribus: lost: %s\n", aribus::to_text((*notification)->params).c_str());
    } else {
      show(**notification);
    }
    std::fflush(stdout);
  }
}

int watch(Client& client, const Options& options) {
  aribus::cli::CallView view(isatty(STDOUT_FILENO) != 0);
  return follow(client, options, {}, [&](const Notification& record) {
    const std::string line = view.line(record.params);
    if (!line.empty()) std::printf("%s\n", line.c_str());
  });
}

int events(Client& client, const Options& options, const std::vector<std::string>& types) {
  return follow(client, options, types, [](const Notification& record) {
    std::printf("%s\n", aribus::to_text(record.params).c_str());
  });
}

int run(const Options& options) {
  const std::string& command = options.words.front();
  const std::vector<std::string> arguments(options.words.begin() + 1, options.words.end());
  const bool known = command == "watch" || command == "events" || command == "call" || command == "status";
  if (!known) return misuse("no command '" + command + "'");
  if (command == "call" && arguments.empty()) return misuse("call: which method?");
  if ((command == "watch" || command == "status") && !arguments.empty()) {
    return misuse(command + " takes no arguments");
  }
  Result<Client> client = Client::connect(options.socket);
  if (!client) return fail(client.error());
  if (command == "watch") return watch(*client, options);
  if (command == "events") return events(*client, options, arguments);
  if (command == "status") return call(*client, "status", {});
  return call(*client, arguments.front(), {arguments.begin() + 1, arguments.end()});
}

}  // namespace

int main(int argc, char** argv) {
  enum { since_option = 1, version_option };
  static const option long_options[] = {{"socket", required_argument, nullptr, 's'},
                                        {"since", required_argument, nullptr, since_option},
                                        {"version", no_argument, nullptr, version_option},
                                        {"help", no_argument, nullptr, 'h'},
                                        {}};
  const char* from_environment = std::getenv("ARIBUS_SOCKET");
  Options options{from_environment != nullptr ? from_environment : default_socket, {}, {}};
  for (int chosen = 0; (chosen = getopt_long(argc, argv, "s:h", long_options, nullptr)) != -1;) {
    switch (chosen) {
      case 's':
        options.socket = optarg;
        break;
      case since_option:
        options.since = optarg;
        break;
      case version_option:
        std::printf("aribus %s\n", ARIBUS_VERSION);
        return 0;
      case 'h':
        std::fputs(usage, stdout);
        return 0;
      default:
        return misuse("wrong options");
    }
  }
  options.words.assign(argv + optind, argv + argc);
  if (options.words.empty()) return misuse("which command?");
  return run(options);
}
