#include "config/aribusd/apps.h"

#include <algorithm>

namespace aribus::config {

std::string read_app(const YamlValue& value) {
  std::string app = value.string();
  if (app.find(',') != std::string::npos)
    value.fail("the name of one application, without a comma, is expected");
  return app;
}

std::vector<std::string> read_apps(const YamlValue& value, Reading& reading) {
  std::vector<std::string> apps;
  value.each("at least one application is expected", [&](const YamlValue& item) {
    std::string app = read_app(item);
    warn_of_blanks(item, app, reading);
    if (std::ranges::find(apps, app) != apps.end())
      return reading.warn(item, "the application '" + app + "' is listed twice, and counts once");
    apps.push_back(std::move(app));
  });
  return apps;
}

void warn_of_blanks(const YamlValue& value, const std::string& name, Reading& reading) {
  if (name.starts_with(' ') || name.ends_with(' '))
    reading.warn(value, "it begins or ends with a blank, which belongs to it; is that meant?");
}

}  // namespace aribus::config
