#include "nats/member_link.h"

#include <vector>

#include "nats/request.h"
#include "nats/subject.h"
#include "protocol/rpc.h"

namespace aribus::nats {
namespace {

constexpr std::string_view from_members = "aribus.v1.member.";
constexpr std::string_view to_members = "aribus.v1.to-member.";

Error hole(uint64_t expected, uint64_t number) {
  return {ErrorKind::malformed,
          "message " + std::to_string(number) + " of the member came where " + std::to_string(expected) +
              " was expected",
          {}};
}

}  // namespace

std::optional<MemberSubject> MemberSubject::parse(std::string_view subject) {
  if (!subject.starts_with(from_members)) return {};
  subject.remove_prefix(from_members.size());
  std::vector<std::string> tokens;
  for (size_t end = 0; end != std::string_view::npos; subject.remove_prefix(end + 1)) {
    end = subject.find('.');
    tokens.emplace_back(subject.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  if (tokens.size() != 4) return {};
  return MemberSubject{tokens[0], tokens[1], tokens[2], tokens[3]};
}

std::string MemberSubject::to_member(std::string_view link) const {
  std::string out(to_members);
  for (const std::string_view part :
       {std::string_view(pbx), std::string_view(rule), std::string_view(group), std::string_view(member)}) {
    out += part;
    out += '.';
  }
  out += link;
  return out;
}

std::string accepting_subject(std::string_view pbx, std::string_view rule) {
  std::string out(to_members);
  out += pbx;
  out += '.';
  out += rule;
  return out;
}

Result<void> MemberLink::take(const FromMember& message, Clock::time_point now) {
  if (message.number != taken_ + 1) return hole(taken_ + 1, message.number);
  if (message.received < acknowledged_ || message.received > sent_) {
    return Error{ErrorKind::malformed,
                 "the member acknowledges message " + std::to_string(message.received) +
                     ", and those up to " + std::to_string(sent_) + " were sent",
                 {}};
  }
  heard_ = now;
  taken_ = message.number;
  for (; acknowledged_ < message.received; ++acknowledged_) {
    unacknowledged_bytes_ -= unacknowledged_.front();
    unacknowledged_.pop_front();
  }
  if (unacknowledged_.size() > max_unacknowledged_signs)
    return Error{ErrorKind::too_much, "the member acknowledges nothing", {}};
  if (message.data.empty()) owes_answer_ = true;
  begun_ += message.data;
  size_t taken = 0;
  for (size_t end = 0; (end = begun_.find('\n', taken)) != std::string::npos; taken = end + 1)
    on_request(std::string_view(begun_).substr(taken, end - taken));
  begun_.erase(0, taken);
  if (begun_.size() > options_.max_request_bytes) {
    return Error{
        ErrorKind::too_much,
        "a request of the member has more than " + std::to_string(options_.max_request_bytes) + " bytes",
        {}};
  }
  if (to_daemon_.size() > max_waiting_bytes || out_.size() + answers_.size() > max_waiting_bytes) {
    return Error{ErrorKind::too_much, "the member sends faster than its requests can be carried out", {}};
  }
  return {};
}

void MemberLink::on_request(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  std::string id = "null";
  Result<std::string> request = checked(line, id);
  if (!request) return answer(rpc::error_text(id, request.error()) + "\n");
  to_daemon_ += *request;
  to_daemon_ += '\n';
}

// The request as the daemon gets it.
Result<std::string> MemberLink::checked(std::string_view line, std::string& id) const {
  Result<Request> request = read_member_request(line, id);
  if (!request) return request.error();
  if (request->method == "subscribe") {
    const std::string_view group = find_string(request->params, "group");
    const std::string_view member = find_string(request->params, "member");
    if (group.empty() || member.empty() || token(group) != options_.subject.group ||
        token(member) != options_.subject.member) {
      return Error{
          ErrorKind::invalid_params,
          "group, member: over NATS a program subscribes with those of the subject to which it sends, '" +
              options_.subject.group + "' and '" + options_.subject.member +
              "'; all records are in the stream ARIBUS_" + options_.subject.pbx,
          {}};
    }
  }
  if (find(request->params, "key") == nullptr) return std::string(line);
  if (auto kept = keep_key_apart(*request, options_.rule); !kept) return kept.error();
  std::string text = R"({"jsonrpc":"2.0",)";
  if (!request->id.empty()) text += R"("id":)" + request->id + ",";
  text += R"("method":)";
  append_json_string(text, request->method);
  return text + R"(,"params":)" + to_text(request->params) + "}";
}

void MemberLink::answer(std::string text) {
  (at_line_start_ ? out_ : answers_) += text;
}

void MemberLink::daemon_wrote(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!answers_.empty()) {
    if (const size_t end = bytes.find('\n'); end != std::string_view::npos) {
      out_ += bytes.substr(0, end + 1);
      out_ += answers_;
      answers_.clear();
      bytes.remove_prefix(end + 1);
      at_line_start_ = true;
    }
  }
  out_ += bytes;
  if (!bytes.empty()) at_line_start_ = bytes.back() == '\n';
}

std::optional<ToMember> MemberLink::next(size_t max_bytes) {
  if (out_.empty() && !owes_answer_) return {};
  // An answer to the member's sign of life goes out in any case.
  const bool is_full =
      unacknowledged_.size() >= max_unacknowledged || unacknowledged_bytes_ >= max_unacknowledged_bytes;
  if (is_full && !owes_answer_) return {};
  ToMember message{.number = ++sent_, .received = taken_};
  if (!is_full) {
    if (out_.size() <= max_bytes) {
      message.data.swap(out_);
    } else {
      message.data = out_.substr(0, max_bytes);
      out_.erase(0, max_bytes);
    }
  }
  owes_answer_ = false;
  unacknowledged_.push_back(message.data.size());
  unacknowledged_bytes_ += message.data.size();
  return message;
}

}  // namespace aribus::nats
