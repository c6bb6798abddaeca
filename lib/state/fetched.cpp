#include "state/fetched.h"

#include <algorithm>

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

bool FetchedState::is_heard(IdKind kind, std::string_view id) const {
  return std::ranges::any_of(apps,
                             [&](const auto& app) { return app.second.ours && app.second.has(kind, id); });
}

std::vector<std::string> FetchedState::apps_that_list(std::string_view channel) const {
  std::vector<std::string> listing;
  for (const auto& [name, app] : apps) {
    if (app.ids[static_cast<size_t>(IdKind::channel)].contains(channel)) listing.push_back(name);
  }
  return listing;
}

bool FetchedState::hears_channel(std::string_view app, std::string_view channel) const {
  const auto at = apps.find(app);
  return at != apps.end() && at->second.has(IdKind::channel, channel);
}

size_t FetchedState::size() const {
  size_t count = 0;
  for (const auto& of_kind : objects) count += of_kind.size();
  for (const auto& [name, app] : apps) {
    for (const auto& ids : app.ids) count += ids.size();
  }
  return count;
}

}  // namespace aribus::state
