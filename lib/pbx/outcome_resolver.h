// Finds the outcome of commands that got no answer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ari/client.h"
#include "net/loop.h"
#include "pbx/clock.h"
#include "pbx/incarnation.h"
#include "record/id_index.h"
#include "record/record.h"

namespace aribus::pbx {

// What was found out about one command.
struct Resolution {
  std::string command;       // its name, which its error gave to the caller
  std::string_view outcome;  // "done", "not_done" or "unknown"
  record::Record record;     // command.resolved, which reports it
};

struct OutcomeResolverOptions {
  Milliseconds first{200};        // from the error to the first lookup; the pauses double from there
  Milliseconds longest{2000};     // pause between two lookups
  Milliseconds give_up{600'000};  // then it stays unknown
  size_t max_commands = 1024;     // further ones are not resolved
  size_t max_lookups = 4;         // under way at once
};

// Commands of one Asterisk that create an object under a known id. Events about the id are watched while a
// command is under way; if no answer comes, the id is looked up until the outcome is certain. No command is
// ever repeated. Used on the loop's thread only.
class OutcomeResolver {
 public:
  using Resolved = std::function<void(Resolution)>;

  OutcomeResolver(std::string server, ari::Client& client, OutcomeResolverOptions options = {},
                  Clock clock = {});

  // Called with each resolution, from the loop.
  void on_resolved(Resolved resolved) { resolved_ = std::move(resolved); }

  // `operation` is about to create `made`; `shows`: its events would come here. Returns the command's number.
  uint64_t begin(std::string_view operation, Incarnation made, bool shows);
  // It was answered, so it needs no resolution. Returns whether an event has shown what it made.
  bool answered(uint64_t number);
  // Its outcome is unknown; `made`: the object is known to have been created. Returns the name under which it
  // will be resolved, or "" if too many commands are being resolved.
  [[nodiscard]] std::string find_out(uint64_t number, bool made = false);

  // Uses another connection from now on.
  void use(ari::Client& client) { client_ = &client; }
  // Resolves all pending commands as unknown.
  void give_up(std::string_view reason);

  // Processes a record.
  void see(const record::Record& record);
  // Commands under way or being resolved.
  [[nodiscard]] size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string operation;
    Incarnation made{record::IdKind::channel, ""};
    bool shows = false;
    std::string startup_time;  // of the Asterisk that it was sent to
    bool seen = false;         // in an event
    bool cut = false;          // events may have been missed since it was sent
    std::string command;       // "" while it is under way
    Milliseconds since{0};     // when the outcome became unknown
    Milliseconds next{0};      // of the next lookup
    Milliseconds pause{0};     // until the lookup after it
    std::optional<Milliseconds> absent_since;
    bool asking = false;
  };

  void erase(uint64_t number);
  void arm();
  void tick();
  void advance(uint64_t number);
  void ask(uint64_t number, Entry& entry);
  // `made` as it was when the lookup was sent.
  void on_answer(uint64_t number, const Incarnation& made, const Result<HttpResponse>& answer);
  void on_absent(uint64_t number, Entry& entry);
  void resolve(uint64_t number, std::string_view outcome, std::optional<bool> exists,
               std::string_view reason);

  std::string server_;
  ari::Client* client_;
  OutcomeResolverOptions options_;
  Clock clock_;
  Resolved resolved_;
  std::map<uint64_t, Entry> entries_;
  record::IdIndex by_id_;
  std::set<uint64_t> unresolved_;  // those of entries_ whose outcome is unknown
  uint64_t next_number_ = 1;
  size_t asking_ = 0;
  Timer timer_;
};

}  // namespace aribus::pbx
