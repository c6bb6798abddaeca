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
    case ErrorKind::not_owner:
      return "not_owner";
    default:
      return "internal";
  }
}

// Records by server and type. All types that ARI does not declare are one: their number has no bound.
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
    for (const auto* asterisks : {&sources.asterisks, &sources.leaving}) {
      for (const auto& asterisk : *asterisks) asterisks_.push_back(asterisk.get());
    }
  }

  std::string text() {
    add_servers();
    add_calls();
    add_groups();
    add_records();
    add_ring();
    add_subscribers();
    add_commands();
    add_loop();
    add_process();
    return families_.text();
  }

 private:
  // One value for each Asterisk.
  template <typename Value>
  void gauges(const char* name, const char* help, Value value) {
    for (const pbx::Server* asterisk : asterisks_) {
      families_.gauge(name, help, value(*asterisk), {{"server", asterisk->name()}});
    }
  }
  template <typename Value>
  void counters(const char* name, const char* help, Value value) {
    for (const pbx::Server* asterisk : asterisks_) {
      families_.counter(name, help, to_double(value(*asterisk)), {{"server", asterisk->name()}});
    }
  }
  [[nodiscard]] auto count_of(std::string_view type) {
    return [this, type](const pbx::Server& asterisk) { return records_[asterisk.name()][type]; };
  }

  void add_servers() {
    for (const pbx::Server* asterisk : asterisks_) {
      for (const std::string_view state : pbx::state_names) {
        families_.gauge("aribus_server_state",
                        "1 for the current state of the Asterisk, 0 for the other states.",
                        pbx::state_name(asterisk->state()) == state ? 1 : 0,
                        {{"server", asterisk->name()}, {"state", std::string(state)}});
      }
    }
    gauges("aribus_server_connected", "1 if the event stream of the Asterisk is connected, else 0.",
           [](const pbx::Server& asterisk) { return asterisk.client().is_connected() ? 1.0 : 0.0; });
    for (const pbx::Server* asterisk : asterisks_) {
      if (!asterisk->client().is_connected()) continue;
      families_.gauge("aribus_server_silence_seconds",
                      "Time since the last byte from a connected event stream.",
                      seconds(asterisk->client().silence()), {{"server", asterisk->name()}});
    }
    gauges("aribus_server_replaced_apps", "Applications that another client has taken over.",
           [](const pbx::Server& asterisk) { return to_double(asterisk.client().replaced_apps().size()); });
    gauges("aribus_server_requests_open", "Requests to the Asterisk that have no answer yet.",
           [](const pbx::Server& asterisk) { return to_double(asterisk.client().open_requests()); });
    counters("aribus_server_messages_total", "Messages of the event stream.",
             [](const pbx::Server& asterisk) { return asterisk.received(); });
    counters("aribus_server_connects_total", "Times that the event stream was connected.",
             count_of("server.connected"));
    counters("aribus_server_disconnects_total", "Times that the event stream was disconnected.",
             count_of("server.disconnected"));
    counters("aribus_server_failed_attempts_total",
             "Attempts to connect that failed, and connections that were lost.",
             [](const pbx::Server& asterisk) { return asterisk.failures(); });
    counters("aribus_server_wrong_passwords_total",
             "With mode: outbound, attempts to connect with a wrong user or password.",
             [](const pbx::Server& asterisk) { return asterisk.client().wrong_passwords(); });
    counters("aribus_server_gaps_total", "Gaps: periods in which events may have been missed.",
             count_of("server.gap"));
    counters("aribus_server_resyncs_total", "Completed resynchronisations of the live state.",
             count_of("server.resynced"));
    for (const auto& server : sources_.dispatcher.servers()) {
      for (const auto& [kind, name] : kinds) {
        families_.gauge(
            "aribus_server_things", "Live objects of the Asterisk that its applications get events about.",
            to_double(server->model().of(kind).size()), {{"server", server->name()}, {"kind", name}});
      }
    }
    for (const auto& server : sources_.dispatcher.servers()) {
      families_.counter("aribus_server_forgotten_total",
                        "Live objects dropped because the memory limit was reached.",
                        to_double(server->model().forgotten()), {{"server", server->name()}});
    }
  }

  void add_calls() {
    gauges("aribus_server_calls", "Live calls.",
           [](const pbx::Server& asterisk) { return to_double(asterisk.model().calls().size()); });
    counters("aribus_server_calls_started_total", "Calls that have begun.",
             [](const pbx::Server& asterisk) { return asterisk.model().calls().counts().started; });
    for (const pbx::Server* asterisk : asterisks_) {
      const auto& ended = asterisk->model().calls().counts().ended;
      for (size_t how = 0; how < std::size(record::CallEnded::ways); ++how) {
        for (const bool complete : {false, true}) {
          families_.counter("aribus_server_calls_ended_total",
                            "Calls that have ended: how, and whether all of it was seen, as in `call.ended`.",
                            to_double(ended[how][complete ? 1 : 0]),
                            {{"server", asterisk->name()},
                             {"how", std::string(record::CallEnded::ways[how])},
                             {"complete", complete ? "true" : "false"}});
        }
      }
    }
  }

  void add_groups() {
    if (sources_.groups == nullptr) return;
    const std::map<std::string, groups::Stats> all = sources_.groups->stats(sources_.groups_now);
    const auto gauge = [&](const char* name, const char* help, auto value) {
      for (const auto& [group, stats] : all) families_.gauge(name, help, value(stats), {{"group", group}});
    };
    const auto counter = [&](const char* name, const char* help, uint64_t groups::Stats::*count) {
      for (const auto& [group, stats] : all)
        families_.counter(name, help, to_double(stats.*count), {{"group", group}});
    };
    gauge("aribus_group_members", "Members of the worker group, connected or away for a moment.",
          [](const auto& stats) { return to_double(stats.members); });
    gauge("aribus_group_calls", "Calls that belong to a member of the worker group.",
          [](const auto& stats) { return to_double(stats.calls); });
    gauge("aribus_group_calls_waiting", "Calls of the worker group that wait for a member.",
          [](const auto& stats) { return to_double(stats.waiting); });
    counter("aribus_group_offers_total", "Offers of calls to members of the worker group.",
            &groups::Stats::offers);
    counter("aribus_group_takeovers_total",
            "Calls of the worker group that another member got after theirs was lost.",
            &groups::Stats::takeovers);
    counter("aribus_group_fallbacks_total",
            "Calls of the worker group that no member took: the daemon ran the fallback.",
            &groups::Stats::fallbacks);
    gauge("aribus_group_oldest_offer_seconds",
          "Age of the oldest offer that is not answered yet; 0 if there is none.",
          [](const auto& stats) { return seconds(stats.oldest_offer); });
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
    families_.gauge("aribus_ring_bytes", "Size of the ring, the record log's buffer.",
                    to_double(log.ring_bytes()));
    families_.gauge("aribus_ring_used_bytes", "Part of the ring that is in use.",
                    to_double(log.used_bytes()));
    families_.gauge("aribus_ring_records", "Records in the ring.", to_double(log.next() - log.first()));
    families_.gauge("aribus_stream_seq", "`seq` of the newest record.", to_double(log.next() - 1));
  }

  void add_subscribers() {
    const session::Sessions& sessions = sources_.sessions;
    const std::vector<uint64_t> behind = sessions.behind();
    families_.gauge("aribus_connections", "Connected programs.", to_double(sessions.connections()));
    families_.counter("aribus_connections_accepted_total", "Connections accepted since the start.",
                      to_double(sessions.accepted()));
    families_.counter("aribus_connections_turned_away_total",
                      "Connections refused because the limit of connections was reached.",
                      to_double(sessions.turned_away()));
    families_.gauge("aribus_subscribers", "Connected programs with a subscription.",
                    to_double(behind.size()));
    for (const uint64_t step : lag_steps) {
      families_.gauge(
          "aribus_subscribers_behind", "Subscribers that are at least this many records behind.",
          to_double(std::ranges::count_if(behind, [&](uint64_t records) { return records >= step; })),
          {{"records", std::to_string(step)}});
    }
    families_.gauge("aribus_subscriber_lag_records_max", "Records that the slowest subscriber is behind.",
                    behind.empty() ? 0 : to_double(std::ranges::max(behind)));
    families_.counter("aribus_lost_records_total",
                      "Records that left the ring before a subscriber received them.",
                      to_double(sessions.counts().lost_records));
    families_.counter("aribus_losses_total", "`lost` notifications sent to subscribers.",
                      to_double(sessions.counts().losses));
  }

  void add_commands() {
    const auto& calls = sources_.dispatcher.calls().by_method();
    for (const auto& [method, counts] : calls) {
      const auto add = [&, &method = method](std::string_view outcome, uint64_t count) {
        if (count == 0) return;
        families_.counter("aribus_commands_total", "Answered commands, by method and outcome.",
                          to_double(count), {{"method", method}, {"outcome", std::string(outcome)}});
      };
      add("done", counts.done);
      std::map<std::string_view, uint64_t> failed;
      for (const auto& [kind, count] : counts.failed) failed[outcome_of(kind)] += count;
      for (const auto& [outcome, count] : failed) add(outcome, count);
    }
    for (const auto& [method, counts] : calls) {
      families_.histogram("aribus_command_seconds", "Time to the answer of a command without `wait`.",
                          counts.took, {{"method", method}});
    }
  }

  void add_loop() {
    families_.histogram("aribus_loop_turn_seconds",
                        "Time that each iteration of the loop took, without waiting.",
                        sources_.meter.durations());
    families_.gauge("aribus_loop_longest_turn_lately_seconds",
                    "The longest iteration of the last one to two minutes.",
                    seconds(sources_.meter.longest_lately()));
  }

  void add_process() {
    families_.gauge("aribus_build_info", "Always 1; the version is a label.", 1,
                    {{"version", ARIBUS_VERSION}});
    families_.process(sources_.started, "Memory in use, including the used part of the ring.");
  }

  const MetricSources& sources_;
  Counts records_;
  std::vector<const pbx::Server*> asterisks_;
  service::MetricFamilies families_;
};

}  // namespace

std::string metrics_text(const MetricSources& sources) {
  return Collector(sources).text();
}

}  // namespace aribus::daemon
