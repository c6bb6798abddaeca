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

// What events of a type are to calls. Those from `created` on show a channel, and are about it.
enum What : uint8_t {
  none,
  dials,
  transfers_blind,
  transfers_attended,
  records,
  created,
  enters,
  leaves,
  asks_for_hangup,
  is_destroyed,
  changes_state,
  is_held,
  is_unheld
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
  return is_recording ? records : none;
}

constexpr std::string_view shown_in[] = {"channel", "peer", "caller", "forwarded"};
constexpr size_t max_id_bytes = record::max_id_bytes;

bool is_up(std::string_view text) {
  return find_member(text, "state") == R"("Up")";
}

// Sets the leg's name and caller to those that the text of its channel shows.
void name_leg(CallLeg& leg, std::string_view text) {
  std::string_view name, caller;
  each_member_of(text, [&](std::string_view member, std::string_view value) {
    if (member == "name") name = value;
    if (member == "caller") caller = value;
    return name.empty() || caller.empty();
  });
  std::string buffer;
  leg.name = string_of(name, buffer);
  leg.caller = party_of(caller);
}

// An endpoint without a caller id of its own has that of the `originate` that calls it.
bool is_same(const Party& one, const Party& other) {
  return one.number == other.number && one.name == other.name;
}

}  // namespace

Calls::Calls(std::shared_ptr<Versions> versions, CallsOptions options)
    : options_(options), calls_(std::move(versions)) {
  for (const ari::ModelType& model : ari::models())
    roles_.push_back({model.event ? role_of(model.name) : uint8_t{none}});
}

bool Calls::is_hung_up(std::string_view id) const {
  const Known* const at = channels_.find(id);
  return at != nullptr && at->second.hung_up;
}

std::string_view Calls::call_of(std::string_view channel) const {
  const Known* const at = channels_.find(channel);
  return at == nullptr || at->second.call == nullptr ? std::string_view() : std::string_view(at->second.call->id);
}

void Calls::link(Record& record, uint64_t seq, const Model& model) {
  model_ = &model;
  now_ = record.time;
  seq_ = seq;
  see(record);
  add_calls(record);
}

void Calls::see(const Record& record) {
  const ari::ModelType* event = record.declared;
  if (event == nullptr) event = ari::find_model(record.type);
  if (event == nullptr) return take_own(record);
  Role& role = roles_[static_cast<size_t>(event - ari::models().data())];
  if (role.role == none) return;
  if (role.role >= created)
    return see_channel(record, Sight(IdKind::channel, record, "channel", role.place), role.role);
  if (role.role == dials) dial(record);
  if (role.role == transfers_blind) transfer_blind(record);
  if (role.role == transfers_attended) transfer_attended(record);
  if (role.role == records) take_recording(record.member("recording"), record.type == "RecordingStarted");
}

void Calls::see_channel(const Record& record, const Sight& shown, uint8_t role) {
  if (role == created) return static_cast<void>(channel(shown, record, true));
  if (role == enters) return enter(record, shown);
  if (role == changes_state && !is_up(shown.text)) return;
  Known* const known = find_channel(shown);
  if (known == nullptr) return;
  if (role == changes_state) answer(*known, record.time);
  if (role == asks_for_hangup) {
    known->second.hung_up = true;
    set_cause(*known, record);
  }
  // Asterisk reports the end of a channel only to applications that are subscribed to it, and those of a
  // channel that leaves are not any more. So a channel that leaves when it is hung up has ended then, although
  // nothing says so.
  if (role == leaves) known->second.left = record.time;
  if (role == is_destroyed) destroy(*known, record, shown);
  if (role == is_held || role == is_unheld) {
    if (Call* const call = change(known->second.call)) call->set_held(known->first, role == is_held, record.time);
  }
}

// The ids of a record are those of the object that has them now, unless the record is a late one.
void Calls::add_calls(Record& record) {
  if (record.declared == nullptr && record.type == record::ServerResynced::type) return;
  if (!record.ids.has(IdKind::channel)) return;
  const size_t count = record.ids.size();
  const KnownCall* added = nullptr;
  for (size_t i = 0; i < count; ++i) {
    const record::IdSet::Id id = record.ids[i];
    if (id.kind != IdKind::channel) continue;
    const HashedText hashed = id.hashed();
    Known* at = channels_.find(hashed);
    if (at == nullptr) {
      if (recalls_) {
        if (recalled_.empty() || record.type == "ChannelDestroyed" || record.type == record::CallEnded::type) continue;
        if (is_full()) continue;
        at = &channels_.add(hashed);
      } else {
        if (expected_.size() == 0 && halves_.size() == 0) continue;
        meet_unknown(hashed, record);
        if ((at = channels_.find(hashed)) == nullptr) continue;
      }
    }
    Channel& known = at->second;
    if (known.over) [[unlikely]] {
      const Sight sight(IdKind::channel, record, "channel");
      if (sight.id == id.text && compare_made(known.made, sight.made()) < 0) {
        channels_.erase(hashed);  // it is another channel with this id
        continue;
      }
    }
    if (recalls_ && known.call == nullptr && !recalled_.empty())
      join(*at, recalled_call(recalled_), record.type == record::CallStarted::type ? Way::first : Way::create);
    if (known.call == nullptr || known.call.get() == added) continue;
    added = known.call.get();
    const uint64_t hash = record::id_hash(IdKind::call, added->hash);
    record.ids.has(IdKind::call) ? static_cast<void>(record.ids.add(IdKind::call, added->id, hash))
                                 : record.ids.add_new(IdKind::call, added->id, hash);
  }
}

// A channel that a command has created, or the other half of a Local channel, in a record of any type.
void Calls::meet_unknown(const HashedText& id, const Record& record) {
  const bool is_expected = expected_.find(id.text) != nullptr;
  for (const std::string_view member : shown_in) {
    size_t place = 0;
    if (record.member(member, place).empty()) continue;
    const std::string_view known_id = record.id_of(record.members[place]);
    if (!known_id.empty() && known_id != id.text) continue;
    const Sight sight(IdKind::channel, record, member, place);
    if (sight.id != id.text) continue;
    std::string buffer;
    const std::string_view whole = whole_of(find_string_member(sight.text, "name", buffer));
    if (is_expected || (!whole.empty() && halves_.find(whole) != nullptr))
      static_cast<void>(channel(sight, record));
  }
}

// The channel that is shown; nullptr if it is none, one that has ended, or an earlier one with this id.
Calls::Known* Calls::find_channel(const Sight& sight) {
  if (!sight.has_usable_id()) return nullptr;
  Known* const at = channels_.find(sight.hashed_id());
  if (at == nullptr || at->second.over) return nullptr;
  return compare_made(at->second.made, sight.made()) == 0 ? at : nullptr;
}

// Likewise, and remembers it if it is not known yet.
Calls::Known* Calls::channel(const Sight& sight, const Record& record, bool begins) {
  if (!sight.has_usable_id()) return nullptr;
  const HashedText id = sight.hashed_id();
  const std::string_view made = sight.made();
  Known* at = channels_.find(id);
  if (at != nullptr) {
    Channel& known = at->second;
    const int order = compare_made(known.made, made);
    if (order > 0) return nullptr;
    if (order == 0) {
      if (known.made.empty()) known.made = made;
      if (known.over && (known.destroyed || model_->has_ended(IdKind::channel, sight.id, made, begins, record.app)))
        return nullptr;
      return at;
    }
    if (!known.over) channel_over(id);  // nobody has reported its end
    channels_.erase(id);
  }
  if (model_->find(IdKind::channel, id) == nullptr &&
      model_->has_ended(IdKind::channel, sight.id, made, begins, record.app))
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
    if (known.call != nullptr || recalls_) return at;
    const Call* const joined = with.empty() ? nullptr : calls_.find(with);
    if (joined != nullptr) {
      join(*at, joined->known, Way::create);
    } else {
      begin(*at, sight.text, record, true, true);
    }
  }
  return at;
}

void Calls::enter(const Record& record, const Sight& sight) {
  const std::string_view text = sight.text;
  Known* const entered = channel(sight, record, true);
  if (entered == nullptr) return;
  if (entered->second.call == nullptr) {
    const Known* const replaced = find_channel(Sight(IdKind::channel, record, "replace_channel"));
    if (replaced != nullptr && is_live(replaced->second.call))
      join(*entered, replaced->second.call, Way::transfer);
  }
  entered->second.left.reset();
  Call* call = change(entered->second.call);
  if (call == nullptr) {
    if (recalls_) return;
    return begin(*entered, text, record, false, record.member("synthetic").empty());
  }
  calls_.grow(call->add_app(record.app));
  if (call->is_outbound() && call->begins_with(entered->first)) {
    const ChannelText shown(text);
    const Party caller = party_of(shown.caller);
    if (call->from.number.empty()) call->from = party_of(shown.connected);
    if (!caller.number.empty() && !is_same(caller, call->from)) call->to = caller;
  }
  if (is_up(text)) answer(*entered, now_);
}

// Why its leg ends, as the event about it says.
void Calls::set_cause(const Known& channel, const Record& record) {
  Call* const call = change(channel.second.call);
  if (call == nullptr) return;
  size_t place = 0;
  const auto cause = whole_number<uint64_t>(record.member("cause", place));
  ++place;  // nearly always, its text follows
  std::string buffer;
  if (cause) call->set_cause(channel.first, *cause, string_of(record.member("cause_txt", place), buffer));
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
  Known* const above = first != nullptr && first->second.call != nullptr ? first : second;
  const std::string transferee(Sight(IdKind::channel, record, "transferee").id);
  std::string target(Sight(IdKind::channel, record, "transfer_target").id);
  for (const std::string_view id : record.ids.of(IdKind::channel)) {
    Known* const at = channels_.find(id);
    if (id == transferee || at == nullptr || at->second.over || at->second.call != nullptr) continue;
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
    if (shown == nullptr || item.string_at("app").empty() || is_live(shown->second.call)) return;
    if (!recalls_) begin(*shown, json.text(), changed, false, false);
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

void Calls::begin(Known& channel, std::string_view text, const Record& record, bool outbound, bool complete) {
  server_ = record.server;
  const ChannelText shown(text);
  // A channel that left and has come back has had a call.
  const WallTime began =
      channel.second.call != nullptr ? now_ : parse_time(channel.second.made).value_or(now_);
  channel.second.call = new_call(channel.first, began);
  const KnownCall& known = *channel.second.call;
  Call& call = add_call(channel.second.call);
  call.direction = record::call_directions[outbound ? 1 : 0];
  const Party caller = party_of(shown.caller);
  call.from = outbound ? party_of(shown.connected) : caller;
  call.to = outbound ? caller : Party{{}, shown.exten()};
  if (outbound && (call.to.number.empty() || is_same(call.to, call.from)))
    call.to = {{}, resource_of(string_of(shown.name))};
  calls_.grow(call.add_app(record.app));
  call.started = parse_time(channel.second.made).value_or(now_);
  call.complete = complete;
  channel.second.over = false;  // it may have left, and come back
  CallLeg& leg = add_leg(call, channel, Way::first, call.started);
  leg.name = string_of(shown.name);
  leg.caller = caller;
  Record& started = before_.add();
  record::set_own(started,
                  record::CallStarted{.direction = call.direction,
                                      .from = call.from,
                                      .to = call.to,
                                      .started = call.started,
                                      .complete = complete},
                  server_, now_);
  started.app = record.app;
  started.ids.add(IdKind::channel, channel.first);
  started.ids.add(IdKind::call, known.id, record::id_hash(IdKind::call, known.hash));
  ++counts_.started;
  for (const auto& [below, way] : std::exchange(channel.second.below, {})) {
    if (Known* const at = channels_.find(below)) join(*at, channel.second.call, way);
  }
  if (shown.is_up()) answer(channel, channel.second.up.value_or(now_));
}

// Its id is unique among all calls: an id of a channel may be used again, and a channel that has left may come back.
// `began`: when the channel was created, so that a later process that finds it gives its call the same id; or when it
// came back.
std::shared_ptr<KnownCall> Calls::new_call(const std::string& channel, WallTime began) const {
  const auto call = std::make_shared<KnownCall>();
  std::string& id = call->id;
  constexpr size_t longest_end = 40;
  const bool is_short = server_.size() + 1 + channel.size() + longest_end <= max_id_bytes;
  id.reserve(server_.size() + 1 + channel.size() + longest_end);
  id += server_;
  id += '/';
  if (is_short) {
    id += channel;
  } else {
    id.resize(std::min(id.size(), max_id_bytes / 2));
    id += std::to_string(hash_of(channel));
  }
  id += '/';
  id += std::to_string(std::chrono::duration_cast<milliseconds>(began.time_since_epoch()).count());
  const size_t size = id.size();
  for (size_t i = 2;; ++i) {
    call->hash = hash_of(id);
    if (calls_.find(call->hashed_id()) == nullptr) return call;
    id.resize(size);
    id += "-" + std::to_string(i);
  }
}

// `below` joins the call of `above`, now or when it gets one.
void Calls::link_below(Known* above, Known* below, Way way) {
  if (above == nullptr || below == nullptr || above == below || below->second.call != nullptr) return;
  if (above->second.call != nullptr) return join(*below, above->second.call, way);
  auto& waiting = above->second.below;
  constexpr size_t most = 1024;
  const bool is_there = std::ranges::find(waiting, below->first, &Below::channel) != waiting.end();
  if (!is_there && waiting.size() < most) waiting.push_back({below->first, way});
}

// With it, everything that waits for it to join a call.
void Calls::join(Known& channel, std::shared_ptr<KnownCall> known, Way way) {
  if (recalls_ && !is_live(known)) known = recalled_call(known->id);
  std::vector<std::pair<Known*, Way>> to_join{{&channel, way}};
  while (!to_join.empty()) {
    const auto [one, its_way] = to_join.back();
    to_join.pop_back();
    if (one->second.call != nullptr) continue;
    Call* const call = change(known);
    if (call == nullptr) return;
    one->second.call = known;
    const Object* const object = model_->find(IdKind::channel, one->first);
    auto made = parse_time(one->second.made);
    if (!made && object != nullptr) made = parse_time(object->made);
    CallLeg& leg = add_leg(*call, *one, its_way, made.value_or(now_));
    if (object != nullptr) name_leg(leg, object->text);
    for (const auto& [below, below_way] : std::exchange(one->second.below, {})) {
      if (Known* const at = channels_.find(below)) to_join.emplace_back(at, below_way);
    }
  }
}

CallLeg& Calls::add_leg(Call& call, const Known& channel, Way way, WallTime began) {
  CallLeg leg;
  leg.channel = channel.first;
  leg.joined_by = record::ways_to_join[static_cast<size_t>(way)];
  leg.began = began;
  leg.answered = channel.second.up;
  calls_.grow(call.add_leg(std::move(leg)));
  return call.legs.back();
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
  Record& answered = after_.add();
  record::set_own(answered,
                  record::CallAnswered{.answered = *call->answered,
                                       .ring_ms = milliseconds_between(call->started, *call->answered)},
                  server_, now_);
  if (!call->apps.empty()) answered.app = call->apps.back();
  answered.ids.add(IdKind::channel, channel.first);
  answered.ids.add(IdKind::call, call->id, record::id_hash(IdKind::call, channel.second.call->hash));
}

void Calls::take_recording(std::string_view text, bool begins) {
  const std::string_view target = target_of(text);
  std::optional<record::CallRecording> shown;
  const auto take = [&](std::string_view id) {
    const Known* const at = channels_.find(id);
    Call* const call = at == nullptr ? nullptr : change(at->second.call);
    if (call == nullptr) return;
    if (!shown) {
      shown.emplace(record::CallRecording{.name = string_of(find_member(text, "name")),
                                          .format = string_of(find_member(text, "format")),
                                          .duration = whole_number<uint64_t>(find_member(text, "duration"))});
    }
    calls_.grow(call->take_recording(*shown, begins));
  };
  if (target.starts_with("channel:")) take(target.substr(8));
  if (target.starts_with("bridge:")) {
    const Object* const bridge = model_->find(IdKind::bridge, target.substr(7));
    if (bridge == nullptr || !bridge->seat) return;
    for (const std::string& id : bridge->seat->channels) take(id);
  }
}

// The Model says with channel_over() that it has ended.
void Calls::destroy(Known& channel, const Record& record, const Sight& sight) {
  channel.second.destroyed = true;
  Call* const call = change(channel.second.call);
  if (call == nullptr) return;
  if (CallLeg* const leg = call->leg(channel.first)) name_leg(*leg, sight.text);
  set_cause(channel, record);
  if (model_->find(IdKind::channel, sight.hashed_id()) == nullptr) channel_over(sight.hashed_id());
}

void Calls::channel_over(const HashedText& id) {
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
  if (known.call == nullptr) {
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
  if (call->live_legs == 0 && !recalls_) finish(known.call);
}

void Calls::channel_shown(const HashedText& id) {
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

void Calls::finish(std::shared_ptr<KnownCall> known) {
  Call& call = *change(known);
  const bool left = call.left;
  const record::CallEnded ended = ended_call(std::move(call), gap_seq_);
  ++counts_.ended[left ? 1 : 0][ended.complete ? 1 : 0];
  Record& record = after_.add();
  record::set_own(record, ended, server_, now_);
  if (!ended.apps.empty()) record.app = ended.apps.back();
  for (const CallLeg& leg : ended.legs) record.ids.add(IdKind::channel, leg.channel);
  record.ids.add(IdKind::call, known->id, record::id_hash(IdKind::call, known->hash));
  erase(*known);
  for (const CallLeg& leg : ended.legs) remember(leg.channel);
}

void Calls::erase(KnownCall& known) {
  known.slot = nullptr;
  calls_.erase(known.id);
}

// Late copies of its events still get their call, for some time.
void Calls::remember(const std::string& channel) {
  ended_.push_back(channel);
  if (ended_.size() <= options_.max_ended) return;
  const Known* const oldest = channels_.find(ended_.front());
  if (oldest != nullptr && oldest->second.over && !is_live(oldest->second.call))
    channels_.erase(ended_.front());
  ended_.pop_front();
}

Call* Calls::change(const std::shared_ptr<KnownCall>& known) {
  if (!is_live(known)) return nullptr;
  Call& call = calls_.change(*known->slot);
  if (!call.text.ends.empty()) call.text = {};
  return &call;
}

// Required: it is not live.
Call& Calls::add_call(const std::shared_ptr<KnownCall>& known) {
  known->slot = &calls_.add(known->hashed_id());
  Call& call = calls_.change(*known->slot);
  call.known = known;
  call.id = known->id;
  call.direction = record::call_directions[0];
  call.first_seq = seq_;
  call.bytes = sizeof call + call.id.size();
  calls_.grow(call.bytes);
  return call;
}

Record& Outgoing::add() {
  constexpr size_t kept = 16;  // once they are published
  if (count_ == 0 && records_.size() > kept) records_.resize(kept);
  if (count_ == records_.size()) records_.emplace_back();
  return records_[count_++];
}

}  // namespace aribus::state
