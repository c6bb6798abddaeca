#include "cli/call_rows.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <unicase.h>

#include "cli/output.h"

namespace aribus::cli {
namespace {

constexpr std::array<std::string_view, 8> order_names{"time", "who",    "with",   "state",
                                                      "app",  "bridge", "server", "channel"};

// The text without the difference of upper and lower case, and of the ways to compose a character.
std::string folded(std::string_view text) {
  const std::string valid = harmless(text);
  size_t size = 0;
  const std::unique_ptr<uint8_t, decltype(&std::free)> out(
      u8_casefold(reinterpret_cast<const uint8_t*>(valid.data()), valid.size(), nullptr, UNINORM_NFC, nullptr,
                  &size),
      &std::free);
  return out ? std::string(reinterpret_cast<const char*>(out.get()), size) : valid;
}

bool among(const std::vector<std::string>& values, const std::string& one) {
  return std::ranges::find(values, one) != values.end();
}

std::string seconds_of(const CallRow& row, WallTime now) {
  return std::to_string(std::max<int64_t>((now - row.began).count() / 1000, 0));
}

const std::string& key_of(const CallRow& row, CallOrder::By by) {
  switch (by) {
    case CallOrder::By::who:
      return row.who;
    case CallOrder::By::with:
      return row.with;
    case CallOrder::By::state:
      return row.state;
    case CallOrder::By::app:
      return row.app;
    case CallOrder::By::bridge:
      return row.bridge_name.empty() ? row.bridge_id : row.bridge_name;
    case CallOrder::By::server:
      return row.server;
    case CallOrder::By::channel:
    case CallOrder::By::time:
      break;
  }
  return row.channels.front();
}

}  // namespace

std::string CallRow::bridge() const {
  const std::string& shown = bridge_name.empty() ? bridge_id : bridge_name;
  return bridge_type.empty() || bridge_type == "mixing" ? shown : shown + " (" + bridge_type + ")";
}

bool CallFilter::matches(const CallRow& row) const {
  if (!servers.empty() && !among(servers, row.server)) return false;
  if (!apps.empty() && !among(apps, row.app)) return false;
  const auto wanted = [&](const std::string& id) { return among(channels, id); };
  if (!channels.empty() && std::ranges::none_of(row.channels, wanted)) return false;
  if (search.empty()) return true;
  const std::string wanted_text = folded(search);
  const auto has = [&](const std::string& text) {
    return folded(text).find(wanted_text) != std::string::npos;
  };
  return std::ranges::any_of(row.channels, has) || has(row.server) || has(row.name) || has(row.who) ||
         has(row.with) || has(row.state) || has(row.app) || has(row.bridge_id) || has(row.bridge_name) ||
         has(row.bridge_type);
}

std::string CallFilter::text() const {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const std::string& name : servers) add("server=" + name);
  for (const std::string& name : apps) add("app=" + name);
  for (const std::string& id : channels) add("channel=" + id);
  if (!search.empty()) add("/" + search);
  return out;
}

std::optional<CallOrder> CallOrder::read(std::string_view text) {
  const bool reversed = text.starts_with('-');
  const auto* at = std::ranges::find(order_names, text.substr(reversed ? 1 : 0));
  if (at == order_names.end()) return {};
  return CallOrder{static_cast<By>(at - order_names.begin()), reversed};
}

std::string CallOrder::text() const {
  return (reversed ? "-" : "") + std::string(order_names[static_cast<size_t>(by)]);
}

CallOrder CallOrder::next() const {
  return {static_cast<By>((static_cast<size_t>(by) + 1) % order_names.size()), false};
}

void CallOrder::sort(std::vector<CallRow>& rows) const {
  std::ranges::sort(rows, [&](const CallRow& left, const CallRow& right) {
    const CallRow& a = reversed ? right : left;
    const CallRow& b = reversed ? left : right;
    if (by != By::time) {
      if (const int order = key_of(a, by).compare(key_of(b, by)); order != 0) return order < 0;
    }
    return std::tie(a.began, a.server, a.channels) < std::tie(b.began, b.server, b.channels);
  });
}

const std::vector<std::string>& call_field_names() {
  static const std::vector<std::string> names{"CHANNEL", "WHO",    "WITH", "STATE",  "SECONDS", "BEGAN",
                                              "APP",     "SERVER", "NAME", "BRIDGE", "TYPE",    "HALF"};
  return names;
}

std::vector<std::string> call_fields(const CallRow& row, WallTime now) {
  return {row.channels.front(),
          row.who,
          row.with,
          row.state,
          seconds_of(row, now),
          to_rfc3339(row.began),
          row.app,
          row.server,
          row.name,
          row.bridge_name.empty() ? row.bridge_id : row.bridge_name,
          row.bridge_type,
          row.channels.size() > 1 ? row.channels[1] : ""};
}

std::string calls_json(const std::vector<CallRow>& rows, size_t all, std::string_view cursor, WallTime now) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "cursor", cursor);
    write_key(writer, "all");
    writer.Uint64(all);
    write_key(writer, "calls");
    writer.StartArray();
    for (const CallRow& row : rows) {
      writer.StartObject();
      write_member(writer, "server", row.server);
      write_key(writer, "channels");
      writer.StartArray();
      for (const std::string& id : row.channels) write_string(writer, id);
      writer.EndArray();
      write_member(writer, "name", row.name);
      write_member(writer, "who", row.who);
      write_member(writer, "with", row.with);
      write_member(writer, "state", row.state);
      write_member(writer, "began", to_rfc3339(row.began));
      write_key(writer, "seconds");
      write_raw(writer, seconds_of(row, now));
      write_member(writer, "app", row.app);
      if (!row.bridge_id.empty()) {
        write_key(writer, "bridge");
        writer.StartObject();
        write_member(writer, "id", row.bridge_id);
        write_member(writer, "name", row.bridge_name);
        write_member(writer, "type", row.bridge_type);
        writer.EndObject();
      }
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
  });
}

}  // namespace aribus::cli
