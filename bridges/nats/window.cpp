#include "nats/window.h"

#include "base/numbers.h"
#include "json/json.h"

namespace aribus::nats {
namespace {

// JetStream's error codes.
constexpr unsigned wrong_last_sequence = 10071, no_room = 10023, no_room_for_account = 10002;
constexpr std::string_view says_last = "wrong last sequence: ";

}  // namespace

Place Place::parse(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const auto seq = whole_number<uint64_t>(text.substr(colon + 1, text.find(':', colon + 1) - colon - 1));
  if (!seq) return {};
  return {std::string(text.substr(0, colon)), *seq};
}

void Window::sent(Place place, size_t bytes) {
  sent_.push_back({std::move(place), bytes});
  bytes_ += bytes;
  ++next_;
}

Flight Window::flight() const {
  Flight flight{.after = last_, .stream = sent_.empty() ? "" : sent_.front().place.stream, .seqs = {}};
  for (const Sent& sent : sent_) flight.seqs.push_back(sent.place.seq);
  return flight;
}

std::optional<uint64_t> Window::believed_ahead() const {
  if (!believed_last_) return std::nullopt;
  return *believed_last_ > last_ ? *believed_last_ - last_ : 0;
}

Result<void> Window::answered(uint64_t expected, std::string_view answer) {
  expected = expected < ahead_ ? 0 : expected - ahead_;
  const auto refused = [&](const std::string& why) {
    return Error{ErrorKind::refused, why, std::string(answer)};
  };
  const auto not_stored = [&](std::string why) {
    return Error{ErrorKind::not_connected, std::move(why), std::string(answer)};
  };
  const Result<Json> parsed = parse_json(answer);
  if (!parsed || !parsed->IsObject()) return not_stored("JetStream's answer is not a JSON object");
  if (const JsonValue* error = find(*parsed, "error")) {
    const JsonValue* found = error->IsObject() ? find(*error, "err_code") : nullptr;
    const unsigned code = found != nullptr && found->IsUint() ? found->GetUint() : 0;
    const std::string_view description = find_string(*error, "description");
    std::string why = "JetStream did not store a record: " + std::string(description) +
                      (code != 0 ? " (" + std::to_string(code) + ")" : "");
    if (code == wrong_last_sequence) {
      if (description.starts_with(says_last))
        believed_last_ = whole_number<uint64_t>(description.substr(says_last.size()));
      return refused(why +
                     "; another program publishes to its subjects, messages of an earlier connection arrived "
                     "late, or nats-server counts one that it had no room for");
    }
    if (code == no_room || code == no_room_for_account) {
      lacks_room_ = true;
      why +=
          "; its disk is full, or a limit of nats-server's (max_file_store, an account's max_file): make "
          "room, "
          "or limit the streams by max_age or max_bytes";
    }
    return not_stored(std::move(why));
  }
  const JsonValue* seq = find(*parsed, "seq");
  if (seq == nullptr || !seq->IsUint64()) return not_stored("JetStream's answer has no sequence");
  if (expected < last_) return {};  // answered before
  // Someone else has published this record: an earlier connection of this process, or another aribus-nats.
  if (const JsonValue* duplicate = find(*parsed, "duplicate"); duplicate != nullptr && duplicate->IsTrue()) {
    return refused("JetStream already had a record that was just published, as sequence " +
                   std::to_string(seq->GetUint64()));
  }
  if (seq->GetUint64() != expected + 1) {
    return refused("JetStream stored the record for sequence " + std::to_string(expected + 1) + " as " +
                   std::to_string(seq->GetUint64()));
  }
  // An answer can be lost: a stored later message shows that the earlier ones were stored.
  while (last_ <= expected && !sent_.empty()) {
    ++last_;
    bytes_ -= sent_.front().bytes;
    stored_ = std::move(sent_.front().place);
    sent_.pop_front();
  }
  return {};
}

}  // namespace aribus::nats
