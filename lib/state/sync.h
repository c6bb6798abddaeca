// Brings what is known of an Asterisk back to the truth after nobody listened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "net/loop.h"
#include "record/record.h"
#include "state/fetch.h"
#include "state/model.h"

namespace aribus::state {

struct SyncOptions {
  Milliseconds fence_timeout{2000};  // for an event of ours to come through the event stream
  Milliseconds first_pause{500};     // after a failure; doubles from there
  Milliseconds longest_pause{5000};
  // From one look whether all that is known is still heard of to the next: the first where there is doubt,
  // doubling from there. After three of them, and after the longest pause in any case, all is read anew.
  Milliseconds first_look{500};
  Milliseconds longest_look{30'000};
};

// Each time the event stream stands it asks Asterisk what there is, while events already flow, and publishes
// records of the difference. To know which of the events came before an answer it has Asterisk send an event
// of its own behind the last answer: what has been told of until that comes is left to the events, everything
// else to the answers. Lives on the loop's thread.
class Sync {
 public:
  struct Handlers {
    std::function<void(const record::Record&)> publish;
    std::function<uint64_t()> next_seq;  // of the next record to be published
    std::function<void()> done;          // what is known is the truth now
    std::function<void(const std::string& reason)>
        failed;  // it is tried again, for as long as the stream stands
    // Asterisk does not know this application, or was made to send an event to it that has not come: somebody
    // else hears the application, or so much comes before it that it takes long. Then `heard` is called when
    // it comes.
    std::function<void(const std::string& app)> silent;
    std::function<void(const std::string& app)> heard;
  };

  // `server` is its name in records.
  Sync(std::string server, ari::Client& client, Model& model, Handlers handlers, SyncOptions options = {});

  // The event stream and the requests go through another connection from now on, of an event loop that is the
  // same.
  void use(ari::Client& client);
  // The event stream is connected. `missed`: events may have been missed before that.
  void begin(bool missed);
  // It has ended.
  void stop();
  // What is known is the truth.
  [[nodiscard]] bool done() const { return known_; }

  // Whether the record is an event that this made Asterisk send: it is nobody else's.
  [[nodiscard]] bool take(const record::Record& record);
  // See StateFetcher.
  void see(const HttpRequest& request, const HttpResponse& response) { fetcher_.see(request, response); }

 private:
  enum class Phase { idle, asking, fencing };
  struct Fence {
    std::string app;
    bool sent = false;  // Asterisk says so
  };

  void fetch();
  void raise_fences();
  void lower_fence(const std::string& name);
  void give_up_fences();
  void merge();
  void retry(const std::string& reason);
  void look_when_due();
  void look();
  void take_look(const FetchedState& fetched, const std::vector<std::string>& playbacks, uint64_t begin);

  std::string server_;
  ari::Client* client_;
  Model& model_;
  Handlers handlers_;
  SyncOptions options_;
  StateFetcher fetcher_;
  Phase phase_ = Phase::idle;
  uint64_t connected_ = 0;  // seq of the first record since the event stream is connected
  uint64_t begin_ = 0;      // seq of the first record since the fetch began
  FetchedState fetched_;
  std::map<std::string, Fence> fences_;      // the events that have not come, by their names
  std::map<std::string, std::string> late_;  // the applications of those that are not waited for any more
  std::string mark_;                         // that these names begin with
  uint64_t fence_number_ = 0;
  // Playbacks that were asked for.
  struct Asked {
    int times = 0;
    std::optional<uint64_t> missed_since;  // it was not there, when that was the next record
  };
  std::map<std::string, Asked> asked_for_;
  bool looking_ = false;
  bool missed_ = false;  // events may have been missed before the event stream was connected
  bool known_ = false;   // the first fetch since the event stream is connected is done
  bool doubt_ = false;   // whether all that is known is still heard of
  Milliseconds fetched_at_{0};
  Milliseconds look_at_{0};
  Milliseconds look_pause_{0};
  Milliseconds pause_{0};
  Timer timer_;  // until the next attempt, for the fences, or for doubt
};

}  // namespace aribus::state
