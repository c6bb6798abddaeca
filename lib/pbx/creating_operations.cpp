#include "pbx/creating_operations.h"

#include <algorithm>
#include <iterator>

#include "net/url.h"

namespace aribus::pbx {
namespace {

using record::IdKind;

constexpr CreatingOperation creating_operations[] = {
    {"bridges.create", "bridgeId", IdKind::bridge},
    {"bridges.createWithId", "bridgeId", IdKind::bridge},
    {"bridges.play", "playbackId", IdKind::playback},
    {"bridges.playWithId", "playbackId", IdKind::playback},
    {"bridges.record", "name", IdKind::recording},
    {"channels.create", "channelId", IdKind::channel},
    {"channels.externalMedia", "channelId", IdKind::channel},
    {"channels.originate", "channelId", IdKind::channel},
    {"channels.originateWithId", "channelId", IdKind::channel},
    {"channels.play", "playbackId", IdKind::playback},
    {"channels.playWithId", "playbackId", IdKind::playback},
    {"channels.record", "name", IdKind::recording},
    {"channels.snoopChannel", "snoopId", IdKind::channel},
    {"channels.snoopChannelWithId", "snoopId", IdKind::channel},
};

}  // namespace

const CreatingOperation* find_creating_operation(std::string_view operation) {
  const auto* const at = std::ranges::find(creating_operations, operation, &CreatingOperation::operation);
  return at == std::end(creating_operations) ? nullptr : at;
}

std::string place_of(IdKind kind, std::string_view id) {
  const std::string encoded = percent_encode(id);
  switch (kind) {
    case IdKind::bridge:
      return "/bridges/" + encoded;
    case IdKind::playback:
      return "/playbacks/" + encoded;
    case IdKind::recording:
      return "/recordings/live/" + encoded;
    default:
      return "/channels/" + encoded;
  }
}

}  // namespace aribus::pbx
