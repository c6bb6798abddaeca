#include <array>
#include <cstddef>
#include <utility>

#include "json/parse_into.h"
#include "session/session.h"
#include "session/session_limits.h"

namespace aribus::session {
namespace {

constexpr size_t max_request_values = 16'384;  // JSON values and names of members in one line
constexpr size_t request_room_bytes = 16 << 10;

}  // namespace

void Session::read() {
  read_queued_ = false;
  const TurnBudget::Use use(context_.budget);
  for (;;) {
    const bool handles = has_input();
    handle_input();
    if (has_input() || !readable_ || !may_read() || (handles && context_.budget.spent())) break;
    const Transport::Input input = transport_->read(input_);
    readable_ = input == Transport::Input::bytes && transport_->has_more();
    if (input == Transport::Input::closed) return end();
    if (input == Transport::Input::end) {
      enter(Phase::input_over);
      check_hung_up();
    }
    if (input != Transport::Input::bytes) break;
  }
  if (phase_ == Phase::ended) return;
  count_held();
  if (has_input() && may_read()) want_read();  // behind the others
  watch();
  want_flush();
}

// Handles the bytes read so far, line by line, and a batch request by request: one of them in any case, as
// who is read has its turn.
void Session::handle_input() {
  std::string_view rest = input_;
  for (bool first = true; open_batch_ || !rest.empty(); first = false) {
    if (!may_read() || (!first && context_.budget.spent())) break;
    if (open_batch_) {
      next_of_batch();
    } else {
      rest.remove_prefix(reader_.feed(rest));
    }
  }
  input_.erase(0, input_.size() - rest.size());
  if (input_.empty() && input_.capacity() > small_bytes) std::string().swap(input_);
}

void Session::on_line(std::string_view line) {
  ++lines_;
  if (line.starts_with('[')) return on_batch_line(line);
  // For all sessions: it holds nothing between two calls. A longer request takes more memory.
  alignas(std::max_align_t) static std::array<char, request_room_bytes> room;
  Json::AllocatorType memory(room.data(), room.size());
  Json request(&memory);
  if (auto parsed = parse_into(request, line, max_request_values); !parsed)
    return refuse_line(rpc::id_in(line), parsed.error());
  if (request.IsArray()) return on_batch_line(line);  // behind blanks
  on_request(request, nullptr, line.size());
}

// A batch has memory of its own until all its requests have begun.
void Session::on_batch_line(std::string_view line) {
  Result<Json> parsed = parse_json(line, max_request_values);
  if (!parsed) return refuse_line(rpc::id_in(line), parsed.error());
  on_batch(std::move(*parsed), line.size());
}

// Answers a line that can't be read. If no id is found in it, the answer has the line's number.
void Session::refuse_line(const std::string& id, Error error) {
  if (id == "null") {
    const std::string rest = error.data.empty() ? "}" : "," + error.data.substr(1);
    error.data = R"({"line":)" + std::to_string(lines_) + rest;
  }
  send_line(rpc::error_text(id, error));
}

void Session::on_long_line(std::string_view beginning) {
  ++lines_;
  const bool over = user_is_over();
  const size_t limit = over ? context_.limits.max_user_bytes : context_.limits.max_line_bytes;
  refuse_line(
      rpc::id_in(beginning),
      over ? too_much("a request line was skipped: the requests and unread answers of this user hold "
                      "more than " +
                          std::to_string(limit) + " bytes",
                      limit)
           : Error{ErrorKind::invalid_request,
                   "a request line is over the limit of " + std::to_string(limit) + " bytes and was skipped",
                   {}});
}

void Session::on_request(const JsonValue& value, const std::shared_ptr<Batch>& batch, size_t bytes) {
  if (batch) ++batch->missing;
  ++requests_;
  Result<rpc::Request> request = rpc::read_request(value);
  if (!request) {
    const std::string id = rpc::id_of(value);
    return batch ? answer(id, request.error(), batch) : refuse_line(id, request.error());
  }
  if (assignments() != nullptr) assignments()->alive(caller_.connection);
  if (caller_.principal.name.empty()) caller_.principal.name = context_.names.find(caller_.peer.uid);
  if (auto counted = context_.quota.request(caller_, std::chrono::steady_clock::now()); !counted) {
    answer(request->id, counted.error(), batch);
  } else {
    on_command(std::move(*request), batch, bytes);
  }
}

}  // namespace aribus::session
