#include "nats/request.h"

#include <charconv>

#include "nats/subject.h"
#include "protocol/rpc.h"
#include "protocol/rpc_code.h"

namespace aribus::nats {
namespace {

constexpr size_t max_request_values = 16'384;  // the daemon's: docs/protocol.md, "Requests and answers"
constexpr size_t max_key_bytes = 128;          // the daemon's: docs/protocol.md, "Repeating safely"

Error wrong_param(std::string_view name, std::string_view expected, const std::string& message) {
  return {ErrorKind::invalid_params, std::string(name) + ": " + message, render([&](JsonWriter& writer) {
            writer.StartObject();
            write_member(writer, "parameter", name);
            write_member(writer, "expected", expected);
            writer.EndObject();
          })};
}

}  // namespace

Result<Request> read_member_request(std::string_view text, std::string& id) {
  const Result<Json> parsed = parse_json(text, max_request_values);
  if (!parsed) {
    id = rpc::id_in(text);
    return parsed.error();
  }
  id = rpc::id_of(*parsed);
  if (parsed->IsArray()) {
    return Error{ErrorKind::invalid_request,
                 "a batch can't be sent over NATS: send each request as a message of its own",
                 {}};
  }
  const Result<rpc::Request> read = rpc::read_request(*parsed);
  if (!read) return read.error();
  Request request{read->method, copy_of(*read->params), read->id};
  if (request.params.IsNull()) request.params.SetObject();
  return request;
}

Result<Request> read_request(std::string_view text, std::string& id) {
  Result<Request> request = read_member_request(text, id);
  if (!request || (request->method != "subscribe" && request->method != "unsubscribe")) return request;
  return Error{ErrorKind::unknown_method,
               request->method + ": not available over NATS; read records from the stream ARIBUS_<pbx>",
               {}};
}

Result<void> check_for_any(const Request& request) {
  if (find(request.params, "key") != nullptr) {
    return wrong_param(
        "key", "no key",
        "a repeat could reach another PBX, and be carried out again there. Ask `any` for a PBX "
        "first (the answer to `ping` has its name in the header Aribus-Pbx), and send the "
        "command to that one");
  }
  if (find(request.params, "server") != nullptr) {
    return wrong_param("server", "no server",
                       "the command could reach a PBX without this server. Send it to the PBX that has it");
  }
  return {};
}

Result<void> keep_key_apart(Request& request, std::string_view rule) {
  const JsonValue* key = find(request.params, "key");
  if (key == nullptr || !key->IsString() || key->GetStringLength() == 0) return {};  // the daemon refuses it
  // A token has no '/', so rule `a` with key `b/c` differs from rule `a/b` with key `c`.
  const std::string prefix = token(rule) + "/";
  const size_t room = max_key_bytes > prefix.size() ? max_key_bytes - prefix.size() : 0;
  if (key->GetStringLength() > room) {
    return wrong_param("key", "a string of 1 to " + std::to_string(room) + " bytes",
                       "a string of at most " + std::to_string(room) + " bytes is expected, not of " +
                           std::to_string(key->GetStringLength()) + ": aribus-nats puts '" + prefix +
                           "' in front of it");
  }
  set_member(request.params, "key", prefix + std::string(as_view(*key)));
  return {};
}

std::optional<Answer> read_answer(std::string_view line) {
  constexpr std::string_view head = R"({"jsonrpc":"2.0","id":)";
  constexpr std::string_view result = R"(,"result":)";
  constexpr std::string_view error = R"(,"error":{"code":)";
  if (!line.starts_with(head)) return {};
  Answer answer;
  const char* const end = line.data() + line.size();
  const auto number = std::from_chars(line.data() + head.size(), end, answer.number);
  if (number.ec != std::errc()) return {};
  answer.rest = {number.ptr, static_cast<size_t>(end - number.ptr)};
  if (answer.rest.starts_with(result)) return answer;
  if (!answer.rest.starts_with(error)) return {};
  int code = 0;
  std::from_chars(number.ptr + error.size(), end, code);
  answer.outcome = outcome_of({kind_of(code), {}, {}});
  return answer;
}

std::string answer_text(std::string_view id, const Answer& answer) {
  std::string text = R"({"jsonrpc":"2.0","id":)";
  text.reserve(text.size() + id.size() + answer.rest.size());
  text += id;
  text += answer.rest;
  return text;
}

Outcome outcome_of(const Error& error) {
  if (error.kind == ErrorKind::not_connected) return Outcome::not_sent;
  return error.kind == ErrorKind::outcome_unknown ? Outcome::unknown : Outcome::failed;
}

Error too_long(size_t bytes, size_t limit) {
  const std::string data =
      R"({"bytes":)" + std::to_string(bytes) + R"(,"limit":)" + std::to_string(limit) + "}";
  return {ErrorKind::outcome_unknown,
          "the answer has " + std::to_string(bytes) + " bytes, and a message in NATS at most " +
              std::to_string(limit) +
              " (max_payload of nats-server): the command was sent, but its answer can't be "
              "delivered. Request less, or increase max_payload",
          data};
}

}  // namespace aribus::nats
