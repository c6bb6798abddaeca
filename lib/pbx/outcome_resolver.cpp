#include "pbx/outcome_resolver.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "pbx/creating_operations.h"
#include "record/own_records.h"

namespace aribus::pbx {

OutcomeResolver::OutcomeResolver(std::string server, ari::Client& client, OutcomeResolverOptions options,
                                 Clock clock)
    : server_(std::move(server)),
      client_(&client),
      options_(options),
      clock_(std::move(clock)),
      timer_(client.loop()) {}

uint64_t OutcomeResolver::begin(std::string_view operation, Incarnation made, bool shows) {
  Entry entry{};
  entry.operation = operation;
  entry.made = std::move(made);
  entry.shows = shows;
  if (client_->info()) entry.startup_time = client_->info()->startup_time;
  by_id_.add(entry.made.kind(), entry.made.id(), next_number_);
  entries_.emplace(next_number_, std::move(entry));
  return next_number_++;
}

bool OutcomeResolver::answered(uint64_t number) {
  const bool seen = entries_.at(number).seen;
  erase(number);
  return seen;
}

void OutcomeResolver::erase(uint64_t number) {
  const auto node = entries_.extract(number);
  if (node.empty()) return;
  by_id_.remove(node.mapped().made.kind(), node.mapped().made.id(), number);
  unresolved_.erase(number);
}

std::string OutcomeResolver::find_out(uint64_t number, bool made) {
  if (unresolved_.size() >= options_.max_commands) {
    erase(number);
    return {};
  }
  unresolved_.insert(number);
  Entry& entry = entries_.at(number);
  entry.command = "aribus-" + random_hex(8);
  entry.since = client_->loop().now();
  entry.seen |= made;
  entry.pause = options_.first;
  entry.next = entry.since + (entry.seen ? Milliseconds(0) : entry.pause);
  arm();
  return entry.command;
}

void OutcomeResolver::see(const record::Record& record) {
  if (entries_.empty() || record.type == "command.resolved") return;
  if (record.type == "server.disconnected" || record.type == "ApplicationReplaced") {
    for (auto& [number, entry] : entries_) entry.cut = true;
  }
  for (const uint64_t number : by_id_.find(record.ids)) {
    Entry& entry = entries_.at(number);
    if (entry.seen || !record.ids.contains(entry.made.kind(), entry.made.id())) continue;
    if (!entry.made.is_of_new(record)) continue;
    entry.seen = true;
    entry.next = client_->loop().now();
    arm();
  }
}

// Sets the timer for the next lookup.
void OutcomeResolver::arm() {
  std::optional<Milliseconds> earliest;
  for (const uint64_t number : unresolved_) {
    const Entry& entry = entries_.at(number);
    if (entry.asking) continue;
    earliest = earliest ? std::min(*earliest, entry.next) : entry.next;
  }
  if (!earliest) return timer_.stop();
  timer_.once(std::max(*earliest - client_->loop().now(), Milliseconds(0)), [this] { tick(); });
}

void OutcomeResolver::tick() {
  const Milliseconds now = client_->loop().now();
  std::vector<uint64_t> due;
  for (const uint64_t number : unresolved_) {
    const Entry& entry = entries_.at(number);
    if (!entry.asking && entry.next <= now) due.push_back(number);
  }
  for (const uint64_t number : due) advance(number);
  arm();
}

void OutcomeResolver::advance(uint64_t number) {
  Entry& entry = entries_.at(number);
  const Milliseconds now = client_->loop().now();
  if (entry.seen) return resolve(number, "done", {}, "an event reported it");
  if (now - entry.since >= options_.give_up) {
    return resolve(number, "unknown", {}, "Asterisk gave no certain answer in time");
  }
  entry.next = now + entry.pause;
  entry.pause = std::min(entry.pause * 2, options_.longest);
  if (!client_->is_connected()) return;
  if (client_->info()->startup_time != entry.startup_time) {
    return resolve(number, "unknown", false,
                   "Asterisk was restarted: the object is gone, and may have existed before");
  }
  if (asking_ < options_.max_lookups) ask(number, entry);
}

void OutcomeResolver::ask(uint64_t number, Entry& entry) {
  entry.asking = true;
  ++asking_;
  client_->request("GET", place_of(entry.made.kind(), entry.made.id()), "",
                   [this, number, made = entry.made](const Result<HttpResponse>& answer) {
                     --asking_;
                     on_answer(number, made, answer);
                     arm();
                   });
}

void OutcomeResolver::on_answer(uint64_t number, const Incarnation& made,
                                const Result<HttpResponse>& answer) {
  const auto at = entries_.find(number);
  if (at == entries_.end()) return;  // it was resolved meanwhile
  Entry& entry = at->second;
  entry.asking = false;
  if (entry.seen || !answer) return;  // the timer continues
  if (answer->status == 404) return on_absent(number, entry);
  if (answer->status != 200) return;
  const Incarnation::Shown shown = made.shown_by(answer->body);
  if (shown == Incarnation::Shown::new_one) return resolve(number, "done", true, "it exists");
  if (shown == Incarnation::Shown::another) return on_absent(number, entry);
}

void OutcomeResolver::give_up(std::string_view reason) {
  for (const uint64_t number : std::set(unresolved_)) resolve(number, "unknown", {}, reason);
}

// Asterisk may still be carrying out the command: absence is certain once it has lasted for another timeout.
void OutcomeResolver::on_absent(uint64_t number, Entry& entry) {
  const Milliseconds now = client_->loop().now();
  if (!entry.absent_since) entry.absent_since = now;
  const Milliseconds settled = client_->options().request_timeout;
  if (now - *entry.absent_since < settled) return;
  // No event proves nothing if the event stream is dead, which is noticed late: a byte must have come since.
  const Milliseconds heard = now - client_->silence();
  if (!entry.cut && entry.shows && heard - *entry.absent_since < settled / 2) return;
  const std::string absent = "it did not exist for " + std::to_string(settled.count()) + " ms";
  if (entry.cut) {
    resolve(number, "unknown", false, absent + "; it may have existed for a short time while no events came");
  } else if (!entry.shows) {
    resolve(number, "unknown", false,
            absent + "; it may have existed for a short time, as its events are not received");
  } else {
    resolve(number, "not_done", false, absent + ", and no event reported it");
  }
}

void OutcomeResolver::resolve(uint64_t number, std::string_view outcome, std::optional<bool> exists,
                              std::string_view reason) {
  const Entry entry = entries_.at(number);
  erase(number);
  Resolution resolution{entry.command, outcome, {}};
  const record::CommandResolved resolved{.command = entry.command,
                                         .method = std::string(entry.operation),
                                         .outcome = std::string(outcome),
                                         .exists = exists,
                                         .reason = std::string(reason)};
  resolution.record = record::own_record(resolved, server_, clock_.wall());
  resolution.record.ids.add(entry.made.kind(), entry.made.id());
  const bool known = outcome == "done" || outcome == "not_done";
  const std::string_view end = outcome == "done"       ? "was carried out"
                               : outcome == "not_done" ? "was not carried out"
                                                       : "may have been carried out or not";
  log_line(known ? spdlog::level::info : spdlog::level::warn, {{"SERVER", server_}},
           "{}: {} of '{}' (command {}), which had no answer, {}: {}", server_, entry.operation,
           entry.made.id(), entry.command, end, reason);
  if (resolved_) resolved_(std::move(resolution));
}

}  // namespace aribus::pbx
