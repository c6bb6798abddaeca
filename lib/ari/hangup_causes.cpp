#include "ari/hangup_causes.h"

#include <algorithm>
#include <climits>

namespace aribus::ari {
namespace {

// The texts and the reasons' codes are those that Asterisk 22 sends; the call test compares them with it.
constexpr Cause table[] = {
    {0, "undefined", "Not defined", ""},
    {1, "unallocated_number", "Unallocated (unassigned) number", "unallocated"},
    {2, "no_route_transit_net", "No route to specified transmit network", ""},
    {3, "no_route_destination", "No route to destination", ""},
    {5, "misdialled_trunk_prefix", "Misdialed trunk prefix", ""},
    {6, "channel_unacceptable", "Channel unacceptable", ""},
    {7, "call_awarded_delivered", "Call awarded and being delivered in an established channel", ""},
    {8, "pre_empted", "Pre-empted", ""},
    {14, "number_ported_not_here", "Number ported elsewhere", ""},
    {16, "normal_clearing", "Normal Clearing", "normal"},
    {17, "user_busy", "User busy", "busy"},
    {18, "no_user_response", "No user responding", "timeout"},
    {19, "no_answer", "User alerting, no answer", "no_answer"},
    {20, "subscriber_absent", "Subscriber absent", ""},
    {21, "call_rejected", "Call Rejected", "rejected"},
    {22, "number_changed", "Number changed", ""},
    {23, "redirected_to_new_destination", "Redirected to new destination", ""},
    {26, "answered_elsewhere", "Answered elsewhere", "answered_elsewhere"},
    {27, "destination_out_of_order", "Destination out of order", ""},
    {28, "invalid_number_format", "Invalid number format", "number_incomplete"},
    {29, "facility_rejected", "Facility rejected", ""},
    {30, "response_to_status_enquiry", "Response to STATus ENQuiry", ""},
    {31, "normal_unspecified", "Normal, unspecified", "normal_unspecified"},
    {34, "normal_circuit_congestion", "Circuit/channel congestion", "congestion"},
    {38, "network_out_of_order", "Network out of order", "failure"},
    {41, "normal_temporary_failure", "Temporary failure", ""},
    {42, "switch_congestion", "Switching equipment congestion", ""},
    {43, "access_info_discarded", "Access information discarded", ""},
    {44, "requested_chan_unavail", "Requested channel not available", ""},
    {50, "facility_not_subscribed", "Facility not subscribed", ""},
    {52, "outgoing_call_barred", "Outgoing call barred", ""},
    {54, "incoming_call_barred", "Incoming call barred", ""},
    {57, "bearer_capability_not_auth", "Bearer capability not authorized", ""},
    {58, "bearer_capability_not_avail", "Bearer capability not available", "codec_mismatch"},
    {65, "bearer_capability_not_impl", "Bearer capability not implemented", ""},
    {66, "chan_not_implemented", "Channel not implemented", ""},
    {69, "facility_not_implemented", "Facility not implemented", ""},
    {81, "invalid_call_reference", "Invalid call reference value", ""},
    {88, "incompatible_destination", "Incompatible destination", ""},
    {95, "invalid_msg_unspecified", "Invalid message unspecified", ""},
    {96, "mandatory_ie_missing", "Mandatory information element is missing", ""},
    {97, "message_type_nonexist", "Message type nonexist.", ""},
    {98, "wrong_message", "Wrong message", ""},
    {99, "ie_nonexist", "Info. element nonexist or not implemented", ""},
    {100, "invalid_ie_contents", "Invalid information element contents", ""},
    {101, "wrong_call_state", "Message not compatible with call state", ""},
    {102, "recovery_on_timer_expire", "Recover on timer expiry", ""},
    {103, "mandatory_ie_length_error", "Mandatory IE length error", ""},
    {111, "protocol_error", "Protocol error, unspecified", ""},
    {127, "interworking", "Interworking, unspecified", "interworking"},
};

}  // namespace

std::span<const Cause> causes() {
  return table;
}

const Cause* find_cause(int code) {
  const auto at = std::ranges::lower_bound(table, code, {}, &Cause::code);
  return at != std::end(table) && at->code == code ? at : nullptr;
}

const Cause* find_cause(std::string_view name_or_reason) {
  const auto at = std::ranges::find_if(table, [&](const Cause& cause) {
    return cause.reason == name_or_reason || cause.name == name_or_reason;
  });
  return at != std::end(table) && !name_or_reason.empty() ? at : nullptr;
}

std::string_view cause_text(int64_t code) {
  const Cause* cause = code < 0 || code > INT_MAX ? nullptr : find_cause(static_cast<int>(code));
  return cause != nullptr ? cause->text : "Unknown";
}

}  // namespace aribus::ari
