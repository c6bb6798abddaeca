#include "pbx/answer_reader.h"

#include <optional>
#include <utility>

#include "base/utf8.h"
#include "json/json.h"
#include "json/json_tape.h"
#include "record/answer.h"

namespace aribus::pbx {
namespace {

constexpr size_t max_other_bytes = 64 << 10;  // of JSON that is no object or array: a number, a string

// Larger JSON is not read: parsing takes many times its size.
constexpr size_t max_json_bytes = 16 << 20;
constexpr size_t max_json_tokens = 2'000'000;

ResultText binary_result(HttpResponse response) {
  std::string head = R"({"content_type":)";
  append_json_string(head, to_valid_utf8(response.content_type, 128));
  head += R"(,"encoding":"base64","data":")";
  return ResultText(std::move(head)).add_base64(std::move(response.body)).add("\"}");
}

bool looks_like_json(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
}

bool is_too_complex(std::string_view json) {
  return json.size() > max_json_bytes || JsonTape::has_more_tokens(json, max_json_tokens);
}

Error too_complex() {
  return Error{ErrorKind::outcome_unknown,
               "the answer is over the limit of " + std::to_string(max_json_bytes >> 20) + " MiB or " +
                   std::to_string(max_json_tokens) + " tokens of JSON",
               {}};
}

// The body is no result of this request: truncated, nested too deeply, with a number that does not fit a
// double, or from a proxy.
Error unreadable(const HttpResponse& response, const Question& question) {
  const bool reads = question.method == "GET";
  std::string why = std::to_string(response.body.size()) + " bytes of " +
                    (response.content_type.empty() ? "no type" : to_valid_utf8(response.content_type, 128));
  if (looks_like_json(response.body)) {
    const Result<Json> json = parse_json(response.body);  // for the reason
    why = "no JSON: " + (json ? "it could not be read" : json.error().message);
  }
  return Error{reads ? ErrorKind::refused : ErrorKind::outcome_unknown,
               "the answer with status " + std::to_string(response.status) + " can't be read: " + why +
                   (reads ? "" : ": the outcome of " + question.method + " is unknown"),
               render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_key(writer, "status");
                 writer.Int(response.status);
                 write_member(writer, "message", "");
                 write_member(writer, "method", question.method);
                 write_member(writer, "path", question.path);
                 write_member(writer, "content_type", to_valid_utf8(response.content_type, 128));
                 writer.EndObject();
               })};
}

}  // namespace

Result<ResultText> result_of(HttpResponse response, const Question& question) {
  const bool binary = question.declared.type == ari::Type::binary;
  const bool is_long = response.body.size() > max_other_bytes;
  const bool may_be_json = looks_like_json(response.body);
  if (binary || (question.anything && is_long && !may_be_json)) return binary_result(std::move(response));
  if (is_too_complex(response.body)) return too_complex();
  if (auto text = record::normalized_answer(response.body, question.declared))
    return ResultText(std::move(*text));
  const bool says_json = response.content_type.starts_with("application/json") && may_be_json;
  if (question.anything && !says_json) return binary_result(std::move(response));
  return unreadable(response, question);
}

struct AnswerReader::Job {
  Job(HeldBytes& held_bytes, uint64_t user) : held(held_bytes, user) {}

  HeldBytes::Answer held;
  HttpResponse response;
  Question question;
  Done done;
  std::optional<Result<ResultText>> result;
};

bool AnswerReader::read(uint64_t user, HttpResponse response, Question question, Done done) {
  auto job = std::make_shared<Job>(held_, user);
  if (!job->held.add(response.body.size())) return false;
  job->response = std::move(response);
  job->question = std::move(question);
  job->done = std::move(done);
  waiting_[user].push_back(std::move(job));
  start();
  return true;
}

void AnswerReader::start() {
  if (waiting_.empty() || background_.is_busy()) return;
  auto next = waiting_.upper_bound(last_user_);
  if (next == waiting_.end()) next = waiting_.begin();
  last_user_ = next->first;
  const std::shared_ptr<Job> job = std::move(next->second.front());
  next->second.pop_front();
  if (next->second.empty()) waiting_.erase(next);
  background_.start(
      loop_, [job] { job->result = result_of(std::move(job->response), job->question); },
      [this, job] {
        start();
        job->done(std::move(*job->result));
      });
}

}  // namespace aribus::pbx
