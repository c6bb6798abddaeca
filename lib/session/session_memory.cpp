#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {

// Whether the connections of its user, or all together, hold too much memory. Then small connections go on,
// and large ones get no more.
bool Session::user_is_over() const {
  const size_t limit = context_.limits.max_user_bytes;
  const size_t held = context_.quota.held_bytes(caller_.principal.id);
  return held > limit || (context_.quota.held_bytes() > all_users * limit && held > limit / 16);
}

void Session::count_held() {
  held_.set(reader_.held_bytes() + input_.size() + command_bytes_ + batch_bytes_ + write_buffer_.own_bytes() +
            (subscription_ ? subscription_->held_bytes() : 0));
}

void Session::recount() {
  write_buffer_.recount();
}

// Reserves memory for another request. Errors: too_much.
Result<void> Session::take_bytes(size_t bytes) {
  const size_t limit = 2 * context_.limits.max_line_bytes;
  if (command_bytes_ + bytes > limit) {
    return too_much("the commands of this connection that are under way hold " +
                        std::to_string(command_bytes_) + " bytes already; wait for an answer",
                    limit);
  }
  if (command_bytes_ + bytes > small_bytes && user_is_over()) {
    return too_much("the requests and unread answers of this user hold " +
                        std::to_string(context_.quota.held_bytes(caller_.principal.id)) + " bytes already",
                    context_.limits.max_user_bytes);
  }
  command_bytes_ += bytes;
  count_held();
  return {};
}

// Whether there is memory for an answer. A text that the user's connections share counts once.
bool Session::fits(const pbx::ResultText& result) const {
  const size_t limit = context_.limits.max_user_bytes;
  if (result.held_bytes() <= copied_bytes) return open_bytes() <= small_bytes || !user_is_over();
  const size_t held = context_.quota.held_bytes(caller_.principal.id);
  size_t more = 0;
  for (const auto& piece : result.pieces()) {
    const size_t bytes = piece.made ? piece.made->held_bytes() : piece.text->size();
    const void* const shared = piece.made ? static_cast<const void*>(piece.made.get()) : piece.text.get();
    if (bytes > copied_bytes) more += context_.quota.more_bytes(caller_.principal.id, shared, bytes);
  }
  if (more <= small_bytes || held <= limit / 16) return true;
  return held + more <= limit && context_.quota.held_bytes() + more <= all_users * limit;
}

}  // namespace aribus::session
