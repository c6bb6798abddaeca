#include "nats/publisher.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/time.h"
#include "json/json.h"
#include "json/json_builder.h"
#include "nats/pauses.h"
#include "nats/subject.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle{100};            // longest time between checks for a stop
constexpr milliseconds between_bursts{3};    // while acknowledgements are pending
constexpr milliseconds no_answer{10'000};    // without an acknowledgement, before it reconnects
constexpr milliseconds last_answers{2'000};  // to wait for acknowledgements when it is stopped
constexpr std::chrono::seconds state_every{5};
constexpr size_t headers_bytes = 512;  // reserved for a message's headers within the server's limit
constexpr int refusals_suffered = 5;
constexpr std::chrono::seconds undisturbed{60};
constexpr std::chrono::minutes alone_for{1};  // after nats-server had no room for a message
constexpr std::chrono::seconds same_error_after{60};

Error stopped_error() {
  return {ErrorKind::not_connected, "it was stopped", {}};
}

// A reason without the parts that vary: numbers and quoted text.
std::string without_details(std::string_view reason) {
  std::string out;
  bool quoted = false;
  for (const char c : reason) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c < '0' || c > '9')) out += c;
  }
  return out;
}

}  // namespace

// The lifetime of one pair of connections, to NATS and to the daemon.
struct Publisher::Session {
  JetStream& nats;
  Records& records;
  Window window;
  uint64_t skip;        // records to skip, because NATS has had them
  const Place after;    // it resumes after this place
  const StreamEnd end;  // of the stream in NATS at the start
  const Clock::time_point alone_until;
  // The first message is sent alone: if JetStream accepts none, each attempt would send thousands in vain.
  [[nodiscard]] bool takes_more() const {
    return window.is_empty() ||
           (window.last() != end.last && !window.is_full() && Clock::now() >= alone_until);
  }

  Clock::time_point begun = Clock::now();
  Clock::time_point progress = begun;  // the last time of an acknowledgement, or without pending messages
};

Result<void> Publisher::run(const std::function<bool()>& stopped) {
  milliseconds pause = first_pause;
  while (!stopped()) {
    const auto began = Clock::now();
    const uint64_t stored = figures_.stored;
    const Error error = publish(stopped);
    figures_.publishes = false;
    figures_.under_way = 0;
    if (stopped()) return {};
    if (gives_up_) return error;
    figures_.restarts += 1;
    figures_.set_reason(error.message);
    if (figures_.stored != stored && Clock::now() - began > longest_pause) {  // it worked for a while
      pause = first_pause;
      std::erase_if(told_, [](const auto& one) { return Clock::now() - one.second > same_error_after; });
    }
    tell(error);
    for (const auto until = Clock::now() + pause; Clock::now() < until && !stopped();) {
      note_turn();
      std::this_thread::sleep_for(std::min(pause, idle));
    }
    pause = std::min(pause * 2, longest_pause);
  }
  return {};
}

Error Publisher::publish(const std::function<bool()>& stopped) {
  note_turn();
  Result<JetStream> nats = JetStream::connect(options_.nats);
  if (!nats) return nats.error();
  const Result<StreamEnd> end = nats->open(options_.stream, state_.state().last);
  if (!end) return end.error();
  if (has_rival(*end)) {
    gives_up_ = true;
    return {ErrorKind::refused,
            "another aribus-nats publishes to the stream " + options_.stream.name +
                " in NATS, with a copy of this one's state file. Stop one of the two; on a machine that was "
                "copied from another, choose another name and delete the copied state_file",
            {}};
  }
  const Resumption resumption = Resumption::of(*end, state_.state());
  if (!resumption.doubt.empty()) spdlog::warn("{}", resumption.doubt);
  Result<Records> records = Records::open(options_.records, resumption.after);
  if (!records) return records.error();
  const uint64_t ahead = ahead_.last == end->last ? ahead_.by : 0;
  Session session{*nats,           *records,         Window(end->last, resumption.after, ahead),
                  resumption.skip, resumption.after, *end,
                  alone_until_};
  remember(session, true);
  figures_.set_place(resumption.after);
  const Error error = publish(session, stopped);
  note_end(session);
  return error;
}

Error Publisher::publish(Session& session, const std::function<bool()>& stopped) {
  if (auto reported = report_missing(session, stopped); !reported) return reported.error();
  if (auto begun = begin(session); !begun) return begun.error();
  while (!stopped()) {
    note_turn();
    // Sends all available records together: waking up for each would cost more than sending it.
    milliseconds wait = session.window.is_empty() ? idle : milliseconds(0);
    bool none_left = false;
    while (!none_left && session.takes_more()) {
      const auto envelope = session.records.next(std::exchange(wait, milliseconds(0)));
      if (!envelope) return envelope.error();
      none_left = !*envelope;
      if (*envelope) {
        if (auto done = send(session, **envelope); !done) return done.error();
      }
    }
    if (none_left && !session.nats.is_connected())
      return {ErrorKind::not_connected, "the connection to NATS has ended", {}};
    if (auto taken = take_answers(session, none_left ? milliseconds(0) : idle); !taken) return taken.error();
    note_publishing(session, none_left);
    remember(session, false);
    if (none_left && !session.window.is_empty()) std::this_thread::sleep_for(between_bursts);
  }
  for (const auto until = Clock::now() + last_answers; !session.window.is_empty() && Clock::now() < until;) {
    if (!take_answers(session, idle)) break;
  }
  remember(session, true);
  return stopped_error();
}

void Publisher::note_end(const Session& session) {
  const Window& window = session.window;
  if (window.lacks_room()) alone_until_ = Clock::now() + alone_for;
  // Whatever ended the session: nats-server may have refused one of them, and the answer was not read.
  if (window.size() > 1)
    write_state({state_.state().installation, window.stored(), window.last(), {}, window.flight()});
  // Also if it no longer is: a nats-server that was restarted has counted again.
  if (const auto ahead = window.believed_ahead()) ahead_ = {window.last(), *ahead};
}

void Publisher::forget_flight() {
  StateFile::State state = state_.state();
  state.flight = {};
  write_state(std::move(state));
}

Result<void> Publisher::report_missing(Session& session, const std::function<bool()>& stopped) {
  const StateFile::State& known = state_.state();
  if (known.flight.seqs.empty()) return {};
  const Place place = session.window.stored();
  const auto id_for = [&](const Missing& missing) {
    return place.text() + ":lost:" + std::to_string(missing.from);
  };
  if (known.flight.read != session.end.last) {
    Flight flight = known.flight;
    if (flight.missing.records == 0 && shows_no_hole(session.end, flight)) return {};
    const auto stored = read_flight(session, flight, stopped);
    if (!stored) return stored.error();
    // What was read before may be gone: expired, or purged.
    if (const Missing found = missing_of(flight, stored->places); found.records >= flight.missing.records)
      flight.missing = found;
    if (std::ranges::find(stored->reports, id_for(flight.missing)) != stored->reports.end()) {
      forget_flight();  // reported, but an earlier session did not get the acknowledgement
      return {};
    }
    flight.read = session.end.last;
    // Written before it is sent: later, the stream may no longer show it.
    if (flight.missing.records > 0)
      write_state({known.installation, place, session.window.last(), {}, std::move(flight)});
  }
  const Missing missing = known.flight.missing;
  // If the stream has lost its newest messages, what was missing is published again, too.
  if (missing.records == 0 || place.stream != known.flight.stream || place.seq < missing.to) return {};
  if (auto sent = send_lost(session, place, id_for(missing), missing); !sent) return sent;
  lost_.warn(fmt::format("NATS had no room for {} of the records {} to {}, and took later ones",
                         missing.records, missing.from, missing.to));
  return {};
}

Result<Publisher::Stored> Publisher::read_flight(Session& session, const Flight& flight,
                                                 const std::function<bool()>& stopped) {
  Stored stored;
  const auto take = [&](std::string_view id) {
    note_turn();
    Place place = Place::parse(id);
    if (place.stream == flight.stream && place.seq > flight.seqs.back()) return false;  // behind them
    if (id != place.text()) stored.reports.emplace_back(id);
    stored.places.push_back(std::move(place));
    return !stopped();
  };
  const uint64_t first = std::max(flight.after + 1, session.end.first);
  if (auto read = session.nats.read_ids(options_.stream.name, first, session.end.last, take); !read)
    return read.error();
  if (stopped()) return stopped_error();
  return stored;
}

// Publishes a report if the daemon's stream does not continue after the last published record.
Result<void> Publisher::begin(Session& session) {
  Records& records = session.records;
  const Place after = session.window.stored();
  if (records.goes_on()) return {};
  session.skip = 0;  // they were of the former stream
  const std::string reason = records.reason();
  const bool put_back = records.begin().stream == after.stream;
  if (put_back) {
    if (auto begun = records.begin_with_newest(); !begun) return begun;
  }
  const Place place{records.begin().stream, put_back ? records.begin().seq : 0};
  spdlog::warn("records after {} may be missing in NATS: {}", after.text(), reason);
  ObjectBuilder report;
  report.json("seq", std::to_string(place.seq))
      .text("time", to_rfc3339(wall_now()))
      .text("type", "bus.restarted")
      .text("stream", place.stream)
      .text("previous", after.text())
      .text("reason", reason);
  // The daemon's stream may already have a record at this place.
  const std::string id =
      put_back ? place.text() + ":restarted:" + std::to_string(session.window.last()) : place.text();
  return send_report(session, place, id, "bus.restarted", report.str());
}

Result<void> Publisher::send(Session& session, const Envelope& envelope) {
  if (envelope.kind == Envelope::Kind::lost) return send_lost(session, envelope);
  Place place{session.records.begin().stream, envelope.seq};
  if (session.skip > 0) {
    --session.skip;
    session.window.had(std::move(place));
    return {};
  }
  const std::string subject = record_subject(options_.pbx, envelope.server, envelope.app, envelope.type);
  std::string shortened;
  std::string_view text = envelope.text;
  const size_t most = session.nats.max_bytes();
  if (const size_t around = headers_bytes + subject.size(); most > 0 && text.size() + around > most) {
    shortened = truncated(text, most > around ? most - around : 0);
    text = shortened;
    figures_.truncated += 1;
    truncated_.warn(fmt::format(
        "record {} ({}) has {} bytes, and the max_payload of NATS is {}: it is published without its content",
        place.text(), envelope.type, envelope.text.size(), most));
  }
  Window& window = session.window;
  if (auto sent = session.nats.publish(subject, place.text(), window.expected(), text); !sent) return sent;
  window.sent(std::move(place), text.size());
  return {};
}

Result<void> Publisher::send_lost(Session& session, const Envelope& envelope) {
  const RecordsOptions& asked = options_.records;
  const bool filtered = !asked.types.empty() || !asked.exclude.empty();
  const Lost lost = Lost::without_first(session.skip, {envelope.from, envelope.seq}, filtered);
  const Place place{session.records.begin().stream, envelope.seq};
  if (lost.from > lost.to) {
    session.window.had(place);
    return {};
  }
  const uint64_t records = lost.to - lost.from + 1;
  lost_.warn(fmt::format("records {} to {} ({}) left aribusd's ring before they were published", lost.from,
                         lost.to, records));
  return send_lost(session, place, place.text(), {lost.from, lost.to, records});
}

Result<void> Publisher::send_lost(Session& session, const Place& place, const std::string& id,
                                  const Missing& lost) {
  ObjectBuilder report;
  report.json("seq", std::to_string(lost.to))
      .text("time", to_rfc3339(wall_now()))
      .text("type", "lost")
      .json("from", std::to_string(lost.from))
      .json("to", std::to_string(lost.to))
      .json("records", std::to_string(lost.records));
  auto sent = send_report(session, place, id, "lost", report.str());
  if (sent) figures_.lost += lost.records;
  return sent;
}

Result<void> Publisher::send_report(Session& session, const Place& place, const std::string& id,
                                    const std::string& type, const std::string& text) {
  if (auto drained = drain(session); !drained) return drained;
  remember(session, true, place);
  Window& window = session.window;
  const std::string subject = record_subject(options_.pbx, "", "", type);
  if (auto sent = session.nats.publish(subject, id, window.expected(), text); !sent) return sent;
  window.sent(place, text.size());
  if (auto drained = drain(session); !drained) return drained;
  remember(session, true);
  return {};
}

Result<void> Publisher::take_answers(Session& session, milliseconds wait) {
  Window& window = session.window;
  const uint64_t before = window.last();
  while (!window.is_empty()) {
    const auto answer = session.nats.next_answer(std::exchange(wait, milliseconds(0)));
    if (!answer) return answer.error();
    if (!*answer) break;
    if (auto taken = window.answered((*answer)->expected, (*answer)->text); !taken) {
      refused_ = taken.error().kind == ErrorKind::refused && Clock::now() - session.begun < undisturbed;
      return taken;
    }
  }
  figures_.under_way = window.size();
  if (window.last() != before) {
    figures_.stored += window.last() - before;
    figures_.set_place(window.stored());
    if (!state_.state().flight.seqs.empty()) forget_flight();  // nothing of it can arrive any more
  }
  if (window.is_empty() || window.last() != before) session.progress = Clock::now();
  if (Clock::now() - session.progress > no_answer) {
    return Error{ErrorKind::not_connected,
                 "JetStream has acknowledged nothing for 10 s" + session.nats.complaint(),
                 {}};
  }
  return {};
}

Result<void> Publisher::drain(Session& session) {
  while (!session.window.is_empty()) {
    note_turn();
    if (auto taken = take_answers(session, idle); !taken) return taken;
  }
  return {};
}

void Publisher::remember(const Session& session, bool now, const Place& report) {
  if (session.skip > 0) return;  // stored() and last() are not of the same message yet
  const Window& window = session.window;
  const StateFile::State& known = state_.state();
  if (state_.is_written() && window.last() == known.last && window.stored() == known.place &&
      report == known.report)
    return;
  if (!now && !known.place.stream.empty() && Clock::now() - remembered_ < state_every) return;
  remembered_ = Clock::now();
  write_state({known.installation, window.stored(), window.last(), report, known.flight});
}

void Publisher::write_state(StateFile::State state) {
  const auto written = state_.write(std::move(state));
  const bool is_logged = std::exchange(unwritable_, !written);
  if (written) return;
  if (!is_logged) {
    spdlog::warn("{}. Once all records in NATS have expired, some may be published twice",
                 written.error().message);
  }
  if (const Flight& flight = state_.state().flight; !flight.seqs.empty()) {
    unkept_.warn(
        fmt::format("{}. If aribus-nats ends before the records {} to {} are in NATS, some of them may be "
                    "missing there, and no record says so",
                    written.error().message, flight.seqs.front(), flight.seqs.back()));
  }
}

void Publisher::note_publishing(const Session& session, bool none_left) {
  const Window& window = session.window;
  if (figures_.publishes || (window.last() == session.end.last && !(none_left && window.is_empty()))) return;
  figures_.set_reason("");
  figures_.publishes = true;
  if (std::exchange(tells_return_, false)) {
    spdlog::info(
        "publishing to the stream {} in NATS at {}, {}", options_.stream.name, options_.nats.url,
        session.after.stream.empty() ? "from the oldest record" : "after record " + session.after.text());
  }
}

void Publisher::tell(const Error& error) {
  if (!told_.emplace(without_details(error.message), Clock::now()).second) return;
  tells_return_ = true;
  spdlog::warn("not publishing: {}; retrying, records wait in the ring of aribusd", error.message);
}

void Publisher::note_turn() {
  figures_.turned_ms = std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

bool Publisher::has_rival(const StreamEnd& end) {
  // One refusal is normal: messages of a broken connection may be stored late. Messages of other programs
  // cause refusals, too, but they are counted in `others`.
  refusals_ = refused_ && end.others == 0 ? refusals_ + 1 : 0;
  refused_ = false;
  return refusals_ >= refusals_suffered;
}

}  // namespace aribus::nats
