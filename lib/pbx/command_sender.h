// Sending commands to one Asterisk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "base/result.h"
#include "json/json.h"
#include "pbx/answer_reader.h"
#include "pbx/result_text.h"
#include "pbx/stasis_entry.h"
#include "state/model.h"

namespace aribus::pbx {

// The answer to a command: a JSON text, or why there is none.
using Reply = std::function<void(Result<ResultText>)>;

// Calls operations and normalizes their answers. Lives on the loop's thread.
class CommandSender {
 public:
  // `server` is its name in errors. The rest must outlive the replies.
  CommandSender(std::string server, ari::Client& client, StasisEntries& stasis, const state::Model& model)
      : server_(std::move(server)), client_(&client), stasis_(stasis), model_(model), large_(client.loop()) {}

  // Commands go through another connection from now on; those under way are answered by the one before.
  void use(ari::Client& client) { client_ = &client; }

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
  // Takes back the applications that another client has taken over. Errors: see ari::Client::reclaim().
  void reclaim(const Reply& reply);

  // The error of commands that were not sent.
  [[nodiscard]] Error not_connected(const std::string& why) const;
  // An answer has come and was not handed on yet.
  [[nodiscard]] bool is_busy() const { return large_.is_busy(); }

 private:
  void send(const ari::Operation& operation, const JsonValue& params, const Requester& requester,
            Reply reply);
  // The reply to a command about `channels` that is sent now: it completes a refusal.
  [[nodiscard]] Reply explaining(std::vector<std::string> channels, Reply reply) const;
  void answer(Result<HttpResponse> response, Question question, const Requester& requester,
              const Reply& reply);

  std::string server_;
  ari::Client* client_;
  StasisEntries& stasis_;
  const state::Model& model_;
  AnswerReader large_;  // of answers that would hold up the loop
};

}  // namespace aribus::pbx
