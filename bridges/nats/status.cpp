#include "nats/status.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "json/json_builder.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds answer_timeout{3000};  // for the daemon to answer
constexpr milliseconds status_every{1000};
constexpr milliseconds stop_every{100};  // between checks for a stop
constexpr milliseconds pause{500};       // between attempts to connect

// The members of `server` that programs need to choose an Asterisk.
std::string server_text(const JsonValue& server) {
  ObjectBuilder text;
  for (const std::string_view name : {"name", "state", "version", "apps", "reason"}) {
    if (const JsonValue* member = find(server, name)) text.json(name, to_text(*member));
  }
  return text.str();
}

}  // namespace

Result<DaemonState> read_status(const Json& status) {
  const JsonValue* servers = find(status, "servers");
  const JsonValue* configuration = find(status, "configuration");
  const JsonValue* bus = find(status, "bus");
  const JsonValue* next = bus == nullptr ? nullptr : find(*bus, "next");
  if (servers == nullptr || !servers->IsArray() || next == nullptr || !next->IsUint64())
    return Error{ErrorKind::malformed, "aribusd answered `status` with something unexpected", {}};
  DaemonState state{.answers = true,
                    .version = std::string(find_string(status, "aribus")),
                    .configuration = std::string(find_string(status, "started")),
                    .stream = std::string(find_string(*bus, "stream")),
                    .next = next->GetUint64(),
                    .server_count = servers->Size()};
  if (configuration != nullptr) state.configuration = find_string(*configuration, "read");
  std::vector<std::string> texts;
  for (const JsonValue& server : servers->GetArray()) {
    texts.push_back(server_text(server));
    if (find_string(server, "state") == "ready") state.ready.emplace_back(find_string(server, "name"));
  }
  state.servers = array_text(texts);
  return state;
}

Status::Status(std::string socket, std::function<void()> changed)
    : socket_(std::move(socket)), changed_(std::move(changed)), thread_([this] { run(); }) {}

Status::~Status() {
  stopping_ = true;
  thread_.join();
}

std::shared_ptr<const DaemonState> Status::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool Status::takes_server(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  return take_server_.contains(method);
}

void Status::become(DaemonState state) {
  {
    const std::lock_guard lock(mutex_);
    if (*state_ == state) return;
    state_ = std::make_shared<const DaemonState>(std::move(state));
  }
  changed_();
}

void Status::run() {
  std::string told;
  while (!stopping_) {
    const Error why = watch();
    if (stopping_) return;
    const bool answered = state()->answers;
    become({.reason = why.message});
    if (std::exchange(told, why.message) != why.message || answered)
      spdlog::warn("the state of aribusd is unknown: {}", why.message);
    for (const auto until = Clock::now() + pause; Clock::now() < until && !stopping_;)
      std::this_thread::sleep_for(stop_every);
  }
}

Error Status::watch() {
  Result<client::Connection> connection =
      client::Connection::connect(socket_, {.connect_timeout = answer_timeout});
  if (!connection) return connection.error();
  if (auto subscribed = connection->call("subscribe", R"({"types":["server.*"]})", answer_timeout);
      !subscribed)
    return subscribed.error();
  if (auto learnt = learn_methods(*connection); !learnt) return learnt.error();
  while (!stopping_) {
    if (auto looked = look(*connection); !looked) return looked.error();
    for (const auto until = Clock::now() + status_every; Clock::now() < until && !stopping_;) {
      const auto record = connection->next(stop_every);
      if (!record) return record.error();
      if (*record) break;
    }
  }
  return {ErrorKind::not_connected, "aribus-nats was stopped", {}};
}

Result<void> Status::look(client::Connection& connection) {
  const Result<Json> status = connection.call("status", "{}", answer_timeout);
  if (!status) return status.error();
  Result<DaemonState> state = read_status(*status);
  if (!state) return state.error();
  become(std::move(*state));
  return {};
}

Result<void> Status::learn_methods(client::Connection& connection) {
  constexpr std::string_view server = "#/components/contentDescriptors/server";
  const Result<Json> document = connection.call("rpc.discover", "{}", answer_timeout);
  if (!document) return document.error();
  std::set<std::string, std::less<>> found;
  const JsonValue* methods = find(*document, "methods");
  for (rapidjson::SizeType i = 0; methods != nullptr && methods->IsArray() && i < methods->Size(); ++i) {
    const JsonValue& method = (*methods)[i];
    const JsonValue* params = find(method, "params");
    if (params == nullptr || !params->IsArray()) continue;
    if (std::ranges::any_of(params->GetArray(),
                            [&](const JsonValue& one) { return find_string(one, "$ref") == server; }))
      found.emplace(find_string(method, "name"));
  }
  const std::lock_guard lock(mutex_);
  take_server_ = std::move(found);
  return {};
}

}  // namespace aribus::nats
