#include "pbx/resync.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "net/discard.h"
#include "net/url.h"
#include "record/own_records.h"
#include "state/difference.h"

namespace aribus::pbx {
namespace {

using record::IdKind;
using record::Record;
using state::Comparison;
using state::Difference;
using state::FetchedState;
using state::Model;

constexpr int looks_at_playback = 3;

// The counts of the difference, and the ids of all live objects that can end.
Record resynced(const std::string& server, const Model& model, const Difference& difference, WallTime now) {
  const record::ServerResynced counts{
      .came = difference.came, .changed = difference.changed, .ended = difference.ended};
  Record record = record::own_record(counts, server, now);
  constexpr IdKind kinds[] = {IdKind::channel, IdKind::bridge, IdKind::playback, IdKind::recording};
  size_t count = 0;
  for (const IdKind kind : kinds) count += model.of(kind).size();
  record.ids.reserve(count);
  for (const IdKind kind : kinds) {
    const auto& objects = model.of(kind);
    for (auto at = objects.begin(); at != objects.end(); ++at)
      record.ids.add_new(kind, (*at).id, record::id_hash(kind, at.hash()));
  }
  return record;
}

}  // namespace

Resync::Resync(std::string server, ari::Client& client, Model& model, Handlers handlers,
               ResyncOptions options, Clock clock)
    : server_(std::move(server)),
      loop_(client.loop()),
      client_(&client),
      model_(model),
      handlers_(std::move(handlers)),
      options_(options),
      clock_(std::move(clock)),
      fetcher_(client, model),
      publisher_{handlers_.publish, handlers_.next_seq},
      work_(loop_),
      mark_("aribus-" + random_hex(6) + "-"),
      timer_(client.loop()) {}

void Resync::use(ari::Client& client) {
  stop();
  client_ = &client;
  fetcher_.use(client);
}

void Resync::begin(bool missed) {
  stop();
  missed_ = missed || owes_;
  owes_ = missed_;
  connected_ = handlers_.next_seq();
  pause_ = options_.first_pause;
  fetch();
}

void Resync::stop() {
  known_ = false;
  phase_ = Phase::idle;
  looking_ = false;
  fetcher_.stop();
  work_.stop();
  discard_fetched();
  fences_.clear();
  late_.clear();
  timer_.stop();
}

bool Resync::take(const Record& record) {
  if (record.type != "ChannelUserevent") return false;
  const std::string_view name = record.member("eventname");
  if (name.size() < 2 + mark_.size() || name.compare(1, mark_.size(), mark_) != 0) return false;
  const std::string fence(name.substr(1, name.size() - 2));
  if (const auto late = late_.extract(fence)) handlers_.heard(late.mapped());
  lower_fence(fence);
  return true;
}

void Resync::fetch() {
  phase_ = Phase::asking;
  begin_ = handlers_.next_seq();
  fetcher_.begin(!known_, [this](Result<FetchedState> fetched) {
    if (!fetched) return retry(fetched.error().message);
    fetched_ = std::move(*fetched);
    raise_fences();
  });
}

// One in every application: Asterisk queues the events of each separately.
void Resync::raise_fences() {
  phase_ = Phase::fencing;
  for (const std::string& app : client_->options().apps) {
    // The client that has taken the application over must not get the event.
    if (known_ && client_->replaced_apps().contains(app)) continue;
    fences_[mark_ + std::to_string(++fence_number_)].app = app;
  }
  if (fences_.empty()) return begin_merge();
  for (const auto& [name, fence] : std::map(fences_)) {
    client_->request("POST", "/events/user/" + name + "?application=" + percent_encode(fence.app), "",
                     [this, name = name](const Result<HttpResponse>& answer) {
                       // A user that may only read can't have it sent.
                       if (!answer || !answer->succeeded()) return lower_fence(name);
                       if (const auto at = fences_.find(name); at != fences_.end()) at->second.sent = true;
                     });
  }
  timer_.once(options_.fence_timeout, [this] { give_up_fences(); });
}

void Resync::lower_fence(const std::string& name) {
  if (phase_ == Phase::fencing && fences_.erase(name) > 0 && fences_.empty()) begin_merge();
}

// Of an application with a filter, which may drop the fence, nothing follows from its absence.
void Resync::give_up_fences() {
  late_.clear();
  for (const auto& [name, fence] : fences_) {
    if (fence.sent && !fetcher_.is_filtered(fence.app)) late_.emplace(name, fence.app);
  }
  begin_merge();
  for (const auto& [name, app] : std::map(late_)) handlers_.silent(app);
}

void Resync::begin_merge() {
  phase_ = Phase::merging;
  fences_.clear();
  timer_.stop();
  work_.start(merge());
}

Slices Resync::merge() {
  const bool news = !known_;
  const Comparison comparison{begin_, news && missed_ ? std::optional(connected_) : std::nullopt,
                              clock_.wall()};
  Difference found;
  const std::vector<std::string> apps = client_->options().apps;
  co_await state::publish_difference(server_, apps, model_, fetched_, comparison, publisher_, found);
  // What these records report is checked once more, soon.
  co_await state::publish_unheard(server_, model_, fetched_, begin_, clock_.wall(), publisher_, doubt_);
  known_ = true;
  owes_ = false;
  phase_ = Phase::idle;
  for (const std::string& app : fetched_.unknown_apps) handlers_.silent(app);
  if (news) {
    handlers_.done();
    handlers_.publish(resynced(server_, model_, found, clock_.wall()));
  }
  discard_fetched();  // last: while it is freed, there is little other work with memory
  fetched_at_ = loop_.now();
  if (news) look_pause_ = options_.first_look;
  look_at_ = fetched_at_ + look_pause_;
  schedule_look();
}

void Resync::discard_fetched() {
  state::FetchedState fetched = std::exchange(fetched_, {});
  if (fetched.size() > max_freed_at_once) discard(loop_, std::make_shared<state::FetchedState>(std::move(fetched)));
}

void Resync::retry(const std::string& reason) {
  if (!known_) handlers_.failed(reason);
  timer_.once(pause_, [this] { fetch(); });
  pause_ = std::min(2 * pause_, options_.longest_pause);
}

// Asterisk does not say when it stops reporting an object, stops a little after the last event about it, and
// goes on listing bridges that are gone (22.10). So the subscriptions are checked after a doubtful event, and
// everything is read again when it has become quiet, and from time to time in any case.
void Resync::look_when_due() {
  const Milliseconds now = loop_.now();
  const bool model_doubts = model_.take_doubt();
  if (std::exchange(doubt_, false) || model_doubts) look_pause_ = options_.first_look;
  look_at_ = now + look_pause_;
  look_pause_ = std::min(2 * look_pause_, options_.longest_look);
  const bool quiet = look_pause_ > 4 * options_.first_look;
  quiet || now - fetched_at_ >= options_.longest_look ? fetch() : look();
}

// While it asks, what comes next is scheduled when the answers are there.
void Resync::look_soon() {
  if (!known_ || phase_ != Phase::idle || looking_) return;
  if (look_at_ > loop_.now() + options_.first_look) schedule_look();
}

void Resync::schedule_look() {
  const Milliseconds now = loop_.now();
  if (doubt_ || model_.has_doubt()) look_at_ = std::min(look_at_, now + options_.first_look);
  timer_.once(std::max(look_at_ - now, Milliseconds(0)), [this] { look_when_due(); });
}

void Resync::look() {
  const uint64_t begin = handlers_.next_seq();
  // Each is asked for a few times, soon after it began; after that Asterisk reports its end.
  std::vector<std::string> playbacks = doubtful_playbacks(model_);
  std::erase_if(playbacks, [&](const std::string& id) {
    const auto at = asked_for_.find(id);
    return at != asked_for_.end() && at->second.times >= looks_at_playback && !at->second.missed_since;
  });
  looking_ = true;
  fetcher_.begin_subscriptions(playbacks, [this, begin, playbacks](Result<FetchedState> fetched) {
    if (fetched) {
      fetched_ = std::move(*fetched);
      return work_.start(merge_look(playbacks, begin));
    }
    looking_ = false;
    doubt_ = true;
    if (phase_ == Phase::idle) schedule_look();
  });
}

Slices Resync::merge_look(std::vector<std::string> playbacks, uint64_t begin) {
  take_playbacks(playbacks, begin);
  co_await state::publish_unheard(server_, model_, fetched_, begin, clock_.wall(), publisher_, doubt_);
  looking_ = false;
  discard_fetched();
  if (phase_ == Phase::idle) schedule_look();
}

// An answer may be ahead of the events: a missing playback has ended unreported only when it is still missing
// at the next look, and no event has reported its end in between.
void Resync::take_playbacks(const std::vector<std::string>& playbacks, uint64_t begin) {
  std::erase_if(asked_for_,
                [&](const auto& asked) { return model_.find(IdKind::playback, asked.first) == nullptr; });
  for (const std::string& id : playbacks) {
    if (model_.find(IdKind::playback, id) == nullptr) continue;
    Asked& asked = asked_for_[id];
    ++asked.times;
    if (fetched_.find(IdKind::playback, id) != nullptr || model_.touched_since(begin, IdKind::playback, id)) {
      asked.missed_since.reset();
    } else if (!asked.missed_since || model_.touched_since(*asked.missed_since, IdKind::playback, id)) {
      asked.missed_since = begin;
      doubt_ = true;  // the next look comes soon
    } else {
      for (const Record& record : ends_of_playbacks(server_, client_->options().apps, model_, fetched_, {id},
                                                    begin, clock_.wall()))
        handlers_.publish(record);
    }
  }
}

}  // namespace aribus::pbx
