#include "control/repeats.h"

#include <algorithm>

namespace aribus::control {
namespace {

// The value with the members of its objects sorted.
void write_sorted(JsonWriter& writer, const JsonValue& value) {
  if (value.IsArray()) {
    writer.StartArray();
    for (const JsonValue& item : value.GetArray()) write_sorted(writer, item);
    writer.EndArray();
  } else if (value.IsObject()) {
    std::vector<std::pair<std::string_view, const JsonValue*>> members;
    for (const auto& member : value.GetObject()) members.emplace_back(as_view(member.name), &member.value);
    std::ranges::sort(members);
    writer.StartObject();
    for (const auto& [name, member] : members) {
      write_key(writer, name);
      write_sorted(writer, *member);
    }
    writer.EndObject();
  } else {
    value.Accept(writer);
  }
}

// Nothing was done: a repeat may do it.
bool was_not_sent(const Error& error) {
  using enum ErrorKind;
  return error.kind != refused && error.kind != outcome_unknown && error.kind != internal;
}

size_t bytes_of(const Result<std::string>& answer) {
  return answer ? answer->size() : answer.error().message.size() + answer.error().data.size();
}

}  // namespace

uint64_t fingerprint_of(std::string_view method, const JsonValue& params) {
  const std::string text = render([&](JsonWriter& writer) { write_sorted(writer, params); });
  return std::hash<std::string>()(std::string(method) + "\n" + text);
}

std::optional<Reply> Repeats::begin(const std::string& key, uint64_t fingerprint, Reply reply, Time now) {
  make_room(now);
  if (const auto at = entries_.find(key); at != entries_.end()) {
    Entry& entry = at->second;
    if (entry.fingerprint != fingerprint) {
      reply(Error{ErrorKind::invalid_params,
                  "key: it was used for a command with another method or other parameters",
                  R"({"parameter":"key","expected":"a key of its own for each command"})"});
    } else if (entry.answer) {
      reply(*entry.answer);
    } else {
      entry.waiting.push_back(std::move(reply));
    }
    return {};
  }
  if (entries_.size() >= options_.max_keys) {
    const std::string limit = std::to_string(options_.max_keys);
    reply(Error{ErrorKind::too_much, limit + " commands with keys are under way",
                R"({"limit":)" + limit + "}"});
    return {};
  }
  Entry& entry = entries_[key];
  entry.fingerprint = fingerprint;
  entry.bytes = key.size();
  bytes_ += entry.bytes;
  return [this, key, reply = std::move(reply)](Result<std::string> answer) {
    finish(key, answer, std::chrono::steady_clock::now());
    reply(std::move(answer));
  };
}

void Repeats::finish(const std::string& key, Result<std::string> answer, Time now) {
  const auto at = entries_.find(key);
  Entry& entry = at->second;
  const std::vector<Reply> waiting = std::exchange(entry.waiting, {});
  const size_t answer_bytes = bytes_of(answer);
  if ((!answer && was_not_sent(answer.error())) || answer_bytes > options_.max_answer_bytes) {
    bytes_ -= entry.bytes;
    entries_.erase(at);
  } else {
    if (!answer && answer.error().kind == ErrorKind::outcome_unknown) {
      const Result<Json> data = parse_json(answer.error().data);
      if (data) entry.command = find_string(*data, "command");
    }
    entry.bytes += answer_bytes;
    bytes_ += answer_bytes;
    entry.answer = answer;
    answered_.emplace_back(now, key);
    make_room(now);
  }
  for (const Reply& reply : waiting) reply(answer);
}

void Repeats::resolve(std::string_view command, std::string_view outcome) {
  const auto at = std::ranges::find_if(
      entries_, [&](const auto& item) { return !command.empty() && item.second.command == command; });
  if (at == entries_.end()) return;
  Error& error = at->second.answer->error();
  Result<Json> data = parse_json(error.data);
  set_member(*data, "outcome", outcome);
  error.data = to_text(*data);
  error.message += "; since then it was found out: " + std::string(outcome);
}

void Repeats::forget_oldest() {
  const auto at = entries_.find(answered_.front().second);
  bytes_ -= at->second.bytes;
  entries_.erase(at);
  answered_.pop_front();
}

void Repeats::make_room(Time now) {
  while (!answered_.empty() && (now - answered_.front().first >= options_.kept ||
                                entries_.size() >= options_.max_keys || bytes_ > options_.max_bytes)) {
    forget_oldest();
  }
}

}  // namespace aribus::control
