#include "nats/discovery.h"

#include <algorithm>

#include "json/json_builder.h"
#include "nats/subject.h"

namespace aribus::nats {
namespace {

ObjectBuilder head(std::string_view type, const Identity& identity) {
  ObjectBuilder text;
  text.text("type", "io.nats.micro.v1." + std::string(type))
      .text("name", Identity::name)
      .text("id", identity.id)
      .text("version", identity.version)
      .json("metadata", ObjectBuilder().text("pbx", identity.pbx).str());
  return text;
}

ObjectBuilder head(const Endpoint& endpoint) {
  ObjectBuilder text;
  text.text("name", endpoint.name).text("subject", endpoint.subject).text("queue_group", endpoint.group);
  return text;
}

std::string stats_of(const Endpoint& endpoint, const std::string& data) {
  const CommandFigures& figures = *endpoint.figures;
  const uint64_t errors = figures.failed + figures.not_sent + figures.unknown;
  const uint64_t requests = figures.done + errors;
  const uint64_t took_ns = figures.took_us * 1000;
  const auto integer = [](uint64_t value) { return static_cast<int64_t>(value); };
  return head(endpoint)
      .integer("num_requests", integer(requests))
      .integer("num_errors", integer(errors))
      .text("last_error", "")
      .integer("processing_time", integer(took_ns))
      .integer("average_processing_time", integer(requests == 0 ? 0 : took_ns / requests))
      .json("data", data)
      .str();
}

}  // namespace

std::string endpoint_name(std::string_view rule) {
  std::string name = token(rule);
  std::ranges::replace(name, '%', '_');
  return name;
}

std::optional<uint64_t> behind(const DaemonState& daemon, const Published& published) {
  const Place& last = published.last;
  if (!daemon.answers || last.stream != daemon.stream || daemon.next == 0) return {};
  const uint64_t newest = daemon.next - 1;
  if (newest <= last.seq) return 0;  // `status` may be older than `last`
  return published.all ? std::optional(newest - last.seq) : std::nullopt;
}

std::string pbx_data(std::string_view pbx, const DaemonState& daemon, const Published& published) {
  ObjectBuilder text;
  text.text("pbx", pbx)
      .text("state", !daemon.answers        ? "down"
                     : daemon.ready.empty() ? "not_ready"
                                            : "ready");
  if (!daemon.answers) text.text("reason", daemon.reason);
  if (daemon.answers) text.text("aribusd", daemon.version).json("servers", daemon.servers);
  ObjectBuilder records;
  records.boolean("publishing", published.publishes);
  if (!published.publishes) records.text("reason", published.reason);
  if (!published.last.stream.empty()) records.text("last", published.last.text());
  if (const auto records_behind = behind(daemon, published))
    records.integer("behind", static_cast<int64_t>(*records_behind));
  records.integer("lost", static_cast<int64_t>(published.lost));
  return text.json("records", records.str()).str();
}

std::string ping_response(const Identity& identity) {
  return head("ping_response", identity).str();
}

std::string info_response(const Identity& identity, const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) texts.push_back(head(endpoint).json("metadata", "{}").str());
  return head("info_response", identity)
      .text("description", "PBX " + identity.pbx + ": commands for Asterisk, as JSON-RPC")
      .json("endpoints", array_text(texts))
      .str();
}

std::string stats_response(const Identity& identity, const std::vector<Endpoint>& endpoints,
                           const std::string& data) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) texts.push_back(stats_of(endpoint, data));
  return head("stats_response", identity)
      .text("started", identity.started)
      .json("endpoints", array_text(texts))
      .json("data", data)
      .str();
}

}  // namespace aribus::nats
