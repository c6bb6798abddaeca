// Publishes records into streams of JetStream as a plain program with libnats does: asynchronously, one
// connection a stream, with the headers, subjects and window of aribus-nats. It is what aribus-nats is
// measured by, and a hundred daemons in one process. Prints what happened as one JSON object.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <nats/nats.h>

#include "json/json.h"
#include "nats/connection.h"
#include "nats/subject.h"
#include "nats/window.h"
#include "tests/bench/feeder.h"
#include "tests/bench/histogram.h"
#include "tests/bench/trace.h"

namespace {

using namespace aribus;
using namespace aribus::bench;

constexpr const char* usage =
    "Usage: bench_nats_publish --url URL --records FILE --name NAME --count N [--streams N] [--rate N]\n"
    "  url      of nats-server\n"
    "  records  a file of records, one a line; they are published again and again\n"
    "  name     of the PBX; with several streams, a number is added to it\n"
    "  count    records of each stream\n"
    "  streams  how many PBXs there are (1)\n"
    "  rate     records a second of all of them together (0: as fast as they are taken)\n";

struct Options {
  std::string url, records, name;
  uint64_t count = 0, streams = 1, rate = 0;
};

Options read_options(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  const auto take = [&](const std::string& name, const std::string& otherwise) {
    const auto found = given.extract("--" + name);
    return found.empty() ? otherwise : found.mapped();
  };
  const auto number = [&](const std::string& name, const std::string& otherwise) {
    const std::string text = take(name, otherwise);
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) fail(usage);
    return value;
  };
  Options options{take("url", ""),      take("records", ""),    take("name", ""),
                  number("count", "0"), number("streams", "1"), number("rate", "0")};
  if (!given.empty() || argc % 2 == 0 || options.url.empty() || options.records.empty() ||
      options.name.empty() || options.count == 0 || options.streams == 0)
    fail(usage);
  return options;
}

struct Record {
  std::string text;
  std::string server, app, type;
};

std::vector<Record> read_records(const std::string& path) {
  std::vector<Record> records;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Result<Json> record = parse_json(line);
    if (!record || !record->IsObject()) fail(path + " has a line that is no record");
    const auto member = [&](const char* name) { return std::string(find_string(*record, name)); };
    records.push_back({line, member("server"), member("app"), member("type")});
  }
  if (records.empty()) fail("no records in " + path);
  return records;
}

void check(natsStatus status, const std::string& what) {
  if (status != NATS_OK) fail(nats::not_connected(what, status).message);
}

// One PBX's connection and stream.
class Pbx {
 public:
  Pbx(const Options& options, const std::string& name, const std::vector<Record>& records, uint64_t first)
      : records_(records),
        first_(first),
        stream_(name),
        sent_at_ns_(std::make_unique<std::atomic<uint64_t>[]>(kept)) {
    for (const Record& record : records)
      subjects_.push_back(nats::record_subject(name, record.server, record.app, record.type));
    Result<nats::Connection> connection = nats::connect({.url = options.url});
    if (!connection) fail(connection.error().message);
    connection_ = std::move(*connection);
    jsOptions made;
    check(jsOptions_Init(&made), "options");
    made.PublishAsync.MaxPending = nats::Window::max_records;
    made.PublishAsync.StallWait = 10'000;  // ms
    made.PublishAsync.AckHandler = [](jsCtx*, natsMsg* message, jsPubAck* ack, jsPubAckErr* error,
                                      void* self) {
      static_cast<Pbx*>(self)->stored(ack, error);
      natsMsg_Destroy(message);
    };
    made.PublishAsync.AckHandlerClosure = this;
    check(natsConnection_JetStream(&context_, connection_.get(), &made), "JetStream");
    make_stream();
  }
  Pbx(const Pbx&) = delete;
  Pbx& operator=(const Pbx&) = delete;
  ~Pbx() { jsCtx_Destroy(context_); }

  // Publishes the next record. It waits while the window is full.
  void publish() {
    const size_t at = (first_ + sent_) % records_.size();
    const std::string& text = records_[at].text;
    ++sent_;
    const std::string id = stream_ + ":" + std::to_string(sent_);
    jsPubOptions headers;
    jsPubOptions_Init(&headers);
    headers.MsgId = id.c_str();
    headers.ExpectLastSeq = sent_ - 1;
    sent_at_ns_[sent_ % kept] = now_ns();
    check(js_PublishAsync(context_, subjects_[at].c_str(), text.data(), static_cast<int>(text.size()),
                          &headers),
          "publishing");
  }
  void wait_until_stored() {
    check(js_PublishAsyncComplete(context_, nullptr), "waiting for what is under way");
    if (stored_ != sent_) fail("not all was stored");
  }
  // From publish() to the acknowledgement.
  [[nodiscard]] const Histogram& latency() const { return latency_; }

 private:
  static constexpr size_t kept = 2 * nats::Window::max_records;  // more than are ever under way

  // With the settings that aribus-nats makes it with, as far as they cost something.
  void make_stream() {
    const std::string full_name = "ARIBUS_" + stream_, all = nats::records_of(stream_);
    const char* subjects[] = {all.c_str()};
    jsStreamConfig made;
    check(jsStreamConfig_Init(&made), "options");
    made.Name = full_name.c_str();
    made.Subjects = subjects;
    made.SubjectsLen = 1;
    made.Storage = js_FileStorage;
    check(js_AddStream(nullptr, context_, &made, nullptr, nullptr), "making the stream " + full_name);
  }
  // Called by a thread of libnats, one after the other.
  void stored(const jsPubAck* ack, const jsPubAckErr* error) {
    if (ack == nullptr)
      fail(std::string("a record was not stored: ") + (error->ErrText ? error->ErrText : "no answer"));
    if (ack->Sequence != ++stored_) fail("a record was stored out of order");
    latency_.add(now_ns() - sent_at_ns_[ack->Sequence % kept]);
  }

  const std::vector<Record>& records_;
  uint64_t first_;  // the record that it begins with
  std::string stream_;
  std::vector<std::string> subjects_;
  nats::Connection connection_;
  jsCtx* context_ = nullptr;
  uint64_t sent_ = 0;
  std::atomic<uint64_t> stored_ = 0;
  std::unique_ptr<std::atomic<uint64_t>[]> sent_at_ns_;
  Histogram latency_;
};

uint64_t cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const std::vector<Record> records = read_records(options.records);
  std::vector<std::unique_ptr<Pbx>> pbxs;
  for (uint64_t i = 0; i < options.streams; ++i) {
    const std::string name = options.streams == 1 ? options.name : options.name + std::to_string(i + 1);
    pbxs.push_back(std::make_unique<Pbx>(options, name, records, i * records.size() / options.streams));
  }

  const uint64_t total = options.count * options.streams;
  const uint64_t cpu_before = cpu_ns(), begin = now_ns();
  uint64_t late_ns = 0;
  for (uint64_t i = 0; i < total; ++i) {
    if (options.rate > 0) {
      const uint64_t due = begin + i * 1'000'000'000 / options.rate;
      const uint64_t now = now_ns();
      if (now < due)
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<uint64_t>(due - now, 1'000'000)));
      late_ns = std::max(late_ns, now_ns() - due);
    }
    pbxs[i % options.streams]->publish();
  }
  for (auto& pbx : pbxs) pbx->wait_until_stored();
  const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
  const uint64_t cpu = cpu_ns() - cpu_before;

  Histogram latency;
  for (auto& pbx : pbxs) latency.add(pbx->latency());
  const auto ms = [](uint64_t ns) { return static_cast<double>(ns) / 1e6; };
  std::printf(
      "{\"records\":%lu,\"seconds\":%.3f,\"cpu_ns\":%lu,\"late_ms\":%.3f,"
      "\"stored_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}}\n",
      total, seconds, cpu, ms(late_ns), ms(latency.quantile(0.5)), ms(latency.quantile(0.99)),
      ms(latency.max()));
  std::fflush(stdout);
  std::quick_exit(0);
}
