// Resynchronising the live objects with an Asterisk after a disconnect.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "net/loop.h"
#include "net/sliced_work.h"
#include "pbx/clock.h"
#include "pbx/state_fetch.h"
#include "record/record.h"
#include "state/difference.h"
#include "state/fetched.h"
#include "state/model.h"

namespace aribus::pbx {

struct ResyncOptions {
  Milliseconds fence_timeout{2000};  // for a fence to come back on the event stream
  Milliseconds first_pause{500};     // after a failure; doubles from there
  Milliseconds longest_pause{5000};
  // Interval between checks that Asterisk still reports every known object: the first after a doubtful event,
  // doubling from there. After three of them, and after the longest interval in any case, everything is read
  // again.
  Milliseconds first_look{500};
  Milliseconds longest_look{30'000};
};

// When the event stream is connected, this reads the live objects from Asterisk, while events already arrive,
// and publishes records of the difference.
//
// An answer and an event may cross: which of them is newer? Behind the last answer Asterisk is made to send
// an event of its own through each application, a fence. When all fences have come back, every event from
// before the answers has come, too. Objects without an event since the fetch began are then as the answers
// say, the others as their events say: they are compared in slices (SlicedWork), and an event that comes between two of
// them counts as the others do. A fence that does not come back within a time is given up, and its
// application is reported as silent.
//
// Later it checks from time to time that Asterisk still reports every known object (look_when_due), and
// sleeps in between. Lives on the loop's thread.
class Resync {
 public:
  struct Handlers {
    std::function<void(const record::Record&)> publish;
    std::function<uint64_t()> next_seq;  // of the next record to be published
    std::function<void()> done;          // the model is up to date
    // A fetch failed; it is repeated while the event stream is connected.
    std::function<void(const std::string& reason)> failed;
    // Asterisk does not know this application, or was made to send a fence to it that has not come: another
    // client has the application, or so much comes before the fence that it takes long. `heard` is called
    // when it comes after all.
    std::function<void(const std::string& app)> silent;
    std::function<void(const std::string& app)> heard;
  };

  // `server` is its name in records.
  Resync(std::string server, ari::Client& client, state::Model& model, Handlers handlers,
         ResyncOptions options = {}, Clock clock = {});
  ~Resync() { stop(); }

  // Another connection, on the same loop, has the event stream and the requests from now on.
  void use(ari::Client& client);
  // The event stream is connected. `missed`: events may have been missed before that.
  void begin(bool missed);
  // It has ended.
  void stop();
  // The model is up to date.
  [[nodiscard]] bool done() const { return known_; }

  // Whether the record is a fence: it concerns nobody else.
  [[nodiscard]] bool take(const record::Record& record);
  // The model has a doubt (Model::take_doubt): checks soon whether its objects are still reported.
  void look_soon();
  // See StateFetcher.
  void see(const HttpRequest& request, const HttpResponse& response) { fetcher_.see(request, response); }

 private:
  enum class Phase { idle, asking, fencing, merging };
  struct Fence {
    std::string app;
    bool sent = false;  // Asterisk has accepted it
  };

  void fetch();
  void raise_fences();
  void lower_fence(const std::string& name);
  void give_up_fences();
  void begin_merge();
  [[nodiscard]] Slices merge();
  [[nodiscard]] Slices merge_look(std::vector<std::string> playbacks, uint64_t begin);
  void discard_fetched();
  void retry(const std::string& reason);
  void schedule_look();
  void look_when_due();
  void look();
  void take_playbacks(const std::vector<std::string>& playbacks, uint64_t begin);

  std::string server_;
  Loop& loop_;
  ari::Client* client_;
  state::Model& model_;
  Handlers handlers_;
  ResyncOptions options_;
  Clock clock_;
  StateFetcher fetcher_;
  Phase phase_ = Phase::idle;
  uint64_t connected_ = 0;  // seq of the first record since the event stream is connected
  uint64_t begin_ = 0;      // seq of the first record since the fetch began
  state::FetchedState fetched_;  // what is being compared
  state::Publisher publisher_;
  SlicedWork work_;  // comparing
  std::map<std::string, Fence> fences_;      // those that have not come, by the names of their events
  std::map<std::string, std::string> late_;  // the applications of fences that were given up
  std::string mark_;                         // the beginning of these names
  uint64_t fence_number_ = 0;
  // Playbacks that were asked for.
  struct Asked {
    int times = 0;
    std::optional<uint64_t> missed_since;  // next_seq() when it was missing
  };
  std::map<std::string, Asked> asked_for_;
  bool looking_ = false;
  bool missed_ = false;  // events may have been missed before the event stream was connected
  bool known_ = false;   // the first fetch since the event stream is connected is done
  bool owes_ = false;    // a comparison after a gap was broken off
  bool doubt_ = false;   // an object may no longer be reported
  Milliseconds fetched_at_{0};
  Milliseconds look_at_{0};
  Milliseconds look_pause_{0};
  Milliseconds pause_{0};
  Timer timer_;  // until the next attempt, for the fences, or for doubt
};

}  // namespace aribus::pbx
