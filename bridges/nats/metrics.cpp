#include "nats/metrics.h"

#include <utility>

#include "nats/discovery.h"
#include "service/metric_families.h"

namespace aribus::nats {
namespace {

using service::MetricFamilies;
using service::to_double;

void add_records(MetricFamilies& families, const PublisherFigures& figures, const Published& published,
                 const DaemonState& daemon) {
  families.gauge("aribus_nats_publishing", "1 while records are published.", figures.publishes ? 1 : 0);
  families.counter("aribus_nats_records_stored_total", "Messages that JetStream has acknowledged.",
                   to_double(figures.stored));
  families.counter("aribus_nats_records_lost_total",
                   "Records that left aribusd's ring before they were published.", to_double(figures.lost));
  families.counter("aribus_nats_records_truncated_total",
                   "Records that were too large for a NATS message, published cut short.",
                   to_double(figures.truncated));
  families.counter("aribus_nats_restarts_total",
                   "Times that publishing was restarted from the end of the stream in NATS.",
                   to_double(figures.restarts));
  families.gauge("aribus_nats_records_under_way", "Messages sent and not acknowledged yet.",
                 to_double(figures.under_way));
  families.gauge("aribus_nats_stored_seq", "`seq` of the last record that is known to be in NATS.",
                 to_double(published.last.seq));
  if (const auto records = behind(daemon, published)) {
    families.gauge("aribus_nats_records_behind", "Records of aribusd that are not stored in NATS yet.",
                   to_double(*records));
  }
}

void add_commands(MetricFamilies& families, const Service& service) {
  constexpr std::pair<Address, const char*> addresses[] = {{Address::pbx, "pbx"}, {Address::any, "any"}};
  for (const auto& rule : service.rules()) {
    families.gauge("aribus_nats_rule_connected",
                   "1 while aribusd takes commands of the rule; 0 also where its rule has another name.",
                   rule->is_connected() ? 1 : 0, {{"rule", rule->rule()}});
  }
  for (const auto& rule : service.rules()) {
    for (const auto& [address, name] : addresses) {
      const CommandFigures& figures = rule->figures(address);
      const std::pair<const char*, uint64_t> outcomes[] = {{"done", figures.done},
                                                           {"failed", figures.failed},
                                                           {"not_connected", figures.not_sent},
                                                           {"outcome_unknown", figures.unknown}};
      for (const auto& [outcome, count] : outcomes) {
        families.counter("aribus_nats_commands_total", "Answered commands, by rule, address and outcome.",
                         to_double(count), {{"rule", rule->rule()}, {"address", name}, {"outcome", outcome}});
      }
    }
  }
  for (const auto& rule : service.rules()) {
    families.gauge("aribus_nats_commands_under_way", "Commands without an answer yet.",
                   to_double(rule->under_way()), {{"rule", rule->rule()}});
  }
  for (const auto& rule : service.rules()) {
    families.gauge("aribus_nats_members", "Members of worker groups that are connected.",
                   to_double(service.members().figures(*rule).connected), {{"rule", rule->rule()}});
  }
  for (const auto& rule : service.rules()) {
    families.counter("aribus_nats_member_links_total", "Links that members have opened.",
                     to_double(service.members().figures(*rule).opened), {{"rule", rule->rule()}});
  }
  for (const auto& rule : service.rules()) {
    const MemberFigures& figures = service.members().figures(*rule);
    const std::pair<const char*, uint64_t> reasons[] = {{"lease", figures.expired},
                                                        {"message", figures.broken}};
    for (const auto& [reason, count] : reasons) {
      families.counter("aribus_nats_member_links_broken_total",
                       "Links that ended because the member was silent, or a message was missing.",
                       to_double(count), {{"rule", rule->rule()}, {"reason", reason}});
    }
  }
  families.counter("aribus_nats_unsent_answers_total",
                   "Answers not sent because NATS was away too long, or because there were too many.",
                   to_double(service.unsent_answers()));
}

}  // namespace

std::string metrics_text(const MetricSources& sources) {
  const auto daemon = sources.service.daemon();
  MetricFamilies families;
  families.gauge("aribus_nats_connected", "1 while there is a connection.",
                 sources.service.is_connected() ? 1 : 0, {{"to", "nats"}});
  families.gauge("aribus_nats_connected", "1 while there is a connection.", daemon->answers ? 1 : 0,
                 {{"to", "aribusd"}});
  add_records(families, sources.publisher, sources.service.published(), *daemon);
  add_commands(families, sources.service);
  families.gauge("aribus_nats_build_info", "Always 1; the version is a label.", 1,
                 {{"version", ARIBUS_VERSION}});
  families.process(sources.started, "Memory in use.");
  return families.text();
}

}  // namespace aribus::nats
