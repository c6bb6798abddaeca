#include "control/methods/error_hints.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ari/versions.h"
#include "control/params.h"
#include "json/json_tape.h"
#include "net/url.h"

namespace aribus::control {
namespace {

using record::IdKind;

// The list of all channels is requested only if there are at most so many, and read only if it is not longer.
constexpr size_t max_listed = 1000;
constexpr size_t max_list_bytes = 1 << 20;
// From these versions on, a new id conflicts with a live channel whose id merely begins with it
// (do_ids_conflict, main/channel.c).
constexpr std::string_view by_beginning_since = "22.5.0 21.10.0 20.15.0";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool begins_ignoring_case(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::ranges::equal(text.substr(0, beginning.size()), beginning, {}, lower, lower);
}

// Finds the cause of one refusal with a few requests that only read, one after another: first live channels
// with a conflicting id, then the endpoint, then its technology. Its callbacks keep it alive until it has
// replied.
class Inquiry : public std::enable_shared_from_this<Inquiry> {
 public:
  Inquiry(pbx::Server& server, WantedChannel wanted, Error error, const Requester& requester,
          pbx::Reply reply)
      : server_(server),
        wanted_(std::move(wanted)),
        error_(std::move(error)),
        requester_(requester),
        reply_(std::move(reply)) {
    const size_t slash = std::min(wanted_.endpoint.find('/'), wanted_.endpoint.size());
    technology_ = wanted_.endpoint.substr(0, slash);
    is_local_ = technology_.size() == 5 && begins_ignoring_case(technology_, "Local");
    const auto& info = server.client().info();
    by_beginning_ = info && !ari::too_old_for(info->version, by_beginning_since, "");
    if (!wanted_.id.empty()) ids_.push_back(wanted_.id);
    if (!wanted_.other_id.empty()) ids_.push_back(wanted_.other_id);
    if (is_local_ && wanted_.other_id.empty()) ids_.push_back(wanted_.id + ";2");
  }

  void begin() {
    if (const std::string clash = clash_of_own(); !clash.empty()) return finish(clash);
    std::string living;
    for (const auto& [id, channel] : server_.model().of(IdKind::channel)) take_nearer(living, id);
    if (!living.empty()) return confirm(living);
    if (server_.model().of(IdKind::channel).size() <= max_listed) return read_list();
    look_for(0);
  }

 private:
  // The two ids of a Local channel exclude each other.
  [[nodiscard]] std::string clash_of_own() const {
    if (!is_local_ || wanted_.other_id.empty()) return {};
    if (!begins_ignoring_case(wanted_.id, wanted_.other_id)) return {};
    if (wanted_.id.size() == wanted_.other_id.size())
      return "channelId and otherChannelId are the same, and a Local channel has two halves";
    if (!by_beginning_) return {};
    return "channelId '" + wanted_.id + "' begins with otherChannelId '" + wanted_.other_id +
           "': this Asterisk takes the two for one";
  }

  // The wanted id that conflicts with that of a live channel in Asterisk's eyes, or nullptr.
  [[nodiscard]] const std::string* taken_by(std::string_view living) const {
    if (const auto same = std::ranges::find(ids_, living); same != ids_.end()) return &*same;
    const auto at = std::ranges::find_if(ids_, [&](const std::string& id) {
      return (by_beginning_ || id.size() == living.size()) && begins_ignoring_case(living, id);
    });
    return at == ids_.end() ? nullptr : &*at;
  }

  // Sets `nearest` to `living` if that conflicts with a wanted id, and more closely than `nearest` does.
  void take_nearer(std::string& nearest, const std::string& living) const {
    const std::string* taken = taken_by(living);
    if (taken == nullptr || (!nearest.empty() && nearest == *taken_by(nearest))) return;
    if (nearest.empty() || living == *taken || living.size() < nearest.size()) nearest = living;
  }

  [[nodiscard]] std::string how(const std::string& living) const {
    const std::string& wanted = *taken_by(living);
    if (living == wanted) return "";
    return living.size() == wanted.size()
               ? ", and Asterisk takes '" + wanted + "' for the same: it ignores case"
               : ", whose id begins with '" + wanted + "': this Asterisk takes the two for one";
  }

  void confirm(const std::string& living) {
    get("/channels/" + percent_encode(living), [self = shared_from_this(), living](int status,
                                                                                   const std::string&) {
      if (status != 200 && status != 404) return self->finish("");
      self->finish("a channel '" + living +
                   (status == 200 ? "' exists already" : "' existed until a moment ago") + self->how(living));
    });
  }

  void read_list() {
    get("/channels", [self = shared_from_this()](int status, const std::string& body) {
      if (status != 200 || body.size() > max_list_bytes) return self->look_for(0);
      JsonTape tape;
      const JsonView list = tape.read(body);
      if (!list.valid() || list.kind() != JsonKind::array) return self->look_for(0);
      std::string living;
      for (const auto& item : list.children()) {
        self->take_nearer(living, item.value().string_at("id"));
      }
      if (living.empty()) return self->look_at_endpoint();
      self->finish("a channel '" + living + "' exists already" + self->how(living));
    });
  }

  void look_for(size_t i) {
    if (i == ids_.size()) return look_at_endpoint();
    get("/channels/" + percent_encode(ids_[i]),
        [self = shared_from_this(), i](int status, const std::string&) {
          if (status == 200) return self->finish("a channel '" + self->ids_[i] + "' exists already");
          status == 404 ? self->look_for(i + 1) : self->finish("");
        });
  }

  // "PJSIP/number@endpoint" and addresses are not names of endpoints, and Local has no endpoints.
  void look_at_endpoint() {
    if (wanted_.endpoint.empty()) return finish("");
    const std::string name =
        wanted_.endpoint.substr(std::min(technology_.size() + 1, wanted_.endpoint.size()));
    if (is_local_) return finish(perhaps("the technology can make none for it now"));
    if (name.find_first_of("/@:") != std::string::npos) return look_at_technology(false);
    get("/endpoints/" + percent_encode(technology_) + "/" + percent_encode(name),
        [self = shared_from_this()](int status, const std::string& body) {
          if (status == 404) return self->look_at_technology(true);
          JsonTape tape;
          const JsonView endpoint = tape.read(body);
          const std::string state = endpoint.valid() ? endpoint.string_at("state") : "";
          if (status != 200 || state.empty()) return self->finish("");
          self->finish("Asterisk made no channel for endpoint '" + self->wanted_.endpoint +
                       "', whose state is '" + state + "'");
        });
  }

  // `named`: Asterisk was asked for the endpoint by name and does not know it.
  void look_at_technology(bool named) {
    get("/endpoints/" + percent_encode(technology_),
        [self = shared_from_this(), named](int status, const std::string&) {
          if (status == 404) {
            return self->finish(self->perhaps("the channel technology '" + self->technology_ +
                                              "', of which Asterisk lists no endpoint, is not loaded"));
          }
          if (status != 200) return self->finish("");
          self->finish(named ? "Asterisk knows no endpoint '" + self->wanted_.endpoint + "'"
                             : self->perhaps("the technology can make none for it now"));
        });
  }

  [[nodiscard]] std::string perhaps(const std::string& cause) const {
    return "Asterisk made no channel for endpoint '" + wanted_.endpoint + "': perhaps " + cause +
           ", or the id was taken a moment ago and is free again";
  }

  void get(const std::string& target, std::function<void(int status, const std::string& body)> done) {
    server_.ask("GET", target, "", requester_, [done = std::move(done)](const auto& answer) {
      answer ? done(answer->status, answer->body) : done(0, "");
    });
  }

  void finish(const std::string& finding) {
    if (!finding.empty()) error_.message = finding + "; " + error_.message;
    reply_(std::move(error_));
  }

  pbx::Server& server_;
  WantedChannel wanted_;
  Error error_;
  Requester requester_;
  pbx::Reply reply_;
  std::string technology_;
  bool is_local_ = false;
  bool by_beginning_ = false;
  std::vector<std::string> ids_;  // of the new channels, all halves
};

}  // namespace

WantedChannel WantedChannel::of(const JsonValue& params, std::string_view id_name) {
  return {std::string(find_string(params, "endpoint")), std::string(find_string(params, id_name)),
          std::string(find_string(params, "otherChannelId"))};
}

bool misleads(const Error& error) {
  return error.kind == ErrorKind::refused &&
         (error.message.ends_with("(409)") || error.message.ends_with("(500)"));
}

void explain_no_channel(pbx::Server& server, WantedChannel wanted, Error error, const Requester& requester,
                        pbx::Reply reply) {
  std::make_shared<Inquiry>(server, std::move(wanted), std::move(error), requester, std::move(reply))
      ->begin();
}

}  // namespace aribus::control
