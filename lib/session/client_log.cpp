#include "session/client_log.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "base/utf8.h"

namespace aribus::session {
namespace {

constexpr std::chrono::seconds quiet{60};  // without a loss: an episode is over
constexpr uint64_t few_requests = 10;      // a program with no more has only looked
constexpr size_t max_filter_bytes = 300;   // of a subscription, in a line

template <typename... Args>
void write(spdlog::level::level_enum level, const control::Caller& caller,
           spdlog::format_string_t<Args...> format, Args&&... args) {
  const std::string pid = std::to_string(caller.peer.pid);
  log_line(level, {{"PROGRAM", caller.program}, {"PID", pid}, {"USER", caller.principal.name}}, format,
           std::forward<Args>(args)...);
}

// A number of records for a log line. Nobody knows how many of them the filter would have matched.
std::string losses(uint64_t lost, const ClientInfo& client) {
  const std::string& filter = client.subscription;
  const bool all = filter.empty() || filter == "{}" || filter == R"({"announce":true})";
  return std::to_string(lost) + " records" +
         (all ? "" : ", counted before its filter " + to_valid_utf8(filter, max_filter_bytes));
}

}  // namespace

bool ClientLog::admit(Cause cause, const control::Caller& caller) {
  return limit_.admit({cause, caller.principal.id}, now_());
}

void ClientLog::connected(const ClientInfo& client) const {
  const control::Caller& caller = client.caller;
  write(spdlog::level::debug, caller, "{} has connected to {} under the access rule '{}'", name_of(caller),
        caller.peer.socket, caller.principal.rule->name);
}

void ClientLog::left(ClientInfo client, std::string reason, bool cut) {
  const control::Caller caller = client.caller;
  const bool told = episodes_.erase(caller.connection) + told_.erase(caller.connection) > 0;
  if (cut) {
    if (admit(Cause::cut, caller)) {
      write(spdlog::level::warn, caller, "{} was disconnected ({}){}", name_of(caller), reason,
            client.lost == 0 ? "" : ", having lost " + losses(client.lost, client));
    }
  } else if (client.lost > 0) {
    // A connection that came, lost records and ended between two checks was not logged yet.
    if (told || admit(Cause::lost, caller)) {
      write(spdlog::level::warn, caller, "{} has left; it read too slowly, and lost {}", name_of(caller),
            losses(client.lost, client));
    }
  } else {
    write(spdlog::level::debug, caller, "{} has left ({}) after {} requests and {} records", name_of(caller),
          reason, client.requests, client.sent);
  }
  const bool harmed = cut || client.lost > 0;
  // Connections that only looked, such as `aribus status`, are not remembered.
  if (!harmed && client.subscription.empty() && !client.has_changed && client.requests <= few_requests)
    return;
  remember(std::move(client), std::move(reason), harmed ? Kind::harmed : Kind::ordinary);
}

void ClientLog::turned_away(const control::Caller& caller, const Error& why) {
  if (!admit(Cause::turned_away, caller)) return;  // nor is it remembered
  write(spdlog::level::warn, caller, "{} was turned away on {}: {}", name_of(caller), caller.peer.socket,
        why.message);
  remember({.caller = caller, .since = wall_now()}, "turned away: " + why.message, Kind::turned_away);
}

void ClientLog::refused(const control::Caller& caller, const Error& why) {
  const Cause cause = why.kind == ErrorKind::not_allowed ? Cause::not_allowed : Cause::too_much;
  if (!admit(cause, caller)) return;
  write(spdlog::level::warn, caller, "a request of {} was refused: {}", name_of(caller), why.message);
}

bool ClientLog::is_news(uint64_t connection, uint64_t lost) const {
  if (lost == 0) return false;
  if (const auto at = episodes_.find(connection); at != episodes_.end()) {
    return lost > at->second.before + at->second.lost;
  }
  const auto at = told_.find(connection);
  return at == told_.end() || lost > at->second;
}

void ClientLog::losing(const ClientInfo& client) {
  const uint64_t connection = client.caller.connection;
  const auto before = told_.find(connection);
  const auto [at, is_new] = episodes_.try_emplace(connection);
  Episode& episode = at->second;
  if (is_new) {
    episode.caller = client.caller;
    episode.began = wall_now();
    episode.before = before == told_.end() ? 0 : before->second;
  }
  episode.lost = client.lost - episode.before;
  episode.latest = now_();
  if (!is_new || !admit(Cause::lost, client.caller)) return;
  write(spdlog::level::warn, client.caller, "{} reads too slowly, and has lost {} so far",
        name_of(client.caller), losses(episode.lost, client));
}

void ClientLog::tick() {
  const Time now = now_();
  for (const auto& [connection, episode] : episodes_) {
    if (now - episode.latest < quiet) continue;
    write(spdlog::level::warn, episode.caller, "{} loses no more records; since {} it has lost {}",
          name_of(episode.caller), to_rfc3339(episode.began), episode.lost);
    told_[connection] = episode.before + episode.lost;
  }
  std::erase_if(episodes_, [&](const auto& entry) { return now - entry.second.latest >= quiet; });
  for (const auto& [key, lines] : limit_.take_counts(now)) {
    static constexpr std::string_view what[] = {"connections were turned away",
                                                "requests were refused by an access rule",
                                                "requests were refused as beyond a limit",
                                                "connections were ended by aribusd", "programs lost records"};
    const auto [cause, user] = key;
    spdlog::warn("within a minute {} more {} (uid {})", lines, what[static_cast<size_t>(cause)], user);
  }
}

void ClientLog::remember(ClientInfo client, std::string reason, Kind kind) {
  const auto place = static_cast<size_t>(kind);
  left_[place].push_back({std::move(client), wall_now(), std::move(reason), next_number_++});
  if (left_[place].size() > max_left[place]) left_[place].pop_front();
}

std::vector<ClientThatLeft> ClientLog::left() const {
  std::vector<const Left*> all;
  for (const auto& some : left_) {
    for (const Left& left : some) all.push_back(&left);
  }
  std::ranges::stable_sort(all, {}, [](const Left* left) { return left->number; });
  std::vector<ClientThatLeft> clients;
  for (const Left* left : all) clients.push_back({shown(left->client), left->until, left->reason});
  return clients;
}

}  // namespace aribus::session
