#include "nats/state_file.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "json/json.h"

namespace aribus::nats {
namespace {

std::string new_installation() {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return text;
}

uint64_t number(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsUint64() ? value->GetUint64() : 0;
}

void write_number(JsonWriter& writer, std::string_view name, uint64_t value) {
  write_key(writer, name);
  writer.Uint64(value);
}

void write_flight(JsonWriter& writer, const Flight& flight) {
  writer.StartObject();
  write_number(writer, "after", flight.after);
  write_member(writer, "stream", flight.stream);
  write_key(writer, "seqs");
  writer.StartArray();
  for (const uint64_t seq : flight.seqs) writer.Uint64(seq);
  writer.EndArray();
  if (flight.missing.records > 0) {
    write_number(writer, "read", flight.read);
    write_key(writer, "missing");
    writer.StartObject();
    write_number(writer, "from", flight.missing.from);
    write_number(writer, "to", flight.missing.to);
    write_number(writer, "records", flight.missing.records);
    writer.EndObject();
  }
  writer.EndObject();
}

Flight read_flight(const JsonValue& object) {
  Flight flight{
      .after = number(object, "after"), .stream = std::string(find_string(object, "stream")), .seqs = {}};
  if (const JsonValue* seqs = find(object, "seqs"); seqs != nullptr && seqs->IsArray()) {
    for (const JsonValue& seq : seqs->GetArray()) {
      if (seq.IsUint64()) flight.seqs.push_back(seq.GetUint64());
    }
  }
  if (const JsonValue* missing = find(object, "missing"); missing != nullptr && missing->IsObject()) {
    flight.missing = {number(*missing, "from"), number(*missing, "to"), number(*missing, "records")};
    flight.read = number(object, "read");
  }
  return flight;
}

}  // namespace

Result<StateFile> StateFile::open(std::string path) {
  StateFile file(std::move(path));
  std::ifstream stream(file.path_, std::ios::binary);
  if (!stream) {
    if (errno != ENOENT) return system_error(file.path_);
    if (auto made = file.write({.installation = new_installation(), .place = {}}); !made) return made.error();
    return file;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Result<Json> parsed = parse_json(text);
  if (!parsed || !parsed->IsObject() || find_string(*parsed, "installation").empty()) {
    return Error{
        ErrorKind::malformed,
        file.path_ +
            " is not a state file of aribus-nats. Use another path; or, if the file is damaged, delete it "
            "and run aribus-nats --adopt once",
        {}};
  }
  file.state_ = {.installation = std::string(find_string(*parsed, "installation")),
                 .place = Place::parse(find_string(*parsed, "place")),
                 .last = number(*parsed, "last"),
                 .report = Place::parse(find_string(*parsed, "report"))};
  if (const JsonValue* flight = find(*parsed, "flight"); flight != nullptr && flight->IsObject())
    file.state_.flight = read_flight(*flight);
  return file;
}

Result<void> StateFile::hold() {
  const std::string beside = path_ + ".lock";
  Fd lock(::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return system_error(beside);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(beside);
    return Error{
        ErrorKind::system,
        path_ +
            ": another running aribus-nats uses this state_file. Each PBX needs its own, and only one "
            "aribus-nats: stop the other one",
        {}};
  }
  lock_ = std::move(lock);
  return {};
}

Result<void> StateFile::write(State next) {
  state_ = std::move(next);
  is_written_ = false;
  const State& state = state_;
  const std::string text = render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "installation", state.installation);
    if (!state.place.stream.empty()) write_member(writer, "place", state.place.text());
    write_number(writer, "last", state.last);
    if (!state.report.stream.empty()) write_member(writer, "report", state.report.text());
    if (!state.flight.seqs.empty()) {
      write_key(writer, "flight");
      write_flight(writer, state.flight);
    }
    writer.EndObject();
  });
  const std::string fresh = path_ + ".new";
  const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error(fresh);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return system_error(fresh);
  if (::fdatasync(file.get()) != 0 || ::rename(fresh.c_str(), path_.c_str()) != 0) return system_error(path_);
  is_written_ = true;
  return {};
}

}  // namespace aribus::nats
