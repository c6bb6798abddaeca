#include "state/stasis.h"

#include <algorithm>

#include "json/json_tape.h"

namespace aribus::state {

DialplanPlace DialplanPlace::of(std::string_view channel) {
  JsonTape tape;
  const JsonView json = tape.read(channel);
  const JsonView dialplan = json.valid() ? json.find("dialplan") : JsonView();
  if (!dialplan.valid() || dialplan.kind() != JsonKind::object) return {};
  return {dialplan.string_at("app_name"), dialplan.string_at("app_data")};
}

std::string DialplanPlace::stasis_app() const {
  return app_name == "Stasis" ? dialplan_args(app_data).front() : std::string();
}

std::vector<std::string> dialplan_args(std::string_view app_data) {
  std::vector<std::string> args(1);
  int parentheses = 0, brackets = 0;
  bool quoted = false;
  for (size_t i = 0; i < app_data.size(); ++i) {
    const char c = app_data[i];
    if (c == '"') {
      quoted = !quoted;
      continue;
    }
    if (c == '\\') {
      if (++i < app_data.size()) args.back() += app_data[i];
      continue;
    }
    if (c == ',' && parentheses == 0 && brackets == 0 && !quoted) {
      args.emplace_back();
      continue;
    }
    if (c == '(') ++parentheses;
    if (c == ')' && parentheses > 0) --parentheses;
    if (c == '[') ++brackets;
    if (c == ']' && brackets > 0) --brackets;
    args.back() += c;
  }
  return args;
}

std::string app_of_channel(const FetchedState& fetched, const std::vector<std::string>& ours,
                           std::string_view id, std::string_view text, const Object* before) {
  // An id may be used again: then what was known is about another channel.
  if (before != nullptr && text.find(before->made) == std::string_view::npos) before = nullptr;
  const DialplanPlace place = DialplanPlace::of(text);
  const std::string last = before == nullptr ? "" : before->app;
  const bool stayed = before != nullptr && DialplanPlace::of(before->text) == place;
  if (stayed && !last.empty() && fetched.hears_channel(last, id)) return last;
  const bool broadcast = place.app_name == "StasisBroadcast";
  const std::string entered = place.stasis_app();
  if (entered.empty() && !broadcast) return "";
  std::vector<std::string> listed = fetched.apps_that_list(id);
  if (!last.empty() && stayed) {
    // It was moved away from `last`. The application that originated it stays subscribed.
    if (listed.size() > 1) std::erase(listed, entered);
  } else if (listed.size() > 1) {
    // It entered the application again since the last known event; or it was moved, and nothing says where
    // to.
    const bool again = before != nullptr && !stayed && std::ranges::find(listed, entered) != listed.end();
    listed = again ? std::vector{entered} : std::vector<std::string>();
  } else if (listed.empty() && fetched.hears_channel(entered, id)) {
    listed = {entered};  // it is subscribed to all channels
  }
  if (listed.size() != 1 || std::ranges::find(ours, listed.front()) == ours.end()) return "";
  return listed.front();
}

}  // namespace aribus::state
