#include "drain.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "json/json.h"
#include "sockets.h"

namespace aribus::bench {
namespace {

constexpr size_t read_bytes = 256 * 1024;
constexpr uint64_t patience_ns = 20 * second_ns;  // without a byte

// The seq of an event's line; 0 for any other line.
uint64_t seq_of(std::string_view line) {
  constexpr std::string_view head = R"({"jsonrpc":"2.0","method":"event","params":{"seq":)";
  uint64_t seq = 0;
  if (line.starts_with(head)) std::from_chars(line.data() + head.size(), line.data() + line.size(), seq);
  return seq;
}

}  // namespace

Drain::Drain(const System& system, const Trace& trace, std::string address, size_t parts)
    : system_(system),
      trace_(trace),
      address_(std::move(address)),
      parts_(parts),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      buffer_(2 * read_bytes, '\0') {
  if (parts != 0 && system.has_seq()) types_ = trace.frequent_types(parts);
  if (system.has_seq()) await_ready(address_);
}

Selection Drain::selection(size_t subscriber) const {
  if (parts_ == 0) return {};
  const size_t part = subscriber % parts_;
  if (types_.empty()) return {{(part + parts_ - events_before_ % parts_) % parts_}, parts_};
  Selection selection{{}, trace_.types.size()};
  for (size_t i = 0; i < trace_.types.size(); ++i) {
    if (trace_.types[i] == types_[part]) selection.places.push_back(i);
  }
  return selection;
}

void Drain::watch(size_t subscriber, bool readable) {
  epoll_event event{readable ? EPOLLIN : 0U, {.u64 = subscriber}};
  const int fd = subscribers_[subscriber].socket.get();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return;
  require(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

void Drain::grow(size_t count) {
  const size_t before = subscribers_.size();
  while (subscribers_.size() < count) {
    Subscribed made =
        subscribe(system_, address_, types_.empty() ? "" : types_[subscribers_.size() % parts_]);
    first_seq_ = made.next_seq;
    subscribers_.emplace_back().socket = std::move(made.socket);
  }
  for (size_t i = before; i < count; ++i) {
    const int fd = subscribers_[i].socket.get();
    settle(system_, fd);
    set_nonblocking(fd);
    watch(i, true);
  }
}

void Drain::set_stalled(const Stall& stall, bool stalled) {
  for (size_t i = 0; i < std::min(stall.subscribers, subscribers_.size()); ++i) {
    subscribers_[i].stalled = stalled;
    subscribers_[i].abandoned = stalled && stall.for_ns == 0;
    watch(i, !stalled);
  }
}

Drained Drain::run(Progress& progress, Stall stall) {
  Drained drained;
  for (size_t i = 0; i < subscribers_.size(); ++i) {
    Subscriber& subscriber = subscribers_[i];
    subscriber.selection = selection(i);
    subscriber.expected = subscriber.selection.count(progress.events);
    subscriber.records = subscriber.lines = subscriber.bytes = 0;
    subscriber.stalls = i < stall.subscribers;
  }
  const uint64_t start = now_ns();
  uint64_t last_byte = start;
  const uint64_t never = UINT64_MAX;
  uint64_t stall_at = stall.subscribers == 0 ? never : start + stall.at_ns;
  uint64_t resume_at = never;
  std::vector<epoll_event> ready(256);
  while (!std::ranges::all_of(subscribers_,
                              [](const auto& s) { return s.abandoned || s.records >= s.expected; })) {
    const uint64_t now = now_ns();
    if (now >= stall_at) {
      set_stalled(stall, true);
      resume_at = stall.for_ns == 0 ? never : stall_at + stall.for_ns;
      stall_at = never;
    }
    if (now >= resume_at) {
      set_stalled(stall, false);
      resume_at = never;
      last_byte = now;
    }
    const uint64_t wake_at = std::min({now + second_ns, stall_at, resume_at});
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()),
                                   static_cast<int>((wake_at - now) / 1'000'000 + 1));
    require(count >= 0 || errno == EINTR, "epoll_wait");
    bool any = false;
    for (int i = 0; i < count; ++i) {
      any = receive(ready[static_cast<size_t>(i)].data.u64, progress, drained) || any;
    }
    if (any) last_byte = now;
    if (resume_at == never && now - last_byte > patience_ns) {
      const auto slow =
          std::ranges::find_if(subscribers_, [](const auto& s) { return s.records < s.expected; });
      fail_because(static_cast<size_t>(slow - subscribers_.begin()), "nothing more comes");
    }
    progress.received.store(received_by_all(progress.events), std::memory_order_release);
    progress.received.notify_one();
  }
  progress.received.store(progress.events, std::memory_order_release);
  progress.received.notify_one();
  check(progress.events);
  for (const Subscriber& subscriber : subscribers_) {
    drained.records += subscriber.records;
    drained.bytes += subscriber.bytes;
  }
  drained.records -= drained.lost_records;
  events_before_ += progress.events;
  first_seq_ += progress.events;
  return drained;
}

// How many of the first events everybody has who reads.
uint64_t Drain::received_by_all(uint64_t events) const {
  uint64_t least = events;
  for (const Subscriber& subscriber : subscribers_) {
    if (!subscriber.stalls) least = std::min(least, subscriber.selection.event(subscriber.records));
  }
  return least;
}

// Reads once from one subscriber; false when nothing was there.
bool Drain::receive(size_t number, const Progress& progress, Drained& drained) {
  Subscriber& subscriber = subscribers_[number];
  const size_t kept = subscriber.rest.size();
  if (kept > read_bytes) fail_because(number, "a line without an end came");
  std::memcpy(buffer_.data(), subscriber.rest.data(), kept);
  const ssize_t count = ::recv(subscriber.socket.get(), buffer_.data() + kept, read_bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) fail_because(number, "it was disconnected");
  const uint64_t now = now_ns();
  const uint64_t before = subscriber.records;
  subscriber.bytes += static_cast<uint64_t>(count);
  const std::string_view bytes = std::string_view(buffer_).substr(0, kept + static_cast<size_t>(count));
  if (system_.websocket) {
    std::string_view rest = bytes;
    const std::string_view lines = lines_of_frames(number, rest);
    subscriber.rest = rest;
    if (!lines.empty()) take_lines(number, lines, drained);
  } else if (system_.has_seq()) {
    const size_t whole = bytes.rfind('\n') + 1;
    subscriber.rest = bytes.substr(whole);
    if (whole > 0) take_lines(number, bytes.substr(0, whole), drained);
  } else {
    subscriber.lines += static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    subscriber.records = subscriber.lines / system_.lines_per_record;
  }
  if (subscriber.records > subscriber.expected) fail_because(number, "too much came");
  if (subscriber.stalls) return true;
  for (uint64_t record = before; record < subscriber.records; ++record) {
    const auto& sent_at = progress.sent_at_ns[subscriber.selection.event(record)];
    drained.latency.add(now - sent_at.load(std::memory_order_relaxed));
  }
  return true;
}

// Takes the whole frames, each a message, from the front of `bytes`; returns them as lines.
std::string_view Drain::lines_of_frames(size_t number, std::string_view& bytes) {
  lines_.clear();
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  while (bytes.size() >= 4) {
    if (byte(0) != 0x81 || byte(1) > 126)
      fail_because(number, "another frame than a text of at most 64 KiB came");
    const size_t head = byte(1) == 126 ? 4 : 2;
    const size_t length = head == 4 ? static_cast<size_t>(byte(2)) << 8 | byte(3) : byte(1);
    if (bytes.size() < head + length) break;
    lines_.append(bytes.substr(head, length)).append("\n");
    bytes.remove_prefix(head + length);
  }
  return lines_;
}

// Whole lines of aribus. When the last one has the right seq, so have the others.
void Drain::take_lines(size_t number, std::string_view lines, Drained& drained) {
  Subscriber& subscriber = subscribers_[number];
  const auto count = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  const size_t last = lines.rfind('\n', lines.size() - 2) + 1;  // 0 when there is one line
  if (seq_of(lines.substr(last)) == first_seq_ + subscriber.selection.event(subscriber.records + count - 1)) {
    subscriber.records += count;
    return;
  }
  while (!lines.empty()) {
    const size_t end = lines.find('\n') + 1;
    take_line(number, lines.substr(0, end), drained);
    lines.remove_prefix(end);
  }
}

void Drain::take_line(size_t number, std::string_view line, Drained& drained) {
  Subscriber& subscriber = subscribers_[number];
  const uint64_t wanted = first_seq_ + subscriber.selection.event(subscriber.records);
  const uint64_t seq = seq_of(line);
  if (seq == wanted) {
    ++subscriber.records;
    return;
  }
  if (seq != 0) {
    fail_because(number, "seq " + std::to_string(seq) + " came, not " + std::to_string(wanted));
  }
  const Result<Json> lost = parse_json(line);
  if (!subscriber.stalls || parts_ != 0 || !lost || find_string(*lost, "method") != "lost") {
    fail_because(number, "this came: " + std::string(line));
  }
  const JsonValue& params = (*lost)["params"];
  const uint64_t from = params["from"].GetUint64();
  const uint64_t to = params["to"].GetUint64();
  if (from != wanted || to < from || params["records"].GetUint64() != to - from + 1) {
    fail_because(number, "it is told a wrong loss: " + std::string(line));
  }
  subscriber.records = to + 1 - first_seq_;
  ++drained.lost_notifications;
  drained.lost_records += to - from + 1;
}

// The records' bytes: as many as are known to be due, or the same for all who get the same.
void Drain::check(uint64_t events) const {
  std::map<size_t, uint64_t> due;  // by part
  for (size_t i = 0; i < subscribers_.size(); ++i) {
    const Subscriber& subscriber = subscribers_[i];
    if (subscriber.stalls) continue;
    const auto [at, first] = due.try_emplace(parts_ == 0 ? 0 : i % parts_, subscriber.bytes);
    if (first && !system_.record_bytes.empty()) {
      at->second = 0;
      for (uint64_t record = 0; record < subscriber.expected; ++record) {
        at->second += system_.record_bytes[subscriber.selection.event(record) % system_.record_bytes.size()];
      }
    }
    if (subscriber.bytes != at->second) {
      fail_because(i, std::to_string(subscriber.bytes) + " bytes came of " + std::to_string(events) +
                          " events, not " + std::to_string(at->second));
    }
  }
}

void Drain::fail_because(size_t number, const std::string& why) const {
  const Subscriber& subscriber = subscribers_[number];
  fail(system_.name + ": subscriber " + std::to_string(number) + " of " +
       std::to_string(subscribers_.size()) + " has " + std::to_string(subscriber.records) + " of " +
       std::to_string(subscriber.expected) + " records: " + why);
}

}  // namespace aribus::bench
