#include "client/messages.h"

#include <algorithm>
#include <stdexcept>

#include <unistd.h>

#include "protocol/rpc_code.h"

namespace aribus::client {
namespace {

constexpr size_t max_request_values =
    16'384;  // and names of members: docs/protocol.md, "Requests and answers"

Error malformed(const char* what) {
  return Error{ErrorKind::malformed, std::string("aribusd answered something unexpected: ") + what, {}};
}

Error refusal(const std::string& what) {
  return Error{ErrorKind::invalid_params, "params: " + what + "; nothing was sent", {}};
}

// The text around `at`; bytes that are no ASCII as \xNN.
std::string around(std::string_view text, size_t at) {
  constexpr size_t few = 24;
  const size_t begin = at > few ? at - few : 0;
  std::string shown;
  for (const char c : text.substr(begin, 2 * few)) {
    const auto byte = static_cast<unsigned char>(c);
    static constexpr char hex[] = "0123456789abcdef";
    if (byte >= 0x20 && byte < 0x7F) {
      shown += c;
    } else {
      shown += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return shown;
}

}  // namespace

std::string new_id() {
  unsigned char bytes[8];
  if (::getentropy(bytes, sizeof bytes) != 0) throw std::runtime_error("the system gives no random bytes");
  std::string id = "aribus-";
  static constexpr char hex[] = "0123456789abcdef";
  for (const unsigned char byte : bytes) id += {hex[byte >> 4], hex[byte & 15]};
  return id;
}

std::string_view chosen_id(std::string_view method) {
  static constexpr std::pair<std::string_view, std::string_view> ids[] = {
      {"bridge", "bridgeId"},
      {"bridges.create", "bridgeId"},
      {"bridges.play", "playbackId"},
      {"channels.create", "channelId"},
      {"channels.externalMedia", "channelId"},
      {"channels.originate", "channelId"},
      {"channels.play", "playbackId"},
      {"channels.snoopChannel", "snoopId"},
      {"originate", "channelId"},
      {"play", "playbackId"},
  };
  const auto* const at =
      std::ranges::find(ids, method, &std::pair<std::string_view, std::string_view>::first);
  return at == std::end(ids) ? std::string_view() : at->second;
}

Error unreadable(std::string_view text, const Error& error) {
  const std::string& why = error.message;  // it ends with "(at byte N)"
  const size_t at = std::strtoul(why.c_str() + why.rfind(' ') + 1, nullptr, 10);
  return refusal("well-formed JSON in UTF-8 that the daemon takes is expected, not: " + why + ", \"" +
                 around(text, at) + "\"");
}

Result<std::string> request_line(uint64_t id, std::string_view method, std::string_view params,
                                 size_t max_bytes) {
  std::string line = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "jsonrpc", "2.0");
    write_key(writer, "id");
    writer.Uint64(id);
    write_member(writer, "method", method);
    write_key(writer, "params");
    write_raw(writer, params);
    writer.EndObject();
  });
  if (line.size() > max_bytes) {
    return refusal("a request of at most " + std::to_string(max_bytes) + " bytes is expected, not of " +
                   std::to_string(line.size()));
  }
  // As the daemon reads it.
  if (line.find('\n') != std::string::npos) return refusal("JSON without line ends is expected");
  if (const Result<Json> read = parse_json(line, max_request_values); !read)
    return unreadable(line, read.error());
  return line;
}

Error error_of(const JsonValue& error) {
  Error made;
  const JsonValue* code = find(error, "code");
  made.kind = kind_of(code != nullptr && code->IsInt() ? code->GetInt() : 0);
  made.message = find_string(error, "message");
  if (const JsonValue* data = find(error, "data")) made.data = to_text(*data);
  return made;
}

Json taken_from(Json message, const char* name) {
  JsonValue member(std::move(message.FindMember(name)->value));
  static_cast<JsonValue&>(message).Swap(member);
  return message;
}

Result<Json> result_of(Json message) {
  if (const JsonValue* error = find(message, "error")) {
    if (find_string(*error, "message").empty()) return malformed("an error without a message");
    return error_of(*error);
  }
  if (find(message, "result") == nullptr) return malformed("an answer without a result");
  return taken_from(std::move(message), "result");
}

StrayError read_stray(const JsonValue& error) {
  StrayError stray{&error};
  const JsonValue* code = find(error, "code");
  stray.is_unreadable = code != nullptr && code->IsInt() &&
                        (code->GetInt() == code_of(ErrorKind::malformed) ||
                         code->GetInt() == code_of(ErrorKind::invalid_request));
  const JsonValue* data = find(error, "data");
  const JsonValue* line = data == nullptr ? nullptr : find(*data, "line");
  if (line != nullptr && line->IsUint64()) stray.line = line->GetUint64();
  return stray;
}

}  // namespace aribus::client
