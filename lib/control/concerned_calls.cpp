#include "control/concerned_calls.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ari/operation.h"
#include "control/named_ids.h"
#include "json/json_tape.h"
#include "net/url.h"

namespace aribus::control {
namespace {

using record::IdKind;

class Finder {
 public:
  explicit Finder(const pbx::Server& server) : server_(server) {}

  void add_call(std::string_view id) {
    if (!id.empty()) add(found_.calls, id);
  }
  void add(IdKind kind, std::string_view id) {
    const state::Model& model = server_.model();
    if (kind == IdKind::channel) return add_call(model.calls().call_of(id));
    if (kind == IdKind::bridge) return add(found_.bridges, id);
    if (kind != IdKind::playback && kind != IdKind::recording) return;
    const state::Object* media = model.find(kind, id);
    if (media == nullptr) return;
    JsonTape tape;
    const std::string target = tape.read(media->text).string_at("target_uri");
    const std::string_view on = std::string_view(target).substr(target.find(':') + 1);
    if (target.starts_with("channel:")) add(IdKind::channel, on);
    if (target.starts_with("bridge:")) add(IdKind::bridge, on);
  }
  // `/channels/ID/…`, percent-encoded.
  void add_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
      path.remove_prefix(1);
      const size_t end = std::min(path.find('/'), path.size());
      parts.push_back(percent_decode(path.substr(0, end)));
      path.remove_prefix(end);
    }
    if (parts.size() < 2) return;
    if (parts[0] == "channels") add(IdKind::channel, parts[1]);
    if (parts[0] == "bridges") add(IdKind::bridge, parts[1]);
    if (parts[0] == "playbacks") add(IdKind::playback, parts[1]);
    if (parts[0] == "recordings" && parts[1] == "live" && parts.size() > 2) add(IdKind::recording, parts[2]);
  }
  // The ids in an object of parameters. `method`: the one that it is for.
  void add_named(const Method& method, const JsonValue& params) {
    for (const NamedId& id : named_ids(params)) {
      if (!created_kind(method, id.parameter)) add(id.kind, id.text);
    }
  }

  [[nodiscard]] pbx::Assignments::Concerned take() { return std::move(found_); }

 private:
  static void add(std::vector<std::string>& to, std::string_view id) {
    if (std::ranges::find(to, id) == to.end()) to.emplace_back(id);
  }

  const pbx::Server& server_;
  pbx::Assignments::Concerned found_;
};

// Asterisk takes lists of ids as text, too: "channel=a,b".
void add_listed(Finder& finder, const JsonValue& params) {
  const JsonValue* listed = find(params, "channel");
  if (listed == nullptr || !listed->IsString()) return;
  std::string_view rest = as_view(*listed);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    finder.add(IdKind::channel, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// Of ari.request. Each member by itself: a name may come twice. What goes into the query is text there, so an
// id may have been given as a number.
void add_named(Finder& finder, const JsonValue* params, bool as_text) {
  if (params == nullptr || !params->IsObject()) return;
  for (const auto& member : params->GetObject()) {
    Json one(rapidjson::kObjectType);
    const std::string_view name = as_view(member.name);
    as_text ? set_member(one, name, ari::query_value(member.value)) : set_member(one, name, member.value);
    finder.add_named(Method{}, one);
    add_listed(finder, one);
  }
}

}  // namespace

pbx::Assignments::Concerned concerned_calls(const pbx::Server& server, const Method& method,
                                            const JsonValue& params) {
  Finder finder(server);
  if (method.name == "ari.request") {
    if (find_string(params, "method") == "GET") return {};
    finder.add_path(find_string(params, "path"));
    add_named(finder, find(params, "query"), true);
    add_named(finder, find(params, "body"), false);
    return finder.take();
  }
  finder.add_named(method, params);
  add_listed(finder, params);
  finder.add_call(find_string(params, "call"));
  return finder.take();
}

}  // namespace aribus::control
