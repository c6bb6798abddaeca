#include "ari/websocket_rest.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/numbers.h"
#include "json/json.h"

namespace aribus::ari {
namespace {

// Asterisk writes the type first, and events by the thousand come through here. With ari.conf's `pretty=yes`
// it is written over several lines.
constexpr std::string_view type_start = R"({"type":")";
constexpr std::string_view response_type = "RESTResponse";

bool may_be_response(std::string_view text) {
  if (!text.starts_with(type_start)) return text.find(response_type) != std::string_view::npos;
  return text.substr(type_start.size()).starts_with(response_type);
}

// What follows <prefix>/ari/ in the target.
std::string_view below_ari(const HttpRequest& request, std::string_view prefix) {
  constexpr std::string_view ari = "/ari/";
  const std::string_view target(request.target);
  return target.substr(std::min(target.size(), prefix.size() + ari.size()));
}

// The number in an answer that was cut.
std::optional<uint64_t> number_in(std::string_view cut) {
  constexpr std::string_view name = R"("request_id")";
  const size_t at = cut.find(name);
  if (at == std::string_view::npos) return {};
  std::string_view rest = cut.substr(at + name.size(), 32);
  rest.remove_prefix(std::min(rest.find_first_not_of(" :\t\r\n"), rest.size()));
  if (!rest.starts_with('"')) return {};
  rest.remove_prefix(1);
  return whole_number<uint64_t>(rest.substr(0, rest.find('"')));
}

}  // namespace

bool belongs_on_http(const HttpRequest& request, std::string_view prefix) {
  std::string_view path = below_ari(request, prefix);
  path = path.substr(0, path.find('?'));
  if (path.starts_with("recordings/stored/")) return true;  // a file, or the copy of one
  if (request.method == "GET") return false;
  // These wait for the channel, which first plays to the end what it plays (seen on 22.10).
  for (const std::string_view end : {"/addChannel", "/removeChannel", "/answer", "/variable", "/variables"}) {
    if (path.ends_with(end)) return true;
  }
  return path.starts_with("asterisk/modules/") || path.ends_with("/eventFilter");
}

WebSocketRest::WebSocketRest(Loop& loop, WebSocketRestOptions options, Handlers handlers)
    : loop_(loop),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      probe_timer_(loop),
      tell_cut_(loop, [this] {
        for (const auto& open : std::exchange(cut_, {})) {
          open->done(no_answer(open->request, "the connection ended before the answer"));
        }
      }) {}

void WebSocketRest::opened() {
  worked_ = false;
  state_ = State::fails;
  probe();
}

void WebSocketRest::closed() {
  probe_timer_.stop();
  probe_ = 0;
  set_state(State::closed);
  for (auto& [number, open] : std::exchange(open_, {})) {
    open->deadline.stop();
    cut_.push_back(std::move(open));
  }
  if (!cut_.empty()) tell_cut_.request();
}

void WebSocketRest::probe() {
  if (state_ == State::closed) return;
  set_state(State::probing);
  probe_ = next_number_++;
  HttpRequest request;
  request.method = "GET";
  request.target = options_.prefix + "/ari/asterisk/ping";
  const bool sent = handlers_.send(message(probe_, request)).ok();
  probe_timer_.once(sent ? options_.probe_timeout : Milliseconds(0), [this] { on_probed(false); });
}

void WebSocketRest::on_probed(bool answered) {
  probe_ = 0;
  probe_timer_.stop();
  worked_ |= answered;
  if (!answered && worked_) probe_timer_.once(options_.probe_again_after, [this] { probe(); });
  set_state(answered ? State::works : State::fails);
}

void WebSocketRest::set_state(State state) {
  const State before = std::exchange(state_, state);
  if (before == state || !handlers_.changed) return;
  if (state == State::works) handlers_.changed(true);
  if (state == State::fails) handlers_.changed(false);
}

bool WebSocketRest::takes(const HttpRequest& request) const {
  if (state_ != State::works || open_.size() >= options_.max_open) return false;
  if (!open_.empty()) {
    const Open& oldest = *open_.begin()->second;
    if (loop_.now() - oldest.began >= options_.patience) return false;
    if (oldest.request.requester.user != request.requester.user) return false;
  }
  return !belongs_on_http(request, options_.prefix);
}

std::string WebSocketRest::message(uint64_t number, const HttpRequest& request) const {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "type", "RESTRequest");
    write_member(writer, "transaction_id", "aribus");
    write_member(writer, "request_id", std::to_string(number));
    write_member(writer, "method", request.method);
    write_member(writer, "uri", below_ari(request, options_.prefix));
    if (!request.body.empty()) {
      write_member(writer, "content_type", "application/json");
      write_member(writer, "message_body", request.body);
    }
    writer.EndObject();
  });
}

bool WebSocketRest::send(HttpRequest& request, Done& done) {
  const uint64_t number = next_number_++;
  std::string text = message(number, request);
  if (text.size() > options_.max_frame_bytes || !handlers_.send(std::move(text))) return false;
  auto open = std::make_unique<Open>(loop_);
  open->request = std::move(request);
  open->done = std::move(done);
  open->deadline.once(open->request.timeout, [this, number] { on_timeout(number); });
  open_.emplace(number, std::move(open));
  return true;
}

void WebSocketRest::on_timeout(uint64_t number) {
  const HttpRequest& request = open_.at(number)->request;
  const std::string timeout_ms = std::to_string(request.timeout.count());
  // Asterisk hangs, or a filter drops the answers: a probe finds out which.
  probe();
  finish(number, no_answer(request, "no answer within " + timeout_ms + " ms"));
}

void WebSocketRest::finish(uint64_t number, Result<HttpResponse> result) {
  const auto node = open_.extract(number);
  if (node.empty()) return;  // it was given up
  Open& open = *node.mapped();
  constexpr int not_acceptable = 406;  // Asterisk's answer for what is binary
  if (result && result->status == not_acceptable && open.request.method == "GET") {
    return handlers_.read_elsewhere(std::move(open.request), std::move(open.done));
  }
  open.done(std::move(result));
}

// False: it is none.
bool WebSocketRest::on_cut_answer(std::string_view text) {
  const auto number = number_in(text);
  if (!number) return text.starts_with(type_start);
  const auto node = open_.extract(*number);
  if (node.empty()) return true;
  Open& open = *node.mapped();
  if (open.request.method == "GET") {
    handlers_.read_elsewhere(std::move(open.request), std::move(open.done));
  } else {
    open.done(too_large(open.request, text.size()));
  }
  return true;
}

bool WebSocketRest::receive(std::string_view text, size_t total_bytes) {
  if (!may_be_response(text)) return false;
  if (total_bytes > text.size()) return on_cut_answer(text);
  const Result<Json> answer = parse_json(text);
  if (!answer || find_string(*answer, "type") != response_type) return false;
  const auto number = whole_number<uint64_t>(find_string(*answer, "request_id"));
  const JsonValue* status = find(*answer, "status_code");
  if (!number || status == nullptr || !status->IsInt()) return false;
  if (*number == probe_) {
    on_probed(status->GetInt() == 200);
  } else {
    finish(*number, HttpResponse{status->GetInt(), std::string(find_string(*answer, "content_type")),
                                 std::string(find_string(*answer, "message_body"))});
  }
  return true;
}

}  // namespace aribus::ari
