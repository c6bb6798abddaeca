#include "state/fetched.h"

namespace aribus::state {

bool AppSubscriptions::has(IdKind kind, std::string_view id) const {
  const auto i = static_cast<size_t>(kind);
  if (all[i] || ids[i].contains(id)) return true;
  // A subscription may also name all endpoints of a technology.
  return kind == IdKind::endpoint && ids[i].contains(id.substr(0, id.find('/')));
}

const std::string* FetchedState::find(IdKind kind, std::string_view id) const {
  const auto& of_kind = objects[static_cast<size_t>(kind)];
  const auto at = of_kind.find(id);
  return at == of_kind.end() ? nullptr : &at->second;
}

std::vector<std::string> FetchedState::apps_that_list(std::string_view channel) const {
  std::vector<std::string> apps;
  for (const auto& [app, channels] : channels_of_app) {
    if (channels.contains(channel)) apps.push_back(app);
  }
  return apps;
}

bool FetchedState::hears_channel(std::string_view app, std::string_view channel) const {
  if (hear_all_channels.contains(app)) return true;
  const auto at = channels_of_app.find(app);
  return at != channels_of_app.end() && at->second.contains(channel);
}

}  // namespace aribus::state
