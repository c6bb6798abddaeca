#include "control/methods/live_snapshot.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "control/methods/state_methods.h"
#include "control/params.h"
#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/find_member.h"
#include "json/json_tape.h"
#include "record/call.h"

namespace aribus::control {
namespace {

using record::IdKind;
using state::Object;

constexpr size_t bytes_at_once = 64 << 10;  // of a text that is made while it is written
constexpr size_t looked_at_once = 256;      // objects, while it is found out which of them a rule shows

// Restricts a list; "" restricts nothing.
struct Wanted {
  std::string id;
  std::string app;
  std::string bridge;
};

// No event reports changes of an endpoint's channels, so the list would be wrong.
std::string without_channel_ids(const std::string& endpoint) {
  JsonTape tape;
  ObjectBuilder text;
  for (const auto& member : tape.read(endpoint).children()) {
    const std::string name = member.name().string();
    if (name != "channel_ids") text.json(name, member.value().text());
  }
  return text.str();
}

// The objects of one Asterisk.
struct Source {
  std::string name;  // of the Asterisk, as JSON
  std::shared_ptr<const state::Frozen> objects;
};

// The lists of objects, as they were when it was made.
class Lists final : public pbx::MadeText, public std::enable_shared_from_this<Lists> {
 public:
  // `head` comes before the first list.
  Lists(std::string head, std::vector<Source> sources, std::vector<IdKind> kinds, Wanted wanted,
        const AccessRule& rule)
      : head_(std::move(head)), sources_(std::move(sources)), kinds_(std::move(kinds)), wanted_(std::move(wanted)) {
    apps_.apps = rule.apps;
    for (const Source& source : sources_) {
      for (const IdKind kind : kinds_) {
        constexpr size_t around = 100;  // an object
        const auto add = [&](const auto& objects) {
          size_ += objects.text_bytes() + around * objects.size();
        };
        kind == IdKind::call ? add(source.objects->calls()) : add(source.objects->of(kind));
      }
    }
  }

  [[nodiscard]] std::unique_ptr<Reader> read() const override;
  [[nodiscard]] std::string items_of(const state::Call& call) const;
  [[nodiscard]] size_t size() const override { return size_; }
  [[nodiscard]] size_t held_bytes() const override {
    size_t bytes = sizeof *this + bytes_at_once;
    for (const Source& source : sources_) bytes += source.objects->kept_bytes();
    return bytes;
  }

 private:
  class ItsReader;

  [[nodiscard]] bool shows(const Source& source, IdKind kind, const Object& object) const {
    return sees_object(apps_, *source.objects, kind, object) &&
           (wanted_.app.empty() || object.app == wanted_.app) &&
           (wanted_.bridge.empty() || object.bridge(source.objects->number()) == wanted_.bridge);
  }
  [[nodiscard]] bool shows(const state::Call& call) const {
    return sees_call(apps_, call) &&
           (wanted_.app.empty() || std::ranges::find(call.apps, wanted_.app) != call.apps.end());
  }
  // `near`: see FrozenMap::find().
  void append(std::string& out, const Source& source, const state::Call& call,
              std::optional<state::FrozenObjects::Iterator>& near) const {
    out += R"({"server":)";
    out += source.name;
    append_text(out, "app", call.apps.empty() ? std::string_view() : std::string_view(call.apps.back()));
    out += R"(,"call":)";
    const bool whole = sees_whole_call(apps_, call.apps);
    const state::FrozenObjects& channels = source.objects->of(IdKind::channel);
    const state::CallText& text = state::text_of(call, source.objects->gap_seq());
    out += text.head();
    for (size_t i = 0; i < call.legs.size(); ++i) {
      const record::CallLeg& leg = call.legs[i];
      const Object* const channel = leg.ended ? nullptr : channels.find(leg.channel, near);
      if (!whole && (channel == nullptr || !sees_object(apps_, *source.objects, IdKind::channel, *channel)))
        continue;
      if (out.back() != '[') out += ',';
      out += text.leg(i);
      if (!leg.ended) append_live(out, leg, channel, source.objects->number());
      out += '}';
    }
    out += "]}}";
  }
  // What the leg's channel says of itself now, if it is known.
  static void append_live(std::string& out, const record::CallLeg& leg, const Object* channel, uint64_t version) {
    std::string_view name, state, caller;
    each_member_of(channel == nullptr ? std::string_view() : std::string_view(channel->text),
                   [&](std::string_view member, std::string_view value) {
                     if (member == "name") name = value;
                     if (member == "state") state = value;
                     if (member == "caller") caller = value;
                     return name.empty() || state.empty() || caller.empty();
                   });
    out += R"(,"name":)";
    name.empty() ? append_json(out, leg.name) : static_cast<void>(out += name);
    out += R"(,"caller":)";
    caller.empty() ? append_json(out, leg.caller) : static_cast<void>(out += caller);
    if (!state.empty()) (out += R"(,"state":)") += state;
    if (channel != nullptr) append_text(out, "bridge", channel->bridge(version));
  }
  // Appends an item of a list.
  static void append(std::string& out, const Source& source, IdKind kind, const Object& object) {
    out += R"({"server":)";
    out += source.name;
    if (kind == IdKind::channel) {
      append_text(out, "app", object.app);
      append_text(out, "bridge", object.bridge(source.objects->number()));
      out += R"(,"began":")";
      append_rfc3339(out, object.began);
      out += '"';
      if (!object.variables.empty()) append_variables(out, object);
    }
    out += ",\"";
    out += record::object_name(kind);
    out += "\":";
    kind == IdKind::endpoint ? out += without_channel_ids(object.text) : out += object.text;
    out += '}';
  }
  static void append_text(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    append_json_string(out, value);
  }
  static void append_variables(std::string& out, const Object& channel) {
    out += R"(,"variables":{)";
    for (const auto& [name, value] : channel.variables) {
      if (out.back() != '{') out += ',';
      out += name;
      out += ':';
      out += value;
    }
    out += '}';
  }

  std::string head_;
  std::vector<Source> sources_;
  std::vector<IdKind> kinds_;
  Wanted wanted_;
  AccessRule apps_;  // a rule that shows the same objects
  size_t size_ = 64;
};

// The items of one call, each as in the list of its kind.
std::string Lists::items_of(const state::Call& call) const {
  const Source& source = sources_.front();
  std::optional<state::FrozenObjects::Iterator> near;
  std::string out = R"("call":)";
  append(out, source, call, near);
  out += R"(,"channels":[)";
  std::vector<std::string_view> bridges;
  for (const record::CallLeg& leg : call.legs) {
    const Object* channel = leg.ended ? nullptr : source.objects->find(IdKind::channel, leg.channel);
    if (channel == nullptr || !shows(source, IdKind::channel, *channel)) continue;
    if (out.back() != '[') out += ',';
    append(out, source, IdKind::channel, *channel);
    const std::string_view bridge = channel->bridge(source.objects->number());
    if (!bridge.empty() && std::ranges::find(bridges, bridge) == bridges.end()) bridges.push_back(bridge);
  }
  out += R"(],"bridges":[)";
  for (const std::string_view id : bridges) {
    const Object* bridge = source.objects->find(IdKind::bridge, id);
    if (bridge == nullptr || !shows(source, IdKind::bridge, *bridge)) continue;
    if (out.back() != '[') out += ',';
    append(out, source, IdKind::bridge, *bridge);
  }
  return out += ']';
}

// Sorted by kind, Asterisk and id.
class Lists::ItsReader final : public Reader {
 public:
  explicit ItsReader(std::shared_ptr<const Lists> lists) : lists_(std::move(lists)) {}

  bool next(std::string& piece) override {
    piece.clear();
    piece.reserve(bytes_at_once + (bytes_at_once >> 2));
    if (!std::exchange(begun_, true)) piece += lists_->head_;
    size_t looked_at = 0;
    for (; kind_ < lists_->kinds_.size(); ++kind_) {
      const IdKind kind = lists_->kinds_[kind_];
      if (!std::exchange(in_list_, true)) {
        if (kind_ > 0) piece += ',';
        piece += '"';
        piece += record::field_name(kind);
        piece += "\":[";
        empty_ = true;
      }
      for (; source_ < lists_->sources_.size(); ++source_) {
        const Source& source = lists_->sources_[source_];
        const bool is_full = kind == IdKind::call ? fill(piece, source.objects->calls(), call_at_, looked_at)
                                                  : fill(piece, source.objects->of(kind), at_, looked_at);
        if (is_full) return true;
        near_.reset();
      }
      source_ = 0;
      in_list_ = false;
      piece += ']';
    }
    piece += '}';
    return false;
  }

 private:
  // Adds objects of the source at hand, from `at` on; returns true when there are more than go into the
  // piece.
  template <typename Objects>
  bool fill(std::string& piece, const Objects& objects, std::optional<typename Objects::Iterator>& at,
            size_t& looked_at) {
    if (!lists_->wanted_.id.empty()) {
      if (const auto* object = objects.find(lists_->wanted_.id)) add(piece, *object);
      return false;
    }
    if (!at) at = objects.begin();
    for (; *at != objects.end(); ++*at) {
      if (piece.size() >= bytes_at_once || looked_at++ == looked_at_once) return true;
      add(piece, (**at).object);
    }
    at.reset();
    return false;
  }
  void add(std::string& piece, const Object& object) {
    const Source& source = lists_->sources_[source_];
    const IdKind kind = lists_->kinds_[kind_];
    if (!lists_->shows(source, kind, object)) return;
    if (!std::exchange(empty_, false)) piece += ',';
    append(piece, source, kind, object);
  }
  void add(std::string& piece, const state::Call& call) {
    const Source& source = lists_->sources_[source_];
    if (!lists_->shows(call)) return;
    if (!std::exchange(empty_, false)) piece += ',';
    lists_->append(piece, source, call, near_);
  }

  std::shared_ptr<const Lists> lists_;
  bool begun_ = false;
  size_t kind_ = 0;
  bool in_list_ = false;  // the list of this kind is open
  bool empty_ = true;     // and has no item yet
  size_t source_ = 0;
  std::optional<state::FrozenObjects::Iterator> at_;
  std::optional<state::FrozenCalls::Iterator> call_at_;
  std::optional<state::FrozenObjects::Iterator> near_;  // a channel of the last call
};

std::unique_ptr<pbx::MadeText::Reader> Lists::read() const {
  return std::make_unique<ItsReader>(shared_from_this());
}

// Small lists are made at once.
pbx::ResultText lists(const Dispatcher& dispatcher, std::string head, const std::vector<std::string>& servers,
                      std::vector<IdKind> kinds, Wanted wanted, const AccessRule& rule) {
  std::vector<Source> sources;
  for (const auto& server : dispatcher.servers()) {
    if (servers.empty() || std::ranges::find(servers, server->name()) != servers.end())
      sources.push_back({string_text(server->name()), server->freeze()});
  }
  const bool is_one = !wanted.id.empty();
  pbx::ResultText made(std::make_shared<const Lists>(std::move(head), std::move(sources), std::move(kinds),
                                                     std::move(wanted), rule));
  if (is_one || made.pieces().front().made->size() <= bytes_at_once) return made.str();
  return made;
}

}  // namespace

Result<pbx::ResultText> live_objects(const Dispatcher& dispatcher, const std::string& cursor, IdKind kind,
                                     const JsonValue& params, const AccessRule& rule) {
  std::vector<std::string> servers;
  if (const std::string_view server = find_string(params, "server"); find(params, "server") != nullptr) {
    std::vector<std::string_view> known;
    for (const auto& one : dispatcher.servers()) known.push_back(one->name());
    if (std::ranges::find(known, server) == known.end()) {
      Error error = wrong_param("server", "one of " + join(known), find(params, "server"));
      error.message += did_you_mean(server, known);
      return error;
    }
    servers.emplace_back(server);
  }
  std::string head = R"({"cursor":)" + string_text(cursor) + ",";
  Wanted wanted{std::string(find_string(params, "id")), std::string(find_string(params, "app")),
                std::string(find_string(params, "bridge"))};
  return lists(dispatcher, std::move(head), servers, {kind}, std::move(wanted), rule);
}

pbx::ResultText live_snapshot(const Dispatcher& dispatcher, const std::vector<std::string>& servers,
                              const AccessRule& rule) {
  std::vector<IdKind> kinds;
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    const Method* method = dispatcher.methods().find(state_method_name(kind));
    if (method != nullptr && rule.allows(*method)) kinds.push_back(kind);
  }
  return lists(dispatcher, "{", servers, std::move(kinds), {}, rule);
}

std::string call_snapshot(const pbx::Assignments& assignments, const std::string& call, std::string_view app,
                          const AccessRule& rule) {
  pbx::Server* server = assignments.server_of(call);
  if (server == nullptr) return "null";
  const state::Call& live = *server->model().calls().find(call);
  if (!sees_call(rule, live)) return "null";
  const pbx::CallBeginning beginning = assignments.beginning_of(call, app);
  std::string name;
  append_json_string(name, server->name());
  const Lists lists("", {{name, server->freeze()}}, {}, {}, rule);
  std::string text = R"({"channel":)";
  append_json_string(text, beginning.channel);
  text += R"(,"args":)" + beginning.args + R"(,"commands":)" + strings_text(beginning.commands) + ",";
  text += lists.items_of(live);
  return text += '}';
}

}  // namespace aribus::control
