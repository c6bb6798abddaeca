#include "cli/call_rows.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <tuple>

#include <unicase.h>

#include "cli/output.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr std::array<std::string_view, 9> order_names{"time", "who",    "called", "with",   "state",
                                                      "app",  "bridge", "server", "channel"};

// The text without the difference of upper and lower case, and of the ways to compose a character.
std::string folded(std::string_view text) {
  const auto is_plain = [](char c) { return c >= ' ' && c < 0x7F; };
  if (std::ranges::all_of(text, is_plain)) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
  }
  const std::string valid = harmless(text);
  size_t size = 0;
  const std::unique_ptr<uint8_t, decltype(&std::free)> out(
      u8_casefold(reinterpret_cast<const uint8_t*>(valid.data()), valid.size(), nullptr, UNINORM_NFC, nullptr,
                  &size),
      &std::free);
  return out ? std::string(reinterpret_cast<const char*>(out.get()), size) : valid;
}

bool among(const std::vector<std::string>& values, const std::string& one) {
  return values.empty() || std::ranges::find(values, one) != values.end();
}

std::string seconds_of(const LegRow& leg, WallTime now) {
  return std::to_string(std::max<int64_t>((now - leg.began).count() / 1000, 0));
}

const std::string& name_of_bridge(const LegRow& leg) {
  return leg.bridge_name.empty() ? leg.bridge_id : leg.bridge_name;
}

const std::string& key_of(const CallLine& line, CallOrder::By by) {
  switch (by) {
    case CallOrder::By::who:
      return line.who();
    case CallOrder::By::called:
      return line.call->called;
    case CallOrder::By::with:
      return line.first().with;
    case CallOrder::By::state:
      return line.state();
    case CallOrder::By::app:
      return line.app();
    case CallOrder::By::bridge:
      return name_of_bridge(line.first());
    case CallOrder::By::server:
      return line.first().server;
    case CallOrder::By::channel:
    case CallOrder::By::time:
      break;
  }
  return line.first().channel;
}

void write_party(JsonWriter& writer, std::string_view name, const record::Party& party) {
  write_key(writer, name);
  writer.StartObject();
  write_member(writer, "name", party.name);
  write_member(writer, "number", party.number);
  writer.EndObject();
}

void write_bool(JsonWriter& writer, std::string_view name, bool value) {
  write_key(writer, name);
  writer.Bool(value);
}

void write_leg(JsonWriter& writer, const LegRow& leg) {
  write_member(writer, "name", leg.name);
  write_member(writer, "who", leg.who);
  write_member(writer, "with", leg.with);
  write_member(writer, "state", leg.state);
  write_member(writer, "began", to_rfc3339(leg.began));
}

void write_place(JsonWriter& writer, const LegRow& leg) {
  write_member(writer, "app", leg.app);
  if (leg.bridge_id.empty()) return;
  write_key(writer, "bridge");
  writer.StartObject();
  write_member(writer, "id", leg.bridge_id);
  write_member(writer, "name", leg.bridge_name);
  write_member(writer, "type", leg.bridge_type);
  writer.EndObject();
}

void write_call(JsonWriter& writer, const CallRow& call) {
  write_key(writer, "call");
  writer.StartObject();
  write_member(writer, "id", call.id);
  write_member(writer, "direction", call.direction);
  write_party(writer, "from", call.from);
  write_party(writer, "to", call.to);
  write_member(writer, "state", call.state);
  write_member(writer, "started", to_rfc3339(call.started));
  if (call.answered) write_member(writer, "answered", to_rfc3339(*call.answered));
  write_bool(writer, "complete", call.complete);
  write_key(writer, "legs");
  writer.StartArray();
  for (const LegRow& leg : call.legs) {
    writer.StartObject();
    write_member(writer, "channel", leg.channel);
    write_leg(writer, leg);
    write_bool(writer, "held", leg.held);
    write_place(writer, leg);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

}  // namespace

std::string LegRow::bridge() const {
  const std::string& shown = name_of_bridge(*this);
  return bridge_type.empty() || bridge_type == "mixing" ? shown : shown + " (" + bridge_type + ")";
}

const std::string& CallRow::app() const {
  const auto in_one = std::ranges::find_if(legs, [](const LegRow& leg) { return !leg.app.empty(); });
  return in_one == legs.end() ? legs.front().app : in_one->app;
}

const std::string& CallLine::state() const {
  return leg != nullptr || call->id.empty() ? first().state : call->state;
}

WallTime CallLine::began() const {
  return leg != nullptr || call->id.empty() ? first().began : call->started;
}

bool CallFilter::matches(const CallRow& call, const LegRow& leg, std::string_view folded_search) const {
  if (!among(servers, leg.server) || !among(apps, leg.app) || !among(channels, leg.channel)) return false;
  if (folded_search.empty()) return true;
  const auto has = [&](const std::string* text) {
    return folded(*text).find(folded_search) != std::string::npos;
  };
  const std::initializer_list<const std::string*> texts{
      &leg.channel, &leg.who,    &leg.name,      &leg.with,        &leg.state,
      &leg.app,     &leg.server, &leg.bridge_id, &leg.bridge_name, &leg.bridge_type,
      &call.id,     &call.who,   &call.called,   &call.state,      &call.direction};
  return std::ranges::any_of(texts, has);
}

bool CallFilter::matches(const CallLine& line) const {
  const std::string wanted = folded(search);
  if (line.leg != nullptr) return matches(*line.call, *line.leg, wanted);
  return std::ranges::any_of(line.call->legs,
                             [&](const LegRow& leg) { return matches(*line.call, leg, wanted); });
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

void CallOrder::sort(std::vector<CallLine>& lines) const {
  std::ranges::sort(lines, [&](const CallLine& left, const CallLine& right) {
    const CallLine& a = reversed ? right : left;
    const CallLine& b = reversed ? left : right;
    if (by != By::time) {
      if (const int order = key_of(a, by).compare(key_of(b, by)); order != 0) return order < 0;
    }
    const LegRow &first = a.first(), &other = b.first();
    return std::tuple(a.began(), std::string_view(first.server), std::string_view(first.channel)) <
           std::tuple(b.began(), std::string_view(other.server), std::string_view(other.channel));
  });
}

std::vector<CallLine> lines_of_calls(const std::vector<CallRow>& calls, const CallFilter& filter,
                                     const CallOrder& order) {
  std::vector<CallLine> lines;
  for (const CallRow& call : calls) {
    if (filter.matches({&call})) lines.push_back({&call});
  }
  order.sort(lines);
  return lines;
}

std::vector<CallLine> lines_of_legs(const std::vector<CallRow>& calls, const CallFilter& filter,
                                    const CallOrder& order) {
  std::vector<CallLine> lines;
  for (const CallRow& call : calls) {
    for (const LegRow& leg : call.legs) {
      if (filter.matches({&call, &leg})) lines.push_back({&call, &leg});
    }
  }
  order.sort(lines);
  return lines;
}

std::vector<CallLine> with_legs(const std::vector<CallLine>& calls,
                                const std::function<bool(const CallRow&)>& is_open) {
  std::vector<CallLine> lines;
  for (const CallLine& line : calls) {
    lines.push_back(line);
    if (line.call->id.empty() || !is_open(*line.call)) continue;
    for (const LegRow& leg : line.call->legs) lines.push_back({line.call, &leg});
  }
  return lines;
}

const std::vector<std::string>& leg_field_names() {
  static const std::vector<std::string> names{"CHANNEL", "WHO",       "WITH", "STATE",  "SECONDS",  "BEGAN",
                                              "APP",     "SERVER",    "NAME", "BRIDGE", "TYPE",     "HALF",
                                              "CALL",    "DIRECTION", "FROM", "TO",     "CALLSTATE"};
  return names;
}

std::vector<std::string> leg_fields(const CallLine& line, WallTime now) {
  const LegRow& leg = line.first();
  const CallRow& call = *line.call;
  return {leg.channel,
          leg.who,
          leg.with,
          leg.state,
          seconds_of(leg, now),
          to_rfc3339(leg.began),
          leg.app,
          leg.server,
          leg.name,
          name_of_bridge(leg),
          leg.bridge_type,
          leg.half,
          call.id,
          call.direction,
          party_text(call.from.name, call.from.number),
          party_text(call.to.name, call.to.number),
          call.state};
}

std::string calls_json(const std::vector<CallLine>& calls, size_t all, std::string_view cursor,
                       WallTime now) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "cursor", cursor);
    write_key(writer, "all");
    writer.Uint64(all);
    write_key(writer, "calls");
    writer.StartArray();
    for (const CallLine& line : calls) {
      const CallRow& call = *line.call;
      const LegRow& first = call.legs.front();
      writer.StartObject();
      write_member(writer, "server", first.server);
      write_key(writer, "channels");
      writer.StartArray();
      for (const LegRow& leg : call.legs) write_string(writer, leg.channel);
      writer.EndArray();
      write_leg(writer, first);
      write_key(writer, "seconds");
      write_raw(writer, seconds_of(first, now));
      write_place(writer, first);
      if (!call.id.empty()) write_call(writer, call);
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
  });
}

}  // namespace aribus::cli
