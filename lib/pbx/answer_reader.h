// Reads large answers of Asterisk without blocking the loop.
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

// The request that an answer belongs to.
struct Question {
  ari::ResultType declared;  // what ARI declares as the answer
  std::string method;        // HTTP's
  std::string path;          // below /ari, such as "/channels/{channelId}"
  bool anything = false;     // any body is a result, as for ari.request
};

// Reads one answer at a time on another thread; users take turns. Waiting answers are bounded in bytes, for
// all and for each user (HeldBytes). Used on the loop's thread only; its destructor drops unread answers
// without calling `done`.
class AnswerReader {
 public:
  using Done = std::function<void(Result<ResultText>)>;

  explicit AnswerReader(Loop& loop) : loop_(loop) {}

  // Reads the body of `response`, the answer to `question`, and calls `done` once, from the loop. Returns
  // false if too much is waiting: then nothing is called.
  [[nodiscard]] bool read(uint64_t user, HttpResponse response, Question question, Done done);
  [[nodiscard]] bool is_busy() const { return background_.is_busy() || !waiting_.empty(); }

 private:
  struct Job;

  void start();

  Loop& loop_;
  HeldBytes held_{64 << 20};
  std::map<uint64_t, std::deque<std::shared_ptr<Job>>> waiting_;  // by user, none empty
  uint64_t last_user_ = 0;                                        // that had the last turn
  Background background_;
};

// The result in the body of a successful answer. Errors: outcome_unknown if the body is too large to be read.
// If it is not valid JSON, such as HTML from a proxy or truncated JSON: refused for a GET, otherwise
// outcome_unknown, with the data of ari::response_error() and `content_type`.
[[nodiscard]] Result<ResultText> result_of(HttpResponse response, const Question& question);

}  // namespace aribus::pbx
