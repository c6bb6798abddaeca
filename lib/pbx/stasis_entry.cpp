#include "pbx/stasis_entry.h"

#include <algorithm>
#include <utility>

#include "state/object_text.h"

namespace aribus::pbx {
namespace {

using record::IdKind;

constexpr size_t max_known = 4096;
constexpr size_t max_named = 3;  // channels named in the text of an error

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (end > 0) parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

struct Finding {
  std::string_view stasis;
  std::string text;
};

Finding find_out(const std::string& id, const StasisEntries& entries, const state::Model& model,
                 uint64_t sent) {
  const std::string name = "channel '" + id + "'";
  const std::string app(entries.app(id));
  if (entries.place(id) == StasisEntries::Place::entering) {
    return {"not_yet", "not yet: " + name + " was made for the application '" + app +
                           "', and its StasisStart has not come (a call that was originated enters when it "
                           "is answered)"};
  }
  if (entries.place(id) == StasisEntries::Place::left)
    return {"no_longer", "no longer: " + name + " has left the application '" + app + "' (StasisEnd)"};
  const state::Object* object = model.find(IdKind::channel, id);
  if (object != nullptr && !object->app.empty() && object->app_seq <= sent)
    return {"no_longer", "no longer: " + name + " was in the application '" + object->app + "'"};
  return {"unknown", name + " has not entered Stasis yet, or has left it: which of the two is not known"};
}

}  // namespace

StasisEntries::StasisEntries(Loop& loop, StasisEntriesOptions options)
    : loop_(loop), options_(options), channels_(max_known), timer_(loop) {}

void StasisEntries::made(std::string_view id, std::string_view app, std::string_view created) {
  channels_.put(id, {true, std::string(app), std::string(created), loop_.now() + options_.longest});
}

StasisEntries::Channel* StasisEntries::find_shown(const record::Record& event, std::string& id) {
  const state::Sight shown(IdKind::channel, event, "channel");
  id = shown.id;
  Channel* const known = channels_.find(id);
  if (known == nullptr) return nullptr;
  const std::string_view created = shown.made();
  const bool is_other = !created.empty() && !known->created.empty() && created != known->created;
  return is_other ? nullptr : known;
}

void StasisEntries::see(const record::Record& record) {
  const std::string_view type = record.type;
  std::string id;
  if (type == "StasisStart" || type == "ChannelDestroyed") {
    if (channels_.size() == 0 || find_shown(record, id) == nullptr) return;
    channels_.erase(id);
  } else if (type == "StasisEnd") {
    const Channel* known = find_shown(record, id);
    if (id.empty() || (known == nullptr && channels_.find(id) != nullptr)) return;
    channels_.put(id, {false, record.app, known == nullptr ? "" : known->created});
  } else if (type == "state.gone") {
    for (const std::string_view gone : record.ids.of(IdKind::channel)) {
      const Channel* const known = channels_.find(gone);
      if (known != nullptr && known->entering) channels_.erase(gone);
    }
  } else if (type == "server.replaced") {
    channels_.erase_if([&](const Channel& known) { return known.entering && known.app == record.app; });
  } else if (type == "server.disconnected") {
    channels_.clear();
  } else {
    return;
  }
  settle();
}

StasisEntries::Place StasisEntries::place(std::string_view id) const {
  const Channel* const known = channels_.find(id);
  if (known == nullptr) return Place::unknown;
  return known->entering ? Place::entering : Place::left;
}

std::string_view StasisEntries::app(std::string_view id) const {
  const Channel* const known = channels_.find(id);
  return known == nullptr ? std::string_view() : known->app;
}

bool StasisEntries::is_awaited(std::string_view id) const {
  const Channel* const known = channels_.find(id);
  return known != nullptr && known->entering && loop_.now() < known->until;
}

bool StasisEntries::is_settled(const Waiting& waiting) const {
  return std::ranges::none_of(waiting.ids, [this](const std::string& id) { return is_awaited(id); });
}

void StasisEntries::when_settled(std::vector<std::string> ids, std::function<void()> done) {
  waiting_.push_back({std::move(ids), std::move(done)});
  settle();
}

void StasisEntries::settle() {
  std::vector<std::function<void()>> settled;
  std::optional<Milliseconds> next;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (is_settled(waiting)) {
      settled.push_back(std::move(waiting.done));
      return true;
    }
    for (const std::string& id : waiting.ids) {
      if (!is_awaited(id)) continue;
      const Milliseconds until = channels_.find(id)->until;
      if (!next || until < *next) next = until;
    }
    return false;
  });
  timer_.stop();
  if (next) timer_.once(*next - loop_.now(), [this] { settle(); });
  for (const auto& done : settled) done();
}

std::vector<std::string> channels_in_stasis(const ari::Operation& operation, const JsonValue& params) {
  const bool of_channel = operation.path.starts_with("/channels/{channelId}");
  const JsonValue* named = nullptr;
  if (of_channel) named = find(params, "channelId");
  if (operation.name == "bridges.addChannel" || operation.name == "bridges.removeChannel")
    named = find(params, "channel");
  if (named == nullptr) return {};
  if (named->IsString())
    return of_channel ? std::vector{std::string(as_view(*named))} : split(as_view(*named));
  std::vector<std::string> ids;
  if (!named->IsArray()) return ids;
  for (const JsonValue& id : named->GetArray()) {
    if (id.IsString()) ids.emplace_back(as_view(id));
  }
  return ids;
}

bool is_not_in_stasis(const Error& error) {
  return error.kind == ErrorKind::refused &&
         error.message.find("Channel not in Stasis application") != std::string::npos;
}

Error not_in_stasis(Error error, const std::vector<std::string>& channels, const StasisEntries& entries,
                    const state::Model& model, uint64_t sent) {
  // Asterisk does not say which of several channels it means; those known to be in Stasis are left out.
  std::vector<std::string> meant = channels;
  std::erase_if(meant, [&](const std::string& id) {
    const state::Object* object = model.find(IdKind::channel, id);
    return object != nullptr && !object->app.empty() && entries.place(id) == StasisEntries::Place::unknown;
  });
  if (meant.empty()) meant = channels;
  std::string_view stasis;
  for (size_t i = 0; i < meant.size(); ++i) {
    const Finding finding = find_out(meant[i], entries, model, sent);
    stasis = stasis.empty() || stasis == finding.stasis ? finding.stasis : "unknown";
    if (i < max_named) error.message += (i == 0 ? ": " : "; ") + finding.text;
  }
  Result<Json> data = parse_json(error.data);
  if (!data || !data->IsObject()) return error;
  set_member(*data, "stasis", stasis.empty() ? "unknown" : stasis);
  error.data = to_text(*data);
  return error;
}

}  // namespace aribus::pbx
