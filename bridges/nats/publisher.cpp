#include "nats/publisher.h"

#include <algorithm>
#include <thread>

#include <spdlog/spdlog.h>

#include "base/json.h"
#include "base/time.h"
#include "nats/subject.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds first_pause{100}, longest_pause{5000};
constexpr milliseconds idle{100};          // between looks at whether to stop
constexpr milliseconds answers_every{2};   // while records are under way
constexpr milliseconds no_answer{10'000};  // then the connection is of no use
constexpr std::chrono::seconds state_every{1};
constexpr size_t headers_bytes = 512;  // room for a message's headers within the server's limit

Error stopped_error() {
  return {ErrorKind::not_connected, "it was stopped", {}};
}

}  // namespace

void Publisher::run(const std::function<bool()>& stopped) {
  milliseconds pause = first_pause;
  std::string told;
  while (!stopped()) {
    const auto began = Clock::now();
    const Error error = publish(stopped);
    figures_.publishes = false;
    figures_.under_way = 0;
    if (stopped()) return;
    figures_.restarts += 1;
    if (Clock::now() - began > longest_pause) pause = first_pause;  // it went well for a while
    if (std::exchange(told, error.message) != error.message || pause == first_pause)
      spdlog::warn("{}. aribus-nats goes on from what the stream in NATS holds", error.message);
    for (const auto until = Clock::now() + pause; Clock::now() < until && !stopped();)
      std::this_thread::sleep_for(std::min(pause, idle));
    pause = std::min(pause * 2, longest_pause);
  }
}

Place Publisher::place_at(const StreamEnd& end) const {
  if (Place place = Place::parse(end.last_id); !place.stream.empty()) return place;
  const StateFile::State& state = state_.state();
  if (end.last > 0 && state.last != end.last) {
    spdlog::warn(
        "the stream {} in NATS holds no record any more, and {} remembers sequence {} where the stream ended "
        "with {}: "
        "records between them may be published twice",
        options_.stream.name, "the state file", state.last, end.last);
  }
  return state.place;
}

Error Publisher::publish(const std::function<bool()>& stopped) {
  Result<JetStream> nats = JetStream::connect(options_.nats);
  if (!nats) return nats.error();
  const Result<StreamEnd> end = nats->open(options_.stream);
  if (!end) return end.error();
  const Place place = place_at(*end);
  Result<Records> records = Records::open(options_.records, place);
  if (!records) return records.error();
  Window window(end->last, place);
  spdlog::info("publishing to the stream {} at {}, behind record {}", options_.stream.name, options_.nats.url,
               place.stream.empty() ? "none" : place.text());
  figures_.publishes = true;
  if (!place.stream.empty() && !records->goes_on()) {
    if (auto sent = send_restarted(*nats, window, *records); !sent) return sent.error();
  }
  const std::string stream = records->begin().stream;
  auto progress = Clock::now();
  for (size_t stored = 0; !stopped();) {
    const bool waits = !window.is_empty();
    if (!window.is_full()) {
      const auto envelope = records->next(waits ? answers_every : idle);
      if (!envelope) return envelope.error();
      if (*envelope) {
        if (auto sent = send(*nats, window, **envelope, stream); !sent) return sent.error();
      } else if (!nats->is_connected()) {
        return {ErrorKind::not_connected, "the connection to NATS has ended", {}};
      }
    }
    if (auto taken = take_answers(*nats, window, window.is_full() ? idle : milliseconds(0)); !taken)
      return taken.error();
    if (window.is_empty() || stored != window.last()) progress = Clock::now();
    stored = window.last();
    if (Clock::now() - progress > no_answer)
      return {ErrorKind::not_connected, "JetStream has acknowledged nothing for 10 s", {}};
    remember(window, false);
  }
  const auto until = Clock::now() + std::chrono::seconds(2);  // what is under way is stored, and known to be
  while (!window.is_empty() && Clock::now() < until) {
    if (!take_answers(*nats, window, idle)) break;
  }
  remember(window, true);
  return stopped_error();
}

Result<void> Publisher::take_answers(JetStream& from, Window& window, milliseconds wait) {
  while (!window.is_empty()) {
    const auto answer = from.next_answer(std::exchange(wait, milliseconds(0)));
    if (!answer) return answer.error();
    if (!*answer) break;
    const size_t before = window.size();
    if (auto taken = window.answered((*answer)->expected, (*answer)->text); !taken) return taken;
    figures_.stored += before - window.size();
    figures_.under_way = window.size();
  }
  return {};
}

Result<void> Publisher::send(JetStream& to, Window& window, const Envelope& envelope,
                             const std::string& stream) {
  const Place place{stream, envelope.seq};
  const bool lost = envelope.kind == Envelope::Kind::lost;
  std::string text;
  std::string_view payload = envelope.text;
  if (lost) {
    text = R"({"seq":)" + std::to_string(envelope.seq) + R"(,"time":")" + to_rfc3339(wall_now()) +
           R"(","type":"lost",)" + std::string(envelope.text.substr(1));
    payload = text;
    spdlog::warn("records up to {} were gone before they could be published: {}", place.text(),
                 envelope.text);
  }
  const std::string subject =
      record_subject(options_.pbx, envelope.server, envelope.app, lost ? "lost" : envelope.type);
  if (to.max_bytes() > 0 && payload.size() + headers_bytes + subject.size() > to.max_bytes()) {
    text = render([&](JsonWriter& writer) {
      writer.StartObject();
      write_key(writer, "seq");
      writer.Uint64(envelope.seq);
      write_member(writer, "server", envelope.server);
      write_member(writer, "app", envelope.app);
      write_member(writer, "type", envelope.type);
      write_key(writer, "truncated");
      writer.Bool(true);
      write_key(writer, "bytes");
      writer.Uint64(payload.size());
      writer.EndObject();
    });
    payload = text;
  }
  if (auto sent = to.publish(subject, place.text(), window.expected(), payload); !sent) return sent;
  window.sent(place, payload.size());
  figures_.under_way = window.size();
  return {};
}

// The daemon has begun another stream: what it had of the one before, and was not published, is gone.
Result<void> Publisher::send_restarted(JetStream& to, Window& window, const Records& records) {
  const Place begin{records.begin().stream, 0};
  const std::string text = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_key(writer, "seq");
    writer.Uint64(0);
    write_member(writer, "time", to_rfc3339(wall_now()));
    write_member(writer, "type", "bus.restarted");
    write_member(writer, "stream", begin.stream);
    write_member(writer, "previous", window.stored().text());
    write_member(writer, "reason", records.reason());
    writer.EndObject();
  });
  spdlog::warn("records behind {} may be missing: {}", window.stored().text(), records.reason());
  if (auto sent = to.publish(record_subject(options_.pbx, "", "", "bus.restarted"), begin.text(),
                             window.expected(), text);
      !sent)
    return sent;
  window.sent(begin, text.size());
  return {};
}

void Publisher::remember(const Window& window, bool now) {
  if (window.stored().stream.empty() || window.last() == state_.state().last) return;
  if (!now && Clock::now() - remembered_ < state_every) return;
  remembered_ = Clock::now();
  if (auto written = state_.write({state_.state().installation, window.stored(), window.last()}); !written)
    spdlog::warn("{}. After all records in NATS have expired, some may be published twice",
                 written.error().message);
}

}  // namespace aribus::nats
