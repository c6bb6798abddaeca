#include "ari/versions.h"

#include <charconv>
#include <utility>
#include <vector>

namespace aribus::ari {
namespace {

std::vector<int> numbers_of(std::string_view version) {
  std::vector<int> numbers;
  const char* end = version.data() + version.size();
  for (const char* at = version.data(); at < end; ++at) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc()) break;
    numbers.push_back(number);
    at = next;
    if (at < end && *at != '.') break;
  }
  numbers.resize(3);
  return numbers;
}

}  // namespace

bool too_old_for(std::string_view version, std::string_view since, std::string_view absent_in) {
  const std::vector<int> have = numbers_of(version);
  if (have[0] == 0) return false;  // a version that can't be read (a build from a branch) may have anything
  if (!absent_in.empty()) {
    const std::vector<int> lacks = numbers_of(absent_in);
    if (have[0] < lacks[0] || (have[0] == lacks[0] && have[1] <= lacks[1])) return true;
  }
  bool later_branch = false;
  for (std::string_view rest = since; !rest.empty();) {
    const size_t space = rest.find(' ');
    const std::vector<int> came = numbers_of(rest.substr(0, space));
    rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
    if (have[0] == came[0]) return have < came;
    later_branch |= came[0] > have[0];
  }
  return later_branch;
}

Error too_old(std::string message, std::string_view since, std::string_view version) {
  return Error{ErrorKind::too_old, std::move(message), render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_member(writer, "since", since);
                 write_member(writer, "version", version);
                 writer.EndObject();
               })};
}

Result<void> check_version(const Operation& operation, const JsonValue& params, std::string_view version) {
  const auto refuse = [&](const std::string& what, std::string_view since, std::string_view absent_in) {
    const std::string from = !since.empty() ? std::string(since) : "later than " + std::string(absent_in);
    return too_old(what + " came with Asterisk " + from + "; this one is " + std::string(version), from,
                   version);
  };
  const std::string name(operation.name);
  if (too_old_for(version, operation.since, operation.absent_in)) {
    return refuse(name, operation.since, operation.absent_in);
  }
  for (const Parameter& parameter : operation.parameters) {
    if (find(params, parameter.name) != nullptr && too_old_for(version, "", parameter.absent_in)) {
      return refuse(name + ": " + std::string(parameter.name), "", parameter.absent_in);
    }
  }
  return {};
}

}  // namespace aribus::ari
