// The service's messages from and to members of worker groups.
#include <algorithm>
#include <chrono>

#include <nats/nats.h>

#include "base/numbers.h"
#include "base/utf8.h"
#include "nats/message.h"
#include "nats/service.h"
#include "nats/subject.h"

namespace aribus::nats {
namespace {

using std::chrono::milliseconds;

constexpr const char *link_header = "Aribus-Link", *number_header = "Aribus-Number",
                     *received_header = "Aribus-Received", *lease_header = "Aribus-Lease",
                     *end_header = "Aribus-End";
constexpr size_t max_link_bytes = 64;
constexpr size_t header_bytes = 1024;  // room for the headers of a message to a member

}  // namespace

void Service::on_member(natsMsg* message, const Commands& rule) {
  const std::string_view link = header_of(message, link_header);
  const auto number = whole_number<uint64_t>(header_of(message, number_header));
  std::optional<MemberSubject> subject = MemberSubject::parse(natsMsg_GetSubject(message));
  if (!subject || !number || link.empty() || link.size() > max_link_bytes || token(link) != link) return;
  MemberMessage taken{.rule = &rule, .subject = std::move(*subject), .link = std::string(link)};
  taken.body = {.number = *number,
                .received = whole_number<uint64_t>(header_of(message, received_header)).value_or(0),
                .data = std::string(data_of(message))};
  if (const auto lease = whole_number<int64_t>(header_of(message, lease_header))) {
    taken.lease = std::clamp(milliseconds(*lease), MemberLink::shortest_lease, MemberLink::longest_lease);
  }
  const char* end = nullptr;
  taken.ends = natsMsgHeader_Get(message, end_header, &end) == NATS_OK;
  members_->take(std::move(taken));
}

void Service::send_to_member(const std::string& subject, const ToMember& message, const std::string& end) {
  const SharedConnection used = connection();
  if (!used) return;  // the member notices that a number is missing
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, subject.c_str(), nullptr, message.data.data(),
                                     static_cast<int>(message.data.size()));
  const Message owned(made);
  const auto set = [&](const char* name, const std::string& value) {
    if (status == NATS_OK) status = natsMsgHeader_Set(made, name, value.c_str());
  };
  set(number_header, std::to_string(message.number));
  set(received_header, std::to_string(message.received));
  if (!end.empty()) set(end_header, escape_controls(end));
  if (status == NATS_OK) status = natsConnection_PublishMsg(used.get(), made);
  if (status == NATS_OK || !nats::is_connected(used.get())) return;
  const std::lock_guard lock(mutex_);
  unsent_warnings_.warn("a message to " + subject + " was not sent: " + natsStatus_GetText(status));
}

// Members that were connected before join again, and those that wait for this PBX join.
void Service::say_accepting(natsConnection* connection, const Commands& rule) {
  natsConnection_PublishString(connection, accepting_subject(options_.pbx, token(rule.rule())).c_str(), "");
}

void Service::learn_max_payload(natsConnection* connection) {
  const int64_t limit = natsConnection_GetMaxPayload(connection);
  max_member_data_ =
      limit <= 0 ? SIZE_MAX : std::max(static_cast<size_t>(limit), 2 * header_bytes) - header_bytes;
}

}  // namespace aribus::nats
