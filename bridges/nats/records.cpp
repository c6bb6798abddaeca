#include "nats/records.h"

#include "base/object_text.h"
#include "client/messages.h"

namespace aribus::nats {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr size_t max_line_bytes = size_t{64} << 20;

using client::LineSocket;

}  // namespace

Result<Json> Records::ask(uint64_t id, std::string_view method, std::string_view params) {
  const auto until = LineSocket::Clock::now() + patience;
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
    Result<Json> parsed = parse_json(**answer);
    if (parsed && parsed->IsObject() && find(*parsed, "id") != nullptr)
      return client::result_of(std::move(*parsed));
  }
}

Result<Records> Records::open(const RecordsOptions& options, const Place& after) {
  Result<LineSocket> socket = LineSocket::connect(options.socket, patience, max_line_bytes);
  if (!socket) return socket.error();
  Records records(std::move(*socket));
  const std::string params = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "from", "oldest");
    if (!after.stream.empty()) write_member(writer, "since", after.text());
    for (const auto& [name, globs] :
         {std::pair("types", &options.types), std::pair("exclude", &options.exclude)}) {
      if (globs->empty()) continue;
      write_key(writer, name);
      writer.StartArray();
      for (const std::string& glob : *globs) write_string(writer, glob);
      writer.EndArray();
    }
    writer.EndObject();
  });
  const Result<Json> subscribed = records.ask(1, "subscribe", params);
  if (!subscribed) return subscribed.error();
  records.begin_ = Place::parse(find_string(*subscribed, "cursor"));
  records.reason_ = find_string(*subscribed, "reason");
  records.goes_on_ = records.reason_.empty();
  if (records.begin_.stream.empty())
    return Error{ErrorKind::malformed, "aribusd answered subscribe without a cursor", {}};
  return records;
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
