#include "nats/pbx_list.h"

#include <algorithm>
#include <map>

#include <nats/nats.h>

#include "json/json_builder.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* question = "$SRV.STATS.aribus";

using Subscription = std::unique_ptr<natsSubscription, Destroy<natsSubscription, natsSubscription_Destroy>>;

std::string bridge_text(const Json& answer) {
  ObjectBuilder text;
  for (const std::string_view name : {"id", "version", "started"}) text.text(name, find_string(answer, name));
  return text.str();
}

// The rules whose commands the PBX accepts now.
std::vector<std::string> rules_of(const Json& answer, std::string_view pbx) {
  std::vector<std::string> rules;
  const std::string own = "aribus.v1.rpc." + std::string(pbx) + ".";
  const JsonValue* endpoints = find(answer, "endpoints");
  for (rapidjson::SizeType i = 0; endpoints != nullptr && endpoints->IsArray() && i < endpoints->Size();
       ++i) {
    const std::string_view subject = find_string((*endpoints)[i], "subject");
    if (subject.starts_with(own)) rules.emplace_back(subject.substr(own.size()));
  }
  return rules;
}

}  // namespace

std::string pbxs_text(const std::vector<std::string>& answers) {
  std::multimap<std::string, Json> pbxs;  // by name
  for (const std::string& text : answers) {
    Result<Json> answer = parse_own_json(text);
    const JsonValue* data = answer ? find(*answer, "data") : nullptr;
    const std::string_view name = data == nullptr ? std::string_view() : find_string(*data, "pbx");
    if (!name.empty()) pbxs.emplace(name, std::move(*answer));
  }
  std::vector<std::string> texts;
  for (const auto& [name, answer] : pbxs) {
    Json pbx = copy_of(*find(answer, "data"));
    Result<Json> rules = parse_own_json(strings_text(rules_of(answer, name)));
    Result<Json> bridge = parse_own_json(bridge_text(answer));
    set_member(pbx, "rules", *rules);
    set_member(pbx, "bridge", *bridge);
    if (const size_t count = pbxs.count(name); count > 1) {
      set_member(pbx, "fault",
                 std::to_string(count) +
                     " bridges answer to this name: each PBX must have a name of its own, "
                     "and one aribus-nats");
    }
    texts.push_back(to_text(pbx));
  }
  return ObjectBuilder().json("pbxs", array_text(texts)).str();
}

Result<std::string> list_pbxs(const NatsOptions& options, const ListOptions& list) {
  const Result<Connection> connection = connect(options, true);
  if (!connection) return connection.error();
  natsInbox* inbox = nullptr;
  natsStatus status = natsInbox_Create(&inbox);
  if (status != NATS_OK) return not_connected("asking NATS", status);
  const std::string_view unique = std::string_view(inbox).substr(std::string_view(inbox).rfind('.'));
  const std::string reply = list.inbox_prefix + std::string(unique);
  natsInbox_Destroy(inbox);
  natsSubscription* made = nullptr;
  status = natsConnection_SubscribeSync(&made, connection->get(), reply.c_str());
  const Subscription answers(made);
  if (status != NATS_OK) return not_connected("NATS did not accept the subscription to " + reply, status);
  if (auto permitted = check_permitted(connection->get(), reply); !permitted) {
    Error error = permitted.error();
    if (error.kind == ErrorKind::not_allowed)
      error.message += ", or use --inbox-prefix with one that it may use";
    return error;
  }
  status = natsConnection_PublishRequestString(connection->get(), question, reply.c_str(), "");
  if (status == NATS_OK) {
    if (auto published = check_published(connection->get(), question); !published) return published.error();
  }
  std::vector<std::string> texts;
  const auto until = Clock::now() + list.longest;
  while (status == NATS_OK) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() <= 0) break;
    natsMsg* got = nullptr;
    status = natsSubscription_NextMsg(&got, answers.get(), std::min(left, list.quiet).count());
    const Message message(got);
    if (status == NATS_OK)
      texts.emplace_back(natsMsg_GetData(got), static_cast<size_t>(natsMsg_GetDataLength(got)));
  }
  if (status != NATS_OK && status != NATS_TIMEOUT && status != NATS_NO_RESPONDERS)
    return not_connected("asking NATS", status);
  const bool connected = is_connected(connection->get());
  natsConnection_Close(connection->get());  // before `answers` is destroyed: see ~JetStream()
  if (!connected) return Error{ErrorKind::not_connected, "the connection to NATS has ended", {}};
  return pbxs_text(texts);
}

}  // namespace aribus::nats
