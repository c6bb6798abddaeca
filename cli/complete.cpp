// For the shells: `aribus complete WORD …` prints what may stand in place of the last of the words, one a
// line, and behind a tab what it means; `<file>` alone where a file's name is expected; nothing when nothing
// is known. A shell puts the word into the command line as it is: what could mean something there is not
// offered.
#include <algorithm>
#include <set>

#include "ari/hangup_causes.h"
#include "ari/schema.h"
#include "cli/commands.h"
#include "cli/invoke.h"
#include "cli/methods.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "cli/terminal.h"
#include "record/own_records.h"

namespace aribus::cli {
namespace {

constexpr std::chrono::milliseconds patience{1'000};  // with the daemon

constexpr std::string_view plain_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_=/:@+,";

// What a value is one of.
enum class Kind {
  other,
  channel,
  bridge,
  playback,
  recording,
  endpoint,
  device,
  server,
  app,
  type,
  reason,
  call,
  group
};

struct Named {
  std::string_view name;
  Kind kind;
};
// Options of commands, and parameters of methods.
constexpr Named kinds[] = {
    {"app", Kind::app},
    {"application", Kind::app},
    {"applicationName", Kind::app},
    {"apps", Kind::app},
    {"bridge", Kind::bridge},
    {"bridgeId", Kind::bridge},
    {"bridges", Kind::bridge},
    {"call", Kind::call},
    {"caller", Kind::channel},
    {"calls", Kind::call},
    {"channel", Kind::channel},
    {"channelId", Kind::channel},
    {"channels", Kind::channel},
    {"deviceName", Kind::device},
    {"endpoint", Kind::endpoint},
    {"endpoints", Kind::endpoint},
    {"exclude", Kind::type},
    {"group", Kind::group},
    {"originator", Kind::channel},
    {"otherChannelId", Kind::channel},
    {"playbackId", Kind::playback},
    {"reason", Kind::reason},
    {"recordingName", Kind::recording},
    {"server", Kind::server},
    {"servers", Kind::server},
    {"types", Kind::type},
};

Kind kind_of(std::string_view name) {
  const auto* const at = std::ranges::find(kinds, name, &Named::name);
  return at == std::end(kinds) ? Kind::other : at->kind;
}

// Of a parameter. The id of a new object is not one that exists already.
Kind kind_of(const std::string& method, std::string_view parameter) {
  const std::string maker = method.ends_with("WithId") ? method.substr(0, method.size() - 6) : method;
  if (parameter == client::chosen_id(maker)) return Kind::other;
  if (parameter == "id" && method == "state.channels") return Kind::channel;
  if (parameter == "id" && method == "state.bridges") return Kind::bridge;
  if (parameter == "reason" && method != "hangup" && method != "channels.hangup") return Kind::other;
  return kind_of(parameter);
}

// The words of a command line, all but the last of them taken apart.
struct Line {
  Arguments arguments;
  const Command* command = nullptr;
  std::string waiting;  // the option whose value is the last word; "": none
  std::string last;
};

Line taken_apart(const Arguments& given) {
  Line line;
  line.arguments = given;
  line.arguments.words.clear();
  if (given.words.size() > 1) line.last = given.words.back();
  for (size_t i = 1; i + 1 < given.words.size(); ++i) {
    const std::string& word = given.words[i];
    if (line.waiting == "socket") line.arguments.socket = word;
    if (!line.waiting.empty()) {
      line.waiting.clear();
    } else if (word == "-s" || word == "--socket") {
      line.waiting = "socket";
    } else if (word.starts_with("--socket=")) {
      line.arguments.socket = word.substr(word.find('=') + 1);
    } else if (word.starts_with("--") && line.command != nullptr) {
      const auto option = std::ranges::find(line.command->options, word.substr(2), &Option::name);
      if (option != line.command->options.end() && !option->value.empty()) line.waiting = option->name;
    } else if (!word.starts_with("-") && line.command == nullptr) {
      line.command = find_command(word);
      line.arguments.words.push_back(word);
    } else if (!word.starts_with("-")) {
      line.arguments.words.push_back(word);
    }
  }
  return line;
}

class Completion {
 public:
  explicit Completion(Line line) : line_(std::move(line)) {}

  void run() {
    const std::string& last = line_.last;
    const size_t equals = last.find('=');
    if (!line_.waiting.empty()) return option_value(line_.waiting, "");
    if (last.starts_with("--") && equals != std::string::npos)
      return option_value(last.substr(2, equals - 2), last.substr(0, equals + 1));
    if (last.starts_with("-")) return options();
    if (line_.arguments.words.empty()) return names_of_commands();
    if (line_.command == nullptr) return;
    if (line_.command->arguments.find("FILE") != std::string_view::npos) return file();
    if (line_.command->name == "tail") return values(Kind::type, "");
    if (line_.command->name == "groups") {
      if (line_.arguments.words.size() == 1) values(Kind::group, "");
      return;
    }
    if (line_.command->name == "trace") {
      if (line_.arguments.words.size() > 1) return;
      values(Kind::call, "");
      return values(Kind::channel, "");
    }
    if (line_.command->name == "call") return words_of_call();
    if (const Verb* verb = find_verb(line_.command->name)) words_of_verb(*verb);
  }

 private:
  void offer(const std::string& word, std::string_view meaning = {}) {
    const bool plain = word.find_first_not_of(plain_characters) == std::string::npos;
    if (plain && word.starts_with(line_.last) && offered_.insert(word).second) out().fields(word, meaning);
  }
  // A value behind `before`, as "reason=". It is no option.
  void offer_value(const std::string& before, std::string_view value, std::string_view meaning = {}) {
    const bool is_option = before.empty() && value.starts_with('-');
    if (!value.empty() && !is_option) offer(before + std::string(value), meaning);
  }
  static void file() { out().line("<file>"); }

  void names_of_commands() {
    for (const Command& command : commands()) {
      if (!command.summary.empty()) offer(std::string(command.name), command.summary);
    }
  }

  void options() {
    if (line_.command != nullptr) {
      for (const Option& option : line_.command->options) offer("--" + std::string(option.name), option.help);
    }
    offer("--help", "print what the command does and takes");
    offer("--socket", "the daemon's socket");
  }

  void option_value(const std::string& name, const std::string& before) {
    const Option socket{"socket", "PATH", ""};
    const Option* option = name == socket.name ? &socket : nullptr;
    if (line_.command != nullptr) {
      const auto at = std::ranges::find(line_.command->options, name, &Option::name);
      if (at != line_.command->options.end()) option = &*at;
    }
    if (option == nullptr) return;
    if (option->value == "PATH" || option->value == "FILE" || option->value == "DIR") return file();
    values(kind_of(name), before);
  }

  void words_of_call() {
    const Methods& methods = Methods::built_in();
    if (line_.arguments.words.size() < 2) {
      for (const std::string_view name : methods.names()) offer(std::string(name), methods.summary(name));
      return;
    }
    parameters(line_.arguments.words[1], {line_.arguments.words.begin() + 2, line_.arguments.words.end()},
               "");
  }

  void words_of_verb(const Verb& verb) {
    const std::vector<std::string> words(line_.arguments.words.begin() + 1, line_.arguments.words.end());
    const auto before = static_cast<size_t>(
        std::ranges::count_if(words, [](const std::string& word) { return !is_named(word); }));
    // The last place takes all that is left where its parameter is a list.
    const bool has_room = before < verb.places.size() || verb.name == "bridge";
    const size_t place = std::min(before, verb.places.size() - 1);
    parameters(std::string(verb.name), words, has_room ? verb.places[place] : "");
  }

  // NAME= of the parameters that are not given yet, or the values of one. The values of `place` may stand
  // alone.
  void parameters(const std::string& method, const std::vector<std::string>& given, std::string_view place) {
    const size_t equals = line_.last.find('=');
    for (const Methods::Parameter& parameter : Methods::built_in().parameters(method)) {
      const std::string before = std::string(parameter.name) + "=";
      if (equals != std::string::npos) {
        if (line_.last.starts_with(before)) parameter_values(method, parameter, before);
        continue;
      }
      if (parameter.name == place) parameter_values(method, parameter, "");
      const bool is_given =
          std::ranges::any_of(given, [&](const std::string& word) { return word.starts_with(before); });
      if (!is_given) offer(before, parameter.description);
    }
  }

  void parameter_values(const std::string& method, const Methods::Parameter& parameter,
                        const std::string& before) {
    const std::vector<std::string> declared = Methods::values_of(parameter);
    for (const std::string& value : declared) offer_value(before, value);
    if (declared.empty()) values(kind_of(method, parameter.name), before);
  }

  void values(Kind kind, const std::string& before) {
    switch (kind) {
      case Kind::channel:
        return live("state.channels", "channels", "channel", before);
      case Kind::bridge:
        return live("state.bridges", "bridges", "bridge", before);
      case Kind::playback:
        return live("state.playbacks", "playbacks", "playback", before);
      case Kind::recording:
        return live("state.recordings", "recordings", "recording", before);
      case Kind::endpoint:
        return live("state.endpoints", "endpoints", "endpoint", before);
      case Kind::device:
        return live("state.devices", "devices", "device_state", before);
      case Kind::server:
      case Kind::app:
        return of_status(kind, before);
      case Kind::type:
        for (const std::string_view type : record::known_types()) offer_value(before, type);
        return;
      case Kind::reason:
        for (const ari::Cause& cause : ari::causes()) {
          if (!cause.reason.empty()) offer_value(before, cause.reason, cause.text);
        }
        return;
      case Kind::call:
        return live_calls(before);
      case Kind::group:
        return worker_groups(before);
      case Kind::other:
        break;
    }
  }

  // The daemon's answer; nothing when it does not come in time.
  [[nodiscard]] std::optional<Json> asked(std::string_view method) const {
    Result<client::Connection> client = line_.arguments.connect(max_own_answer_bytes, patience);
    if (!client) return {};
    Result<Json> answer = call_over(*client, method, "{}", patience);
    return answer ? std::optional(std::move(*answer)) : std::nullopt;
  }

  void live(std::string_view method, std::string_view list, std::string_view member,
            const std::string& before) {
    const std::optional<Json> answer = asked(method);
    if (!answer) return;
    for (const JsonValue& item : list_of(*answer, list)) {
      const JsonValue* object = find(item, member);
      if (object == nullptr) continue;
      const std::string_view state = find_string(*object, "state");
      const std::string_view name = find_string(*object, "name");
      if (member == "channel") {
        offer_value(before, find_string(*object, "id"), who_is(*object) + ", " + std::string(state));
      } else if (member == "bridge") {
        offer_value(before, find_string(*object, "id"),
                    std::string(name) + (name.empty() ? "" : ", ") +
                        counted(list_of(*object, "channels").Size(), "channel"));
      } else if (member == "playback") {
        offer_value(before, find_string(*object, "id"), find_string(*object, "media_uri"));
      } else if (member == "endpoint") {
        offer_value(before,
                    std::string(find_string(*object, "technology")) + "/" +
                        std::string(find_string(*object, "resource")),
                    state);
      } else {
        offer_value(before, name, state);
      }
    }
  }

  void live_calls(const std::string& before) {
    const std::optional<Json> answer = asked("state.calls");
    if (!answer) return;
    const auto side = [](const JsonValue& call, std::string_view name) {
      const JsonValue* party = find(call, name);
      return party == nullptr ? std::string() : std::string(find_string(*party, "number"));
    };
    for (const JsonValue& item : list_of(*answer, "calls")) {
      const JsonValue* call = find(item, "call");
      if (call == nullptr) continue;
      offer_value(before, find_string(*call, "id"),
                  std::string(find_string(*call, "direction")) + ", " + side(*call, "from") + " to " +
                      side(*call, "to"));
    }
  }

  void worker_groups(const std::string& before) {
    const std::optional<Json> answer = asked("group.list");
    if (!answer) return;
    for (const JsonValue& group : list_of(*answer, "groups")) {
      offer_value(before, find_string(group, "name"),
                  counted(list_of(group, "members").Size(), "member") + ", " +
                      counted(list_of(group, "calls").Size() + number_of(group, "more"), "call"));
    }
  }

  void of_status(Kind kind, const std::string& before) {
    const std::optional<Json> answer = asked("status");
    if (!answer) return;
    for (const JsonValue& server : list_of(*answer, "servers")) {
      if (kind == Kind::server)
        offer_value(before, find_string(server, "name"), find_string(server, "state"));
      for (const JsonValue& app : list_of(server, "apps")) {
        if (kind == Kind::app && app.IsString())
          offer_value(before, as_view(app), find_string(server, "name"));
      }
    }
  }

  Line line_;
  std::set<std::string> offered_;
};

}  // namespace

int complete(const Arguments& arguments) {
  Completion(taken_apart(arguments)).run();
  return done;
}

Command complete_command() {
  return {"complete", "", "", "", {}, complete};
}

}  // namespace aribus::cli
