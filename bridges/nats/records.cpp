#include "nats/records.h"

#include "client/messages.h"
#include "json/json_builder.h"

namespace aribus::nats {
namespace {

constexpr std::chrono::seconds connect_patience{10};
constexpr size_t max_line_bytes = size_t{64} << 20;

using client::LineSocket;

}  // namespace

Result<Json> Records::ask(std::string_view method, std::string_view params) {
  const auto until = LineSocket::Clock::now() + connect_patience;
  const uint64_t id = ++last_id_;
  const Result<std::string> line = client::request_line(id, method, params);
  if (!line) return line.error();
  if (auto written = socket_.write(*line + "\n", until); !written) return written.error();
  LineSocket::Deadline deadline{until};
  for (;;) {
    const auto answer = socket_.read_line(deadline);
    if (!answer) return answer.error();
    if (!*answer)
      return Error{
          ErrorKind::not_connected, "aribusd did not answer " + std::string(method) + " in 10 s", {}};
    if (read_envelope(**answer).kind != Envelope::Kind::other) continue;  // of the earlier subscription
    Result<Json> parsed = parse_own_json(**answer);
    if (!parsed || !parsed->IsObject()) continue;
    // An error without an id means that the daemon refuses the connection.
    const JsonValue* of = find(*parsed, "id");
    if (of != nullptr && (of->IsNull() || (of->IsUint64() && of->GetUint64() == id)))
      return client::result_of(std::move(*parsed));
  }
}

Result<Records> Records::open(const RecordsOptions& options, const Place& after) {
  Result<LineSocket> socket = LineSocket::connect(options.socket, connect_patience, max_line_bytes);
  if (!socket) return socket.error();
  Records records(options, std::move(*socket));
  if (auto subscribed = records.subscribe(after, "oldest"); !subscribed) return subscribed.error();
  return records;
}

Result<void> Records::begin_with_newest() {
  return subscribe({}, "newest");
}

Result<void> Records::subscribe(const Place& after, std::string_view from) {
  const std::string params = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "from", from);
    if (!after.stream.empty()) write_member(writer, "since", after.text());
    for (const auto& [name, globs] :
         {std::pair("types", &options_.types), std::pair("exclude", &options_.exclude)}) {
      if (globs->empty()) continue;
      write_key(writer, name);
      writer.StartArray();
      for (const std::string& glob : *globs) write_string(writer, glob);
      writer.EndArray();
    }
    writer.EndObject();
  });
  const Result<Json> subscribed = ask("subscribe", params);
  if (!subscribed) return subscribed.error();
  begin_ = Place::parse(find_string(*subscribed, "cursor"));
  reason_ = find_string(*subscribed, "reason");
  goes_on_ = reason_.empty();
  if (begin_.stream.empty())
    return Error{ErrorKind::malformed, "aribusd answered subscribe without a cursor", {}};
  return {};
}

Result<std::optional<Envelope>> Records::next(Milliseconds timeout) {
  LineSocket::Deadline deadline{LineSocket::Clock::now() + timeout};
  for (;;) {
    const auto line = socket_.read_line(deadline);
    if (!line) return line.error();
    if (!*line) return std::optional<Envelope>();
    Envelope envelope = read_envelope(**line);
    if (envelope.kind != Envelope::Kind::other) return std::optional(std::move(envelope));
  }
}

}  // namespace aribus::nats
