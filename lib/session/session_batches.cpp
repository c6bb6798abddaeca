#include <utility>

#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {

void Session::on_batch(Json requests, size_t bytes) {
  const size_t limit = context_.limits.max_batch;
  if (requests.Empty() || requests.Size() > limit) {
    const std::string expected =
        requests.Empty() ? "at least one request" : "at most " + std::to_string(limit) + " requests";
    return refuse_line("null", {ErrorKind::invalid_request, "a batch holds " + expected, {}});
  }
  const size_t each = bytes / requests.Size();
  open_batch_.emplace(OpenBatch{std::make_shared<Batch>(), std::move(requests), 0, each});
  open_batch_->batch->missing = 1;  // counts as an answer until all its requests have begun
}

// Begins the next request of the open batch, or refuses it when there is no room for its answer.
void Session::next_of_batch() {
  const std::shared_ptr<Batch> batch = open_batch_->batch;
  const JsonValue& value = open_batch_->requests[open_batch_->next++];
  const size_t limit = context_.limits.max_unsent_bytes;
  if (batch_bytes_ + write_buffer_.size() > limit) {
    ++batch->missing;
    const Result<rpc::Request> request = rpc::read_request(value);
    answer(request ? request->id : rpc::id_of(value),
           too_much("the answers to batches of this connection hold " + std::to_string(batch_bytes_) +
                        " bytes already; ask for it in another one",
                    limit),
           batch);
  } else {
    on_request(value, batch, open_batch_->request_bytes);
  }
  if (open_batch_->next == open_batch_->requests.Size()) end_open_batch();
}

void Session::end_open_batch() {
  const std::shared_ptr<Batch> batch = open_batch_->batch;
  open_batch_.reset();
  end_batch_part(*batch);
}

void Session::end_batch_part(Batch& batch) {
  if (--batch.missing > 0) return;
  if (!batch.answers.empty()) {
    batch_bytes_ -= batch.answers.size();
    batch.answers.append("]\n");
    write_buffer_.append(std::move(batch.answers));
    want_flush();
  }
  holds_ -= batch.holds;
  if (subscribed_in_.get() != &batch) return;
  subscribed_in_.reset();
  want_flush();
}

// Answers the requests of the open batch that have not begun: the daemon stops.
void Session::refuse_rest_of_batch() {
  while (open_batch_) {
    ++open_batch_->batch->missing;
    const JsonValue& value = open_batch_->requests[open_batch_->next++];
    const Result<rpc::Request> request = rpc::read_request(value);
    answer(request ? request->id : rpc::id_of(value),
           Error{ErrorKind::not_connected, "aribusd is stopping; nothing was sent", {}}, open_batch_->batch);
    if (open_batch_->next == open_batch_->requests.Size()) end_open_batch();
  }
}

}  // namespace aribus::session
