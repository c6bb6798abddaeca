#include <algorithm>
#include <utility>

#include "session/results.h"
#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {
namespace {

constexpr size_t own_record_bytes = 1024;  // least weight of an own record in a share: it is rendered again

}  // namespace

void Session::answer(const std::string& id, const Result<pbx::ResultText>& outcome,
                     const std::shared_ptr<Batch>& batch) {
  if (!outcome &&
      (outcome.error().kind == ErrorKind::not_allowed || outcome.error().kind == ErrorKind::too_much)) {
    context_.clients.refused(caller_, outcome.error());
  }
  WriteBuffer& to = batch ? batch->answers : write_buffer_;
  const size_t before = to.size();
  if (!id.empty()) {
    if (batch) to.append(to.empty() ? "[" : ",");
    outcome ? append_result(to, id, *outcome) : to.append(rpc::error_text(id, outcome.error()));
    if (!batch) to.append("\n");
  }
  if (batch) batch_bytes_ += to.size() - before;
  batch ? end_batch_part(*batch) : want_flush();
  count_held();
}

void Session::append_result(WriteBuffer& to, const std::string& id, const pbx::ResultText& result) {
  to.append(rpc::result_head(id));
  for (const auto& piece : result.pieces()) {
    if (piece.made) {
      to.append(piece, Quota::Held(context_.quota, caller_.principal.id, piece.made, piece.made->held_bytes()));
    } else if (!piece.base64 && piece.text->size() <= copied_bytes) {
      to.append(*piece.text);
    } else {
      to.append(piece, Quota::Held(context_.quota, caller_.principal.id, piece.text));
    }
  }
  to.append(rpc::result_tail);
}

void Session::send_line(std::string_view text) {
  write_buffer_.append(text);
  write_buffer_.append("\n");
  want_flush();
}

void Session::flush() {
  flush_queued_ = false;
  if (phase_ == Phase::ended || blocked_) return;
  const bool holds_less = !write_buffer_.empty();
  if (!write_buffered()) return;
  start_freed();
  if (holds_less) count_held();
  if (has_input() && may_read()) want_read();
  if (phase_ != Phase::leaving && !subscribed_in_ && holds_ == 0 && !write_records()) return;
  if (write_buffer_.empty() && commands_.empty() && may_end()) return end();
  watch();
}

// Returns false when the transport takes no more, this turn's share is written, or the session has ended.
bool Session::write_buffered() {
  size_t written = 0;
  while (!write_buffer_.empty()) {
    if (written >= answers_share_bytes) {
      want_flush();
      return false;
    }
    const std::string_view bytes = write_buffer_.bytes().substr(0, answers_share_bytes);
    if (bytes.empty()) {  // they are still being made
      want_flush();
      return false;
    }
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const std::optional<size_t> taken = transport_->write({&piece, 1});
    if (!taken) return end(), false;
    if (*taken == 0) return block(), false;
    write_buffer_.consume(*taken);
    written += *taken;
  }
  return true;
}

bool Session::write_records() {
  static std::vector<iovec> pieces;  // for all sessions: it holds nothing between two calls
  size_t written = 0;
  if (is_member() && subscription_->take_beginning()) tell_calls();
  while (subscription_ && (!to_tell_.empty() || !subscription_->up_to_date())) {
    if (written >= fair_share_bytes) {
      want_flush();
      return true;
    }
    if (!to_tell_.empty()) {
      const std::string call = next_call_to_tell();
      written += std::max(call.size(), own_record_bytes);
      write_buffer_.append(call);
      if (!write_buffered()) return false;
      continue;
    }
    const uint64_t lost_before = subscription_->lost();
    if (const std::string lost = subscription_->take_lost(); !lost.empty()) {
      context_.counts.lost_records += subscription_->lost() - lost_before;
      if (subscription_->lost() > lost_before) ++context_.counts.losses;
      write_buffer_.append(lost);
      if (is_member()) tell_calls();
      if (subscription_->must_disconnect()) {
        leave(Transport::Ending::too_slow, "on_overflow: disconnect");
      }
      if (!write_buffered()) return false;
      if (phase_ == Phase::leaving) return true;
      continue;
    }
    if (subscription_->is_at_own_record()) {
      const auto own = subscription_->take_own_record(context_.dispatcher, *caller_.principal.rule);
      if (!own) {  // the next step is for another turn
        want_flush();
        return true;
      }
      if (!own->empty()) ++sent_;
      written += std::max(own->size(), own_record_bytes);
      write_buffer_.append(*own);
      if (!write_buffered()) return false;
      continue;
    }
    if (subscription_->is_at_group_record()) {
      const std::string notification = group_notification(subscription_->take_group_record());
      written += std::max(notification.size(), own_record_bytes);
      write_buffer_.append(notification);
      if (!write_buffered()) return false;
      continue;
    }
    subscription_->gather(fair_share_bytes, pieces);
    if (pieces.empty() && (subscription_->is_at_own_record() || subscription_->is_at_group_record())) continue;
    if (pieces.empty()) {  // none of those examined matches
      want_flush();
      return true;
    }
    const std::optional<size_t> sent = transport_->write(pieces);
    if (!sent) return end(), false;
    size_t offered = 0;
    for (const iovec& piece : pieces) offered += piece.iov_len;
    const std::string_view rest = subscription_->advance(*sent);
    written += *sent;
    if (*sent == offered) continue;
    // The ring may overwrite a record while its rest waits to be written: the rest is copied, or its line
    // shared.
    append_rest(rest);
    return block(), false;
  }
  if (is_member()) tell_left();
  return true;
}

void Session::tell_left() {
  if (!subscription_->take_left()) return;
  const GroupView& left = *subscription_->group();
  send_line(rpc::notification_text("left", to_json(LeftGroup{.group = left.group(), .member = left.member()})));
}

// Keeps the rest of the record that the subscription has passed last, until the transport takes it.
void Session::append_rest(std::string_view rest) {
  if (rest.size() <= copied_bytes) return write_buffer_.append(rest);
  const auto line = context_.lines.get(context_.log, subscription_->cursor().seq);
  write_buffer_.append({line, false}, Quota::Held(context_.quota, caller_.principal.id, line),
                       line->size() - rest.size());
}

}  // namespace aribus::session
