// Large answers of Asterisk, read where they don't hold up the loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ari/schema.h"
#include "base/result.h"
#include "net/background.h"
#include "net/held_bytes.h"
#include "net/http.h"
#include "pbx/result_text.h"

namespace aribus::pbx {

// What an answer is to.
struct Question {
  ari::ResultType declared;  // what ARI declares of the answer
  std::string method;        // of HTTP
  std::string path;          // below /ari, as "/channels/{channelId}"
  bool anything = false;     // whatever comes is a result, as of ari.request
};

// Reads one answer at a time on another thread; users take turns. What waits is bounded in bytes, for all and
// for each user (HeldBytes). Lives on the loop's thread; `done` of what is not read at its end is not
// called.
class AnswerReader {
 public:
  using Done = std::function<void(Result<ResultText>)>;

  explicit AnswerReader(Loop& loop) : loop_(loop) {}

  // Reads the body of `response`, the answer to `question`, and calls `done` once, from the loop. False: too
  // much waits, and nothing will be called.
  [[nodiscard]] bool read(uint64_t user, HttpResponse response, Question question, Done done);
  [[nodiscard]] bool is_busy() const { return background_.is_busy() || !waiting_.empty(); }

 private:
  struct Job;

  void start();

  Loop& loop_;
  HeldBytes held_{64 << 20};
  std::map<uint64_t, std::deque<std::shared_ptr<Job>>> waiting_;  // by user, none empty
  uint64_t last_user_ = 0;                                        // whose turn was the last one
  Background background_;
};

// The result in the body of an answer that succeeded. Errors: outcome_unknown: it is too large to be read;
// or it is none that every reader of the socket accepts, as HTML of a proxy or JSON that is cut, and the
// request changed something. Where that only reads: refused. Their data is as that of ari::response_error(),
// with `content_type`.
[[nodiscard]] Result<ResultText> result_of(HttpResponse response, const Question& question);

}  // namespace aribus::pbx
