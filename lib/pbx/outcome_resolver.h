// What became of commands whose outcome is unknown.
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

// What was found out of one command.
struct Resolution {
  std::string command;       // its name, which the error gave to the caller
  std::string_view outcome;  // "done", "not_done" or "unknown"
  record::Record record;     // command.resolved, which tells of it
};

struct OutcomeResolverOptions {
  Milliseconds first{200};        // from the error to the first look-up; the pauses double from there
  Milliseconds longest{2000};     // pause between two look-ups
  Milliseconds give_up{600'000};  // after so long it stays unknown
  size_t max_commands = 1024;     // further ones are not looked for
  size_t max_lookups = 4;         // under way at a time
};

// Commands of one Asterisk that make something under an id. While one is under way, events about the id are
// noted; when no answer comes, the id is looked for until it is certain what became of it. Nothing is ever
// done again. Lives on the loop's thread.
class OutcomeResolver {
 public:
  using Resolved = std::function<void(Resolution)>;

  OutcomeResolver(std::string server, ari::Client& client, OutcomeResolverOptions options = {},
                  Clock clock = {});

  // Every resolution goes there, from the loop.
  void on_resolved(Resolved resolved) { resolved_ = std::move(resolved); }

  // `operation` is about to make `made`; `shows` says that events about it would come here. Returns its
  // number.
  uint64_t begin(std::string_view operation, Incarnation made, bool shows);
  // It was answered: there is nothing to find out. Returns whether an event has told of what it made.
  bool answered(uint64_t number);
  // Its outcome is unknown; `made` says that the thing is known to have been made. Returns the name under
  // which it will be resolved, or "" when too many are being looked for.
  [[nodiscard]] std::string find_out(uint64_t number, bool made = false);

  // Looks through another connection from now on.
  void use(ari::Client& client) { client_ = &client; }
  // Resolves all pending commands as unknown.
  void give_up(std::string_view reason);

  // Takes note of a record.
  void see(const record::Record& record);
  // Commands under way and to be resolved.
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
    Milliseconds since{0};     // when it became unknown
    Milliseconds next{0};      // look-up
    Milliseconds pause{0};     // to the one after that
    std::optional<Milliseconds> absent_since;
    bool asking = false;
  };

  void erase(uint64_t number);
  void arm();
  void tick();
  void advance(uint64_t number);
  void ask(uint64_t number, Entry& entry);
  // `made` is as it was when the look-up was sent.
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
  std::set<uint64_t> looked_for_;  // of entries_: those whose outcome is unknown
  uint64_t next_number_ = 1;
  size_t asking_ = 0;
  Timer timer_;
};

}  // namespace aribus::pbx
