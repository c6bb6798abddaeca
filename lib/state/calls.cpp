#include "state/calls.h"

#include <algorithm>

#include "ari/schema.h"
#include "base/numbers.h"
#include "json/find_member.h"
#include "state/model.h"
#include "state/object_text.h"

namespace aribus::state {
namespace {

using record::CallLeg;
using record::Party;
using record::Record;
using std::chrono::milliseconds;

enum Role : uint8_t {
  none,
  created,
  enters,
  leaves,
  asks_for_hangup,
  dials,
  transfers_blind,
  transfers_attended,
  is_destroyed,
  changes_state,
  is_held,
  is_unheld,
  records
};

uint8_t role_of(std::string_view type) {
  if (type == "ChannelCreated") return created;
  if (type == "StasisStart") return enters;
  if (type == "StasisEnd") return leaves;
  if (type == "ChannelHangupRequest") return asks_for_hangup;
  if (type == "Dial") return dials;
  if (type == "BridgeBlindTransfer") return transfers_blind;
  if (type == "BridgeAttendedTransfer") return transfers_attended;
  if (type == "ChannelDestroyed") return is_destroyed;
  if (type == "ChannelStateChange") return changes_state;
  if (type == "ChannelHold") return is_held;
  if (type == "ChannelUnhold") return is_unheld;
  const bool is_recording =
      type == "RecordingStarted" || type == "RecordingFinished" || type == "RecordingFailed";
  return is_recording ? Role::records : Role::none;
}

constexpr std::string_view shown_in[] = {"channel", "peer", "caller", "forwarded"};
constexpr size_t max_id_bytes = record::max_id_bytes;

bool is_up(std::string_view text) {
  std::string buffer;
  return find_string_member(text, "state", buffer) == "Up";
}

// An endpoint without a caller id of its own has that of the `originate` that calls it.
bool is_same(const Party& one, const Party& other) {
  return one.number == other.number && one.name == other.name;
}

}  // namespace

Calls::Calls(std::shared_ptr<Versions> versions, CallsOptions options)
    : options_(options), calls_(std::move(versions)) {
  for (const ari::ModelType& model : ari::models())
    roles_.push_back(model.event ? role_of(model.name) : uint8_t{Role::none});
}

bool Calls::is_hung_up(std::string_view id) const {
  const Known* const at = channels_.find(id);
  return at != nullptr && at->second.hung_up;
}

std::string_view Calls::call_of(std::string_view channel) const {
  const Known* const at = channels_.find(channel);
  return at == nullptr ? std::string_view() : std::string_view(at->second.call);
}

void Calls::link(Record& record, uint64_t seq, const Model& model) {
  model_ = &model;
  if (server_ != record.server) server_ = record.server;
  now_ = record.time;
  seq_ = seq;
  see(record);
  add_calls(record);
}

void Calls::see(const Record& record) {
  const ari::ModelType* event = record.declared;
  if (event == nullptr) event = ari::find_model(record.type);
  if (event == nullptr) return take_own(record);
  switch (roles_[static_cast<size_t>(event - ari::models().data())]) {
    case created:
      static_cast<void>(channel(Sight(IdKind::channel, record, "channel"), record, true));
      return;
    case enters:
      return enter(record);
    case leaves:
      return leave(record);
    case asks_for_hangup:
      return request_hangup(record);
    case dials:
      return dial(record);
    case transfers_blind:
      return transfer_blind(record);
    case transfers_attended:
      return transfer_attended(record);
    case is_destroyed:
      return destroy(record);
    case changes_state:
      return change_state(record);
    case is_held:
      return hold(record, true);
    case is_unheld:
      return hold(record, false);
    case records:
      return take_recording(record.member("recording"), record.type == "RecordingStarted");
    default:
      return;
  }
}

// The ids of a record are those of the object that has them now, unless the record is a late one.
void Calls::add_calls(Record& record) {
  if (record.declared == nullptr && record.type == record::ServerResynced::type) return;
  const size_t count = record.ids.size();
  std::string_view added;
  for (size_t i = 0; i < count; ++i) {
    const record::IdSet::Id id = record.ids[i];
    if (id.kind != IdKind::channel) continue;
    Known* at = channels_.find(id.text);
    if (at == nullptr) {
      if (recalls_) {
        if (recalled_.empty() || record.type == "ChannelDestroyed" || record.type == record::CallEnded::type) continue;
        if (is_full()) continue;
        at = &channels_.add(id.text);
      } else {
        if (expected_.size() == 0 && halves_.size() == 0) continue;
        meet_unknown(id.text, record);
        if ((at = channels_.find(id.text)) == nullptr) continue;
      }
    }
    Channel& known = at->second;
    if (known.over) [[unlikely]] {
      const Sight sight(IdKind::channel, record, "channel");
      if (sight.id == id.text && compare_made(known.made, sight.made()) < 0) {
        channels_.erase(id.text);  // it is another channel with this id
        continue;
      }
    }
    if (recalls_ && known.call.empty() && !recalled_.empty())
      join(*at, recalled_, record.type == record::CallStarted::type ? Way::first : Way::create);
    if (known.call.empty() || known.call == added) continue;
    record.ids.add(IdKind::call, known.call);
    added = known.call;
  }
}

// A channel that a command has created, or the other half of a Local channel, in a record of any type.
void Calls::meet_unknown(std::string_view id, const Record& record) {
  const bool is_expected = expected_.find(id) != nullptr;
  for (const std::string_view member : shown_in) {
    const Sight sight(IdKind::channel, record, member);
    if (sight.id != id) continue;
    std::string buffer;
    const std::string_view whole = whole_of(find_string_member(sight.text, "name", buffer));
    if (is_expected || (!whole.empty() && halves_.find(whole) != nullptr))
      static_cast<void>(channel(sight, record));
  }
}

// The channel that is shown; nullptr if it is none, one that has ended, or an earlier one with this id.
Calls::Known* Calls::find_channel(const Sight& sight) {
  if (!sight.has_usable_id()) return nullptr;
  Known* const at = channels_.find(sight.id);
  if (at == nullptr || at->second.over) return nullptr;
  return compare_made(at->second.made, sight.made()) == 0 ? at : nullptr;
}

// Likewise, and remembers it if it is not known yet.
Calls::Known* Calls::channel(const Sight& sight, const Record& record, bool begins) {
  if (!sight.has_usable_id()) return nullptr;
  const std::string_view id = sight.id, made = sight.made();
  Known* at = channels_.find(id);
  if (at != nullptr) {
    Channel& known = at->second;
    const int order = compare_made(known.made, made);
    if (order > 0) return nullptr;
    if (order == 0) {
      if (known.made.empty()) known.made = made;
      if (known.over && (known.destroyed || model_->has_ended(IdKind::channel, id, made, begins, record.app)))
        return nullptr;
      return at;
    }
    if (!known.over) channel_over(id);  // nobody has reported its end
    channels_.erase(id);
  }
  if (model_->find(IdKind::channel, id) == nullptr &&
      model_->has_ended(IdKind::channel, id, made, begins, record.app))
    return nullptr;
  if (is_full()) return nullptr;
  at = &channels_.add(id);
  Channel& known = at->second;
  known.made = made;
  known.first_seq = seq_;
  std::string name_buffer;
  const std::string_view name = find_string_member(sight.text, "name", name_buffer);
  if (const std::string_view whole = whole_of(name); !whole.empty()) {
    known.half_of = whole;
    auto& halves = halves_.add(known.half_of).second;
    for (const std::string& half : halves) {
      Known* const other = channels_.find(half);
      if (other == nullptr) continue;
      link_below(other, at, Way::local);
      link_below(at, other, Way::local);
    }
    halves.push_back(at->first);
  }
  if (const std::string* call = expected_.find(at->first)) {
    const std::string with = *call;
    expected_.erase(at->first);
    if (!known.call.empty() || recalls_) return at;
    if (!with.empty() && calls_.find(with) != nullptr) {
      join(*at, with, Way::create);
    } else {
      begin(*at, ChannelText(sight.text), record, true, true);
    }
  }
  return at;
}

void Calls::enter(const Record& record) {
  const Sight sight(IdKind::channel, record, "channel");
  const std::string_view text = sight.text;
  Known* const entered = channel(sight, record, true);
  if (entered == nullptr) return;
  if (entered->second.call.empty()) {
    const Known* const replaced = find_channel(Sight(IdKind::channel, record, "replace_channel"));
    if (replaced != nullptr && calls_.find(replaced->second.call) != nullptr)
      join(*entered, replaced->second.call, Way::transfer);
  }
  entered->second.left.reset();
  Call* call = change(entered->second.call);
  if (call == nullptr) {
    if (recalls_) return;
    return begin(*entered, ChannelText(text), record, false, record.member("synthetic").empty());
  }
  calls_.grow(call->add_app(record.app));
  if (call->is_outbound() && call->begins_with(entered->first)) {
    const ChannelText shown(text);
    if (call->from.number.empty()) call->from = shown.connected;
    if (!shown.caller.number.empty() && !is_same(shown.caller, call->from)) call->to = shown.caller;
  }
  if (is_up(text)) answer(*entered, now_);
}

// Asterisk reports the end of a channel only to applications that are subscribed to it, and those of a
// channel that leaves are not any more. So a channel that leaves when it is hung up has ended then, although
// nothing says so.
void Calls::leave(const Record& record) {
  if (Known* const known = find_channel(Sight(IdKind::channel, record, "channel")))
    known->second.left = record.time;
}

void Calls::request_hangup(const Record& record) {
  Known* const known = find_channel(Sight(IdKind::channel, record, "channel"));
  if (known == nullptr) return;
  known->second.hung_up = true;
  set_cause(*known, record);
}

// Why its leg ends, as the event about it says.
void Calls::set_cause(const Known& channel, const Record& record) {
  Call* const call = change(channel.second.call);
  const auto cause = whole_number<uint64_t>(record.member("cause"));
  if (call != nullptr && cause) call->set_cause(channel.first, *cause, string_of(record.member("cause_txt")));
}

void Calls::dial(const Record& record) {
  Known* const caller = channel(Sight(IdKind::channel, record, "caller"), record);
  Known* const peer = channel(Sight(IdKind::channel, record, "peer"), record);
  Known* const forwarded = channel(Sight(IdKind::channel, record, "forwarded"), record);
  link_below(caller, peer, Way::dial);
  link_below(peer, forwarded, Way::forward);
  link_below(caller, forwarded, Way::forward);
  if (forwarded != nullptr && forwarded->second.up) answer(*forwarded, *forwarded->second.up);
}

void Calls::transfer_blind(const Record& record) {
  Known* const by = find_channel(Sight(IdKind::channel, record, "channel"));
  link_below(by, find_channel(Sight(IdKind::channel, record, "replace_channel")), Way::transfer);
  add_transfer({.time = record.time,
                .kind = "blind",
                .channel = std::string(Sight(IdKind::channel, record, "channel").id),
                .to = string_of(record.member("exten")) + "@" + string_of(record.member("context")),
                .result = string_of(record.member("result"))},
               {by, find_channel(Sight(IdKind::channel, record, "transferee"))});
}

// The event shows who talks now, in bridges, links or members of its own, and not always as
// `transfer_target`. Who of them is of no call takes the transferer's place; the transferee was there before.
void Calls::transfer_attended(const Record& record) {
  Known* const first = find_channel(Sight(IdKind::channel, record, "transferer_first_leg"));
  Known* const second = find_channel(Sight(IdKind::channel, record, "transferer_second_leg"));
  Known* const above = first != nullptr && !first->second.call.empty() ? first : second;
  const std::string transferee(Sight(IdKind::channel, record, "transferee").id);
  std::string target(Sight(IdKind::channel, record, "transfer_target").id);
  for (const std::string_view id : record.ids.of(IdKind::channel)) {
    Known* const at = channels_.find(id);
    if (id == transferee || at == nullptr || at->second.over || !at->second.call.empty()) continue;
    link_below(above, at, Way::transfer);
    if (target.empty()) target = id;
  }
  add_transfer({.time = record.time,
                .kind = "attended",
                .channel = std::string(Sight(IdKind::channel, record, "transferer_first_leg").id),
                .to = target.empty() ? string_of(record.member("destination_application")) : target,
                .result = string_of(record.member("result"))},
               {first, second, find_channel(Sight(IdKind::channel, record, "transferee")),
                find_channel(Sight(IdKind::channel, record, "transfer_target"))});
}

void Calls::add_transfer(const record::CallTransfer& transfer, std::initializer_list<const Known*> of) {
  for (const Known* channel : of) {
    Call* const call = channel == nullptr ? nullptr : change(channel->second.call);
    if (call != nullptr) calls_.grow(call->add_transfer(transfer));
  }
}

// A channel in an application, in a record that compares with Asterisk, belongs to a call whose beginning was
// not seen.
void Calls::take_changed(const Record& changed) {
  for_each_changed(changed, [&](IdKind kind, JsonView item, JsonView json) {
    if (kind == IdKind::recording)
      return take_recording(json.text(), true);  // the answer came before the event
    if (kind != IdKind::channel) return;
    Known* const shown = channel(Sight(kind, json.text()), changed);
    if (shown == nullptr || item.string_at("app").empty() || calls_.find(shown->second.call) != nullptr)
      return;
    if (!recalls_) begin(*shown, ChannelText(json.text()), changed, false, false);
  });
}

// aribus' own records.
void Calls::take_own(const Record& record) {
  if (record.type == record::StateChanged::type) return take_changed(record);
  if (record.type == record::ServerGap::type) gap_seq_ = seq_;
  if (record.type == record::ServerResynced::type) {
    for (const std::string& id : std::exchange(unseen_, {})) {
      if (model_->find(IdKind::channel, id) == nullptr) channel_over(id);
    }
  }
}

void Calls::begin(Known& channel, const ChannelText& shown, const Record& record, bool outbound, bool complete) {
  const std::string id = new_id(channel.first);
  Call& call = add_call(id);
  call.direction = record::call_directions[outbound ? 1 : 0];
  call.from = outbound ? shown.connected : shown.caller;
  call.to = outbound ? shown.caller : Party{{}, shown.exten};
  if (outbound && (call.to.number.empty() || is_same(call.to, call.from)))
    call.to = {{}, resource_of(shown.name)};
  calls_.grow(call.add_app(record.app));
  call.started = shown.made.value_or(now_);
  call.complete = complete;
  channel.second.call = id;
  channel.second.over = false;  // it may have left, and come back
  add_leg(call, channel, Way::first, shown);
  Record started = record::own_record(
      record::CallStarted{.direction = call.direction,
                          .from = call.from,
                          .to = call.to,
                          .started = call.started,
                          .complete = complete},
      server_, now_);
  started.app = record.app;
  started.ids.add(IdKind::channel, channel.first);
  started.ids.add(IdKind::call, id);
  before_.push_back(std::move(started));
  ++counts_.started;
  for (const auto& [below, way] : std::exchange(channel.second.below, {})) {
    if (Known* const at = channels_.find(below)) join(*at, id, way);
  }
  if (shown.up) answer(channel, channel.second.up.value_or(now_));
}

// Unique among all calls: an id may be used again, and a channel that has left may come back.
std::string Calls::new_id(const std::string& channel) const {
  const auto since = std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count();
  std::string behind = "/" + std::to_string(since);
  std::string id = server_ + "/";
  constexpr size_t longest_end = 40;
  if (id.size() + channel.size() + longest_end <= max_id_bytes) {
    id += channel;
  } else {
    id = id.substr(0, max_id_bytes / 2) + std::to_string(hash_of(channel));
  }
  std::string made = id + behind;
  for (size_t i = 2; calls_.find(made) != nullptr; ++i) made = id + behind + "-" + std::to_string(i);
  return made;
}

// `below` joins the call of `above`, now or when it gets one.
void Calls::link_below(Known* above, Known* below, Way way) {
  if (above == nullptr || below == nullptr || above == below || !below->second.call.empty()) return;
  if (!above->second.call.empty()) return join(*below, above->second.call, way);
  auto& waiting = above->second.below;
  constexpr size_t most = 1024;
  const bool is_there = std::ranges::find(waiting, below->first, &Below::channel) != waiting.end();
  if (!is_there && waiting.size() < most) waiting.push_back({below->first, way});
}

// With it, everything that waits for it to join a call.
void Calls::join(Known& channel, const std::string& call_id, Way way) {
  std::vector<std::pair<Known*, Way>> to_join{{&channel, way}};
  while (!to_join.empty()) {
    const auto [one, its_way] = to_join.back();
    to_join.pop_back();
    if (!one->second.call.empty()) continue;
    Call* call = change(call_id);
    if (call == nullptr) {
      if (!recalls_) return;
      call = &add_call(call_id);  // the log does not have its beginning any more
      call->complete = false;
      call->started = now_;
    }
    one->second.call = call_id;
    const Object* const object = model_->find(IdKind::channel, one->first);
    add_leg(*call, *one, its_way,
            ChannelText(object == nullptr ? std::string_view() : std::string_view(object->text)));
    for (const auto& [below, below_way] : std::exchange(one->second.below, {})) {
      if (Known* const at = channels_.find(below)) to_join.emplace_back(at, below_way);
    }
  }
}

void Calls::add_leg(Call& call, const Known& channel, Way way, const ChannelText& shown) {
  CallLeg leg;
  leg.channel = channel.first;
  leg.name = shown.name;
  leg.joined_by = record::ways_to_join[static_cast<size_t>(way)];
  leg.caller = shown.caller;
  leg.began = shown.made.value_or(now_);
  leg.answered = channel.second.up;
  calls_.grow(call.add_leg(std::move(leg)));
}

void Calls::change_state(const Record& record) {
  const Sight sight(IdKind::channel, record, "channel");
  Known* const known = is_up(sight.text) ? find_channel(sight) : nullptr;
  if (known != nullptr) answer(*known, record.time);
}

void Calls::answer(Known& channel, WallTime time) {
  if (!channel.second.up) channel.second.up = time;
  Call* const call = change(channel.second.call);
  if (call == nullptr) return;
  if (CallLeg* const leg = call->leg(channel.first); leg != nullptr && !leg->answered)
    leg->answered = channel.second.up;
  if (call->answered || call->main_leg().channel != channel.first) return;
  call->answered = channel.second.up;
  if (recalls_) return;
  Record answered = record::own_record(
      record::CallAnswered{.answered = *call->answered,
                           .ring_ms = milliseconds_between(call->started, *call->answered)},
      server_, now_);
  if (!call->apps.empty()) answered.app = call->apps.back();
  answered.ids.add(IdKind::channel, channel.first);
  answered.ids.add(IdKind::call, channel.second.call);
  after_.push_back(std::move(answered));
}

void Calls::hold(const Record& record, bool held) {
  const Known* const known = find_channel(Sight(IdKind::channel, record, "channel"));
  Call* const call = known == nullptr ? nullptr : change(known->second.call);
  if (call != nullptr) call->set_held(known->first, held, record.time);
}

void Calls::take_recording(std::string_view text, bool begins) {
  const std::string_view target = target_of(text);
  std::vector<std::string> of;
  if (target.starts_with("channel:")) of.emplace_back(target.substr(8));
  if (target.starts_with("bridge:")) {
    const Object* const bridge = model_->find(IdKind::bridge, target.substr(7));
    if (bridge != nullptr && bridge->seat) of = bridge->seat->channels;
  }
  const record::CallRecording shown{.name = string_of(find_member(text, "name")),
                                    .format = string_of(find_member(text, "format")),
                                    .duration = whole_number<uint64_t>(find_member(text, "duration"))};
  for (const std::string& id : of) {
    if (Call* const call = change(call_of(id))) calls_.grow(call->take_recording(shown, begins));
  }
}

// The Model says with channel_over() that it has ended.
void Calls::destroy(const Record& record) {
  const Sight sight(IdKind::channel, record, "channel");
  Known* const known = find_channel(sight);
  if (known == nullptr) return;
  known->second.destroyed = true;
  Call* const call = change(known->second.call);
  if (call == nullptr) return;
  if (CallLeg* const leg = call->leg(known->first)) {
    leg->name = string_of(find_member(sight.text, "name"));
    leg->caller = party_of(find_member(sight.text, "caller"));
  }
  set_cause(*known, record);
  if (model_->find(IdKind::channel, known->first) == nullptr) channel_over(known->first);
}

void Calls::channel_over(std::string_view id) {
  Known* const at = channels_.find(id);
  if (at == nullptr || at->second.over) return;
  Channel& known = at->second;
  if (known.first_seq == seq_ && !recalls_) return;  // an earlier channel with this id is over
  if (!known.half_of.empty()) {
    if (auto* const halves = halves_.find(known.half_of)) {
      std::erase(halves->second, at->first);
      if (halves->second.empty()) halves_.erase(known.half_of);
    }
  }
  if (known.call.empty()) {
    channels_.erase(id);
    return;
  }
  known.over = true;
  const WallTime end = known.destroyed ? now_ : known.left.value_or(now_);
  Call* const call = change(known.call);
  if (call == nullptr) return remember(at->first);
  if (CallLeg* const leg = call->leg(at->first)) leg->ended = end;
  if (!known.destroyed && !(known.hung_up && known.left)) call->left = true;
  call->set_held(at->first, false, end);
  --call->live_legs;
  if (call->live_legs == 0 && !recalls_) finish(std::string(known.call));
}

void Calls::channel_shown(std::string_view id) {
  Known* const at = channels_.find(id);
  if (at == nullptr || !at->second.over) return;
  at->second.over = false;
  Call* const call = change(at->second.call);
  if (call == nullptr) return;
  ++call->live_legs;
  if (CallLeg* const leg = call->leg(at->first)) leg->ended.reset();
  call->left = std::ranges::any_of(call->legs, [&](const CallLeg& leg) {
    const Known* const other = channels_.find(leg.channel);
    return leg.ended && other != nullptr && !other->second.destroyed;
  });
}

void Calls::finish(const std::string& id) {
  Call& call = *change(id);
  const bool left = call.left;
  const record::CallEnded ended = ended_call(std::move(call), gap_seq_);
  ++counts_.ended[left ? 1 : 0][ended.complete ? 1 : 0];
  Record record = record::own_record(ended, server_, now_);
  if (!ended.apps.empty()) record.app = ended.apps.back();
  for (const CallLeg& leg : ended.legs) record.ids.add(IdKind::channel, leg.channel);
  record.ids.add(IdKind::call, id);
  after_.push_back(std::move(record));
  calls_.erase(id);
  for (const CallLeg& leg : ended.legs) remember(leg.channel);
}

// Late copies of its events still get their call, for some time.
void Calls::remember(const std::string& channel) {
  ended_.push_back(channel);
  if (ended_.size() <= options_.max_ended) return;
  const Known* const oldest = channels_.find(ended_.front());
  if (oldest != nullptr && oldest->second.over && calls_.find(oldest->second.call) == nullptr)
    channels_.erase(ended_.front());
  ended_.pop_front();
}

Call* Calls::change(std::string_view id) {
  if (id.empty()) return nullptr;
  const auto slot = calls_.find_slot(id);
  if (slot == nullptr) return nullptr;
  Call& call = calls_.change(*slot);
  if (!call.text.ends.empty()) call.text = {};
  return &call;
}

Call& Calls::add_call(const std::string& id) {
  Call& call = calls_.change(calls_.add(id));
  call.id = id;
  call.direction = record::call_directions[0];
  call.first_seq = seq_;
  call.bytes = sizeof call + id.size();
  calls_.grow(call.bytes);
  return call;
}

}  // namespace aribus::state
