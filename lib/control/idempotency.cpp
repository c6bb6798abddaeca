#include "control/idempotency.h"

#include <algorithm>

namespace aribus::control {
namespace {

// Writes the value with the members of all objects sorted by name.
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

// Asterisk has certainly not acted, so a repeat may be carried out.
bool was_not_sent(const Error& error) {
  using enum ErrorKind;
  return error.kind != refused && error.kind != outcome_unknown && error.kind != internal;
}

size_t bytes_of(const Result<pbx::ResultText>& answer) {
  return answer ? answer->held_bytes() : answer.error().message.size() + answer.error().data.size();
}

}  // namespace

uint64_t fingerprint_of(std::string_view method, const JsonValue& params) {
  const std::string text = render([&](JsonWriter& writer) { write_sorted(writer, params); });
  return hash_of(std::string(method) + "\n" + text);
}

std::string IdempotencyStore::id_of(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                                    Time now) {
  make_room(now);
  const auto user = users_.find(principal);
  if (user == users_.end()) return {};
  const auto at = user->second.entries.find(key);
  const bool is_repeat = at != user->second.entries.end() && at->second.fingerprint == fingerprint;
  return is_repeat ? at->second.id : std::string();
}

bool IdempotencyStore::begin(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                             pbx::Reply reply, Time now, std::string id) {
  make_room(now);
  User& user = users_[principal];
  if (const auto at = user.entries.find(key); at != user.entries.end()) {
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
    return false;
  }
  const size_t limit = std::min(options_.max_under_way, options_.max_keys);
  if (user.entries.size() - user.answered.size() >= limit || size_ >= options_.max_keys) {
    const std::string number = std::to_string(limit);
    reply(Error{ErrorKind::too_much, number + " commands with keys are under way",
                R"({"limit":)" + number + "}"});
    return false;
  }
  Entry& entry = user.entries[key];
  entry.fingerprint = fingerprint;
  ++size_;
  entry.id = std::move(id);
  count(user, entry, key.size() + entry.id.size());
  return true;
}

void IdempotencyStore::accepted(PrincipalId principal, const std::string& key) {
  Entry& entry = users_.at(principal).entries.at(key);
  entry.accepted = true;
  for (const auto& on_accepted : std::exchange(entry.on_accepted, {})) on_accepted();
}

void IdempotencyStore::when_accepted(PrincipalId principal, const std::string& key, uint64_t fingerprint,
                                     std::function<void()> on_accepted) {
  const auto user = users_.find(principal);
  if (user == users_.end()) return;
  const auto at = user->second.entries.find(key);
  if (at == user->second.entries.end()) return;
  Entry& entry = at->second;
  if (entry.fingerprint != fingerprint || entry.answer) return;
  if (entry.accepted) return on_accepted();
  entry.on_accepted.push_back(std::move(on_accepted));
}

void IdempotencyStore::count(User& user, Entry& entry, size_t bytes) {
  entry.bytes += bytes;
  user.bytes += bytes;
  bytes_ += bytes;
}

void IdempotencyStore::erase(User& user, const std::string& key) {
  const auto node = user.entries.extract(key);
  const Entry& entry = node.mapped();
  unknown_.erase(entry.command);
  user.bytes -= entry.bytes;
  bytes_ -= entry.bytes;
  --size_;
}

void IdempotencyStore::finish(PrincipalId principal, const std::string& key,
                              const Result<pbx::ResultText>& answer, Time now) {
  User& user = users_.at(principal);
  Entry& entry = user.entries.at(key);
  const std::vector<pbx::Reply> waiting = std::exchange(entry.waiting, {});
  entry.on_accepted.clear();
  const size_t answer_bytes = bytes_of(answer);
  if ((!answer && was_not_sent(answer.error())) || answer_bytes > options_.max_answer_bytes) {
    erase(user, key);
  } else {
    if (!answer && answer.error().kind == ErrorKind::outcome_unknown) {
      const Result<Json> data = parse_json(answer.error().data);
      if (data) entry.command = find_string(*data, "command");
      if (!entry.command.empty()) unknown_.insert_or_assign(entry.command, std::pair(principal, key));
    }
    count(user, entry, answer_bytes);
    entry.answer = answer;
    user.answered.emplace_back(now, key);
    make_room(now);
  }
  for (const pbx::Reply& reply : waiting) reply(answer);
}

void IdempotencyStore::resolve(std::string_view command, std::string_view outcome) {
  const auto at = unknown_.find(command);
  if (at == unknown_.end()) return;
  const auto& [principal, key] = at->second;
  Error& error = users_.at(principal).entries.at(key).answer->error();
  Result<Json> data = parse_json(error.data);
  set_member(*data, "outcome", outcome);
  error.data = to_text(*data);
  error.message += "; since then it was found out: " + std::string(outcome);
}

void IdempotencyStore::forget_oldest(User& user) {
  erase(user, user.answered.front().second);
  user.answered.pop_front();
}

void IdempotencyStore::make_room(Time now) {
  for (auto& [principal, user] : users_) {
    while (!user.answered.empty() && now - user.answered.front().first >= options_.kept) forget_oldest(user);
  }
  std::erase_if(users_, [](const auto& entry) { return entry.second.entries.empty(); });
  while (size_ >= options_.max_keys || bytes_ > options_.max_bytes) {
    const bool by_bytes = bytes_ > options_.max_bytes;
    User* most = nullptr;
    const auto taken = [by_bytes](const User& user) { return by_bytes ? user.bytes : user.entries.size(); };
    for (auto& [principal, user] : users_) {
      if (!user.answered.empty() && (most == nullptr || taken(user) > taken(*most))) most = &user;
    }
    if (most == nullptr) return;  // all are in progress
    forget_oldest(*most);
  }
}

}  // namespace aribus::control
