#include "daemon/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "ari/schema.h"
#include "record/own_records.h"
#include "service/metric_families.h"

namespace aribus::daemon {
namespace {

using service::seconds;
using service::to_double;

constexpr std::string_view other_types = "other";
constexpr std::array<uint64_t, 5> lag_steps{1, 100, 1'000, 10'000, 100'000};
constexpr std::pair<state::IdKind, const char*> kinds[] = {
    {state::IdKind::channel, "channel"},   {state::IdKind::bridge, "bridge"},
    {state::IdKind::playback, "playback"}, {state::IdKind::recording, "recording"},
    {state::IdKind::endpoint, "endpoint"}, {state::IdKind::device, "device"},
};

std::string_view outcome_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed:
    case ErrorKind::invalid_request:
    case ErrorKind::invalid_params:
      return "invalid";
    case ErrorKind::unknown_method:
      return "unknown_method";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::not_connected:
      return "not_connected";
    case ErrorKind::outcome_unknown:
      return "outcome_unknown";
    case ErrorKind::not_allowed:
      return "not_allowed";
    case ErrorKind::too_much:
      return "too_much";
    case ErrorKind::too_old:
      return "too_old";
    default:
      return "internal";
  }
}

// Records by server and type. What Asterisk makes up is one type: there is no end to that.
using Counts = std::map<std::string, std::map<std::string_view, uint64_t>>;

std::string_view declared(const std::string& type) {
  if (const ari::ModelType* model = ari::find_model(type)) return model->name;
  for (const record::OwnType& own : record::own_types()) {
    if (own.name == type) return own.name;
  }
  return other_types;
}

Counts records_of(const bus::RecordLog& log) {
  Counts counts;
  for (uint16_t server = 0; server < log.counts().size(); ++server) {
    const std::vector<uint64_t>& types = log.counts()[server];
    for (uint16_t type = 0; type < types.size(); ++type) {
      if (types[type] > 0) counts[log.name(server)][declared(log.name(type))] += types[type];
    }
  }
  return counts;
}

class Collector {
 public:
  explicit Collector(const MetricSources& sources) : sources_(sources), records_(records_of(sources.log)) {
    for (const auto* upstreams : {&sources.upstreams, &sources.leaving}) {
      for (const auto& upstream : *upstreams) upstreams_.push_back(upstream.get());
    }
  }

  std::string text() {
    add_servers();
    add_records();
    add_ring();
    add_subscribers();
    add_commands();
    add_loop();
    add_process();
    return families_.text();
  }

 private:
  // One figure for each Asterisk.
  template <typename Value>
  void gauges(const char* name, const char* help, Value value) {
    for (const Upstream* upstream : upstreams_) {
      families_.gauge(name, help, value(*upstream), {{"server", upstream->name()}});
    }
  }
  template <typename Value>
  void counters(const char* name, const char* help, Value value) {
    for (const Upstream* upstream : upstreams_) {
      families_.counter(name, help, to_double(value(*upstream)), {{"server", upstream->name()}});
    }
  }
  [[nodiscard]] auto count_of(std::string_view type) {
    return [this, type](const Upstream& upstream) { return records_[upstream.name()][type]; };
  }

  void add_servers() {
    for (const Upstream* upstream : upstreams_) {
      for (const std::string_view state : Upstream::states) {
        families_.gauge("aribus_server_state", "1 for the state that the Asterisk is in, 0 for the others.",
                        upstream->state() == state ? 1 : 0,
                        {{"server", upstream->name()}, {"state", std::string(state)}});
      }
    }
    gauges("aribus_server_connected", "1 while the event stream of the Asterisk stands.",
           [](const Upstream& upstream) { return upstream.client().is_connected() ? 1.0 : 0.0; });
    for (const Upstream* upstream : upstreams_) {
      if (!upstream->client().is_connected()) continue;
      families_.gauge("aribus_server_silence_seconds",
                      "Time since the last byte of an event stream that stands.",
                      seconds(upstream->client().silence()), {{"server", upstream->name()}});
    }
    gauges("aribus_server_replaced_apps", "Applications that another client has.",
           [](const Upstream& upstream) { return to_double(upstream.client().replaced_apps().size()); });
    gauges("aribus_server_requests_open", "Requests to the Asterisk that wait for an answer.",
           [](const Upstream& upstream) { return to_double(upstream.client().open_requests()); });
    counters("aribus_server_messages_total", "Messages of the event stream.",
             [](const Upstream& upstream) { return upstream.received(); });
    counters("aribus_server_connects_total", "How often the event stream came to stand.",
             count_of("server.connected"));
    counters("aribus_server_disconnects_total", "How often the event stream ended.",
             count_of("server.disconnected"));
    counters("aribus_server_failed_attempts_total",
             "Attempts to connect that failed, and connections that were lost.",
             [](const Upstream& upstream) { return upstream.failures(); });
    counters("aribus_server_wrong_passwords_total",
             "With mode: outbound, attempts to connect with a wrong user or password.",
             [](const Upstream& upstream) { return upstream.client().wrong_passwords(); });
    counters("aribus_server_gaps_total", "Times of which events may be missing from the stream.",
             count_of("server.gap"));
    counters("aribus_server_resyncs_total", "How often what lives was read anew, and that told.",
             count_of("server.resynced"));
    for (const auto& server : sources_.dispatcher.servers()) {
      for (const auto& [kind, name] : kinds) {
        families_.gauge(
            "aribus_server_things", "What lives on the Asterisk, as far as its applications hear of it.",
            to_double(server->model().of(kind).size()), {{"server", server->name()}, {"kind", name}});
      }
    }
    for (const auto& server : sources_.dispatcher.servers()) {
      families_.counter("aribus_server_forgotten_total", "Things that were forgotten for want of room.",
                        to_double(server->model().forgotten()), {{"server", server->name()}});
    }
  }

  void add_records() {
    for (const auto& [server, types] : records_) {
      for (const auto& [type, count] : types) {
        if (count == 0) continue;
        families_.counter("aribus_records_total",
                          "Records of the stream, by type; those of unknown types are `other`.",
                          to_double(count), {{"server", server}, {"type", std::string(type)}});
      }
    }
  }

  void add_ring() {
    const bus::RecordLog& log = sources_.log;
    families_.gauge("aribus_ring_bytes", "Size of the ring.", to_double(log.ring_bytes()));
    families_.gauge("aribus_ring_used_bytes", "What of it is in use.", to_double(log.used_bytes()));
    families_.gauge("aribus_ring_records", "Records in it.", to_double(log.next() - log.first()));
    families_.gauge("aribus_stream_seq", "`seq` of the newest record.", to_double(log.next() - 1));
  }

  void add_subscribers() {
    const frontend::Server& server = sources_.server;
    const std::vector<uint64_t> behind = server.behind();
    families_.gauge("aribus_connections", "Programs that are connected.", to_double(server.connections()));
    families_.counter("aribus_connections_accepted_total", "Programs that have connected.",
                      to_double(server.accepted()));
    families_.counter("aribus_connections_turned_away_total", "Programs that were one too many.",
                      to_double(server.turned_away()));
    families_.gauge("aribus_subscribers", "Programs that have subscribed.", to_double(behind.size()));
    for (const uint64_t step : lag_steps) {
      families_.gauge(
          "aribus_subscribers_behind",
          "Subscribers that so many records or more have not been written to yet.",
          to_double(std::ranges::count_if(behind, [&](uint64_t records) { return records >= step; })),
          {{"records", std::to_string(step)}});
    }
    families_.gauge("aribus_subscriber_lag_records_max", "Records that the slowest subscriber is behind.",
                    behind.empty() ? 0 : to_double(std::ranges::max(behind)));
    families_.counter("aribus_lost_records_total",
                      "Records that were overtaken before a subscriber had them.",
                      to_double(server.session_counts().lost_records));
    families_.counter("aribus_losses_total", "How often a subscriber was told of that.",
                      to_double(server.session_counts().losses));
  }

  void add_commands() {
    const auto& calls = sources_.dispatcher.calls();
    for (const auto& [method, counts] : calls) {
      const auto add = [&, &method = method](std::string_view outcome, uint64_t count) {
        if (count == 0) return;
        families_.counter("aribus_commands_total", "Commands that were answered, by method and outcome.",
                          to_double(count), {{"method", method}, {"outcome", std::string(outcome)}});
      };
      add("done", counts.done);
      std::map<std::string_view, uint64_t> failed;
      for (const auto& [kind, count] : counts.failed) failed[outcome_of(kind)] += count;
      for (const auto& [outcome, count] : failed) add(outcome, count);
    }
    for (const auto& [method, counts] : calls) {
      families_.histogram("aribus_command_seconds", "Time until a command without wait was answered.",
                          counts.took, {{"method", method}});
    }
  }

  void add_loop() {
    families_.histogram("aribus_loop_turn_seconds",
                        "How long the loop was away from its sockets, turn by turn.",
                        sources_.meter.durations());
    families_.gauge("aribus_loop_longest_turn_lately_seconds", "The longest of the last one to two minutes.",
                    seconds(sources_.meter.longest_lately()));
  }

  void add_process() {
    families_.gauge("aribus_build_info", "1; the version is a label.", 1, {{"version", ARIBUS_VERSION}});
    families_.process(sources_.started, "Memory in use, the part of the ring in use included.");
  }

  const MetricSources& sources_;
  Counts records_;
  std::vector<const Upstream*> upstreams_;
  service::MetricFamilies families_;
};

}  // namespace

std::string metrics_text(const MetricSources& sources) {
  return Collector(sources).text();
}

}  // namespace aribus::daemon
