// One Asterisk, as the control path sees it.
#pragma once

#include <functional>
#include <string>

#include "ari/client.h"
#include "base/result.h"
#include "json/json.h"
#include "pbx/answer_reader.h"
#include "pbx/event_waiters.h"
#include "pbx/incarnation.h"
#include "pbx/outcome_resolver.h"
#include "pbx/result_text.h"
#include "pbx/stasis_entry.h"
#include "state/model.h"

namespace aribus::pbx {

// The answer to a command: a JSON text, or why there is none.
using Reply = std::function<void(Result<ResultText>)>;

// Calls operations of one Asterisk and makes their answers regular. Owned by the dispatcher.
class Upstream {
 public:
  Upstream(std::string name, ari::Client& client)
      : name_(std::move(name)),
        client_(&client),
        waiters_(client.loop()),
        resolver_(name_, client),
        stasis_(client.loop()),
        large_(client.loop()) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ari::Client& client() const { return *client_; }
  // Calls go through another connection from now on; those under way are answered by the one before.
  void use(ari::Client& client);
  // Takes no further commands: it is about to be removed.
  void close() { closed_ = true; }
  [[nodiscard]] bool closed() const { return closed_; }
  // The application that commands mean when they name none; "" when none is configured.
  [[nodiscard]] std::string default_app() const;
  // Whether the events of the application come here: it is held, and no other client has taken it.
  [[nodiscard]] bool hears(std::string_view app) const;
  // What commands wait for on its event stream.
  [[nodiscard]] EventWaiters& waiters() { return waiters_; }
  // What finds out what became of commands that were not answered.
  [[nodiscard]] OutcomeResolver& resolver() { return resolver_; }

  // The channels that have not entered their application yet, or have left it.
  [[nodiscard]] StasisEntries& stasis() { return stasis_; }

  // What lives on it.
  [[nodiscard]] state::Model& model() { return model_; }
  [[nodiscard]] const state::Model& model() const { return model_; }
  // What it does not know of the objects that have an id.
  [[nodiscard]] Incarnations& incarnations() { return incarnations_; }
  // For a command that is about to make `id`.
  [[nodiscard]] Incarnation next(record::IdKind kind, std::string_view id) const {
    return incarnations_.next(kind, id, model_);
  }

  // Records of the daemon's own that its commands cause go there, from the loop.
  void on_own_record(std::function<void(const record::Record&)> publish) { publish_ = std::move(publish); }
  void publish(const record::Record& record) const {
    if (publish_) publish_(record);
  }

  // Takes back the applications that another client has taken over. Errors: see ari::Client::reclaim().
  void reclaim(const Reply& reply);

  // Of commands that were not sent.
  [[nodiscard]] Error not_connected(const std::string& why) const;

  // Calls `operation` with checked `params`, for `requester`. What Asterisk refuses because a channel that a
  // command has just made is not in Stasis yet is sent once more when it is.
  // Errors: not_connected, too_old, outcome_unknown, refused (data: status, message, method, path), too_much.
  void call(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
            Reply reply);
  // Sends a request that has no operation. `path` is below /ari and encoded; `query` "" or without "?".
  void request(const std::string& method, const std::string& path, const std::string& query,
               const std::string& body, const Requester& requester, Reply reply);
  // Asks Asterisk for the daemon's own sake; `target` is below /ari, encoded, with its query.
  void ask(const std::string& method, const std::string& target, const std::string& body,
           const Requester& requester, std::function<void(const Result<HttpResponse>&)> done);
  // An answer is there and was not handed on yet, or a command is to be sent once more.
  [[nodiscard]] bool is_busy() const { return large_.is_busy() || stasis_.is_busy(); }

 private:
  void send(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
            Reply reply);
  // The reply to a command about `channels` that is sent now: of a refusal it says more.
  [[nodiscard]] Reply explaining(std::vector<std::string> channels, Reply reply) const;
  void answer(Result<HttpResponse> response, Question question, const Requester& requester,
              const Reply& reply);

  std::string name_;
  ari::Client* client_;
  bool closed_ = false;
  std::function<void(const record::Record&)> publish_;
  EventWaiters waiters_;
  OutcomeResolver resolver_;
  state::Model model_;
  Incarnations incarnations_;
  StasisEntries stasis_;
  AnswerReader large_;  // of answers that would hold up the loop
};

}  // namespace aribus::pbx
