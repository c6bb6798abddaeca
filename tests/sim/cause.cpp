#include "cause.h"

namespace aribus::sim {
namespace {

struct Cause {
  int code;
  std::string_view text;
  std::string_view reason;
};

constexpr Cause causes[] = {
    {1, "Unallocated (unassigned) number", "unallocated"},
    {3, "No route to destination", ""},
    {16, "Normal Clearing", "normal"},
    {17, "User busy", "busy"},
    {18, "No user responding", "timeout"},
    {19, "User alerting, no answer", "no_answer"},
    {20, "Subscriber absent", ""},
    {21, "Call Rejected", "rejected"},
    {26, "Answered elsewhere", "answered_elsewhere"},
    {27, "Destination out of order", ""},
    {28, "Invalid number format", "number_incomplete"},
    {31, "Normal, unspecified", "normal_unspecified"},
    {34, "Circuit/channel congestion", "congestion"},
    {38, "Network out of order", "failure"},
    {41, "Temporary failure", ""},
    {58, "Bearer capability not available", "codec_mismatch"},
    {102, "Recover on timer expiry", ""},
    {127, "Interworking, unspecified", "interworking"},
};

}  // namespace

std::string_view cause_text(int cause) {
  for (const auto& row : causes) {
    if (row.code == cause) return row.text;
  }
  return "Unknown";
}

std::optional<int> cause_of_reason(std::string_view reason) {
  for (const auto& row : causes) {
    if (!row.reason.empty() && row.reason == reason) return row.code;
  }
  return std::nullopt;
}

}  // namespace aribus::sim
