// What an application can be subscribed to.
#pragma once

#include <string_view>

#include "json/json.h"
#include "record/id_set.h"

namespace aribus::pbx {

// One kind of subscription: the member of ARI's Application that lists its ids, the prefix of its event
// sources, and the entry that stands for all of them (22.10, 16.28).
struct EventSource {
  record::IdKind kind;
  std::string_view member;
  std::string_view prefix;
  std::string_view all;
  bool lasts;  // it does not come and go with calls
};
inline constexpr EventSource event_sources[] = {
    {record::IdKind::channel, "channel_ids", "channel:", "__AST_CHANNEL_ALL_TOPIC", false},
    {record::IdKind::bridge, "bridge_ids", "bridge:", "__AST_BRIDGE_ALL_TOPIC", false},
    {record::IdKind::endpoint, "endpoint_ids", "endpoint:", "__AST_ENDPOINT_ALL_TOPIC", true},
    {record::IdKind::device, "device_names", "deviceState:", "__AST_DEVICE_STATE_ALL_TOPIC", true},
};

// Calls `use(source, id)` for each subscription in `application`, ARI's Application.
template <typename Use>
void for_each_subscription(const JsonValue& application, Use use) {
  for (const EventSource& source : event_sources) {
    const JsonValue* ids = find(application, source.member);
    if (ids == nullptr || !ids->IsArray()) continue;
    for (const JsonValue& id : ids->GetArray()) {
      if (id.IsString()) use(source, as_view(id));
    }
  }
}

}  // namespace aribus::pbx
