// Requests to one Asterisk over the WebSocket of its event stream (Asterisk 22.4, 21.9, 20.14 and later).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "net/loop.h"

namespace aribus::ari {

// How requests are sent: over HTTP only, or over the WebSocket where possible. The last two differ in what is
// logged when it is not.
enum class RestMode { http, automatic, websocket };

struct WebSocketRestOptions {
  std::string prefix;                      // of the targets: Url::prefix
  size_t max_open = 16;                    // requests without an answer
  size_t max_frame_bytes = 65'000;         // Asterisk closes the WebSocket on frames over 65,535 bytes
  Milliseconds patience{100};              // without an answer for so long, further requests use HTTP
  Milliseconds probe_timeout{2000};        // for the answer that shows that it works
  Milliseconds probe_again_after{10'000};  // when it had worked and then did not
};

// Requests are RESTRequest messages, and answers are RESTResponse messages in the order of the events.
// Asterisk handles them one at a time and reads nothing else meanwhile, not even pings. Requests that may
// take long are therefore sent over HTTP, and so are requests of other users while one user has requests open
// here. A probe finds out whether it works: older Asterisks lack it, and an event filter of the application
// drops the answers. Belongs to the loop's thread.
class WebSocketRest {
 public:
  struct Handlers {
    // Sends a text over the WebSocket. Errors: nothing was sent.
    std::function<Result<void>(std::string text)> send;
    // Sends a request that only reads over HTTP: the WebSocket has no way to give its answer, which is binary
    // or too large.
    std::function<void(HttpRequest request, Http::Done done)> read_elsewhere;
    // It accepts requests from now on, or no more.
    std::function<void(bool works)> changed;
  };
  using Done = Http::Done;

  WebSocketRest(Loop& loop, WebSocketRestOptions options, Handlers handlers);

  // The WebSocket is connected: starts a probe.
  void opened();
  // It has ended: the outcome of sent requests is unknown, which is reported to `done` from the loop.
  void closed();

  // Whether it accepts `request` at present.
  [[nodiscard]] bool takes(const HttpRequest& request) const;
  // Sends it, and calls `done` once, never from within send(), as Http::send does. False when it could not be
  // sent: nothing was, and `request` and `done` are untouched. Required: takes(request).
  [[nodiscard]] bool send(HttpRequest& request, Done& done);
  // Takes a message of the event stream that answers a request of ours; false when it does not. `total_bytes`
  // as in WebSocket::Handlers.
  bool receive(std::string_view text, size_t total_bytes);

  // A request over HTTP may have changed whether answers come: starts another probe.
  void probe();
  // Whether it accepts requests.
  [[nodiscard]] bool works() const { return state_ == State::works; }
  [[nodiscard]] size_t open_requests() const { return open_.size(); }

 private:
  enum class State { closed, probing, works, fails };
  struct Open {
    explicit Open(Loop& loop) : deadline(loop), began(loop.now()) {}
    Timer deadline;
    Milliseconds began;
    HttpRequest request;
    Done done;
  };

  void on_probed(bool answered);
  void set_state(State state);
  void on_timeout(uint64_t number);
  void finish(uint64_t number, Result<HttpResponse> result);
  bool on_cut_answer(std::string_view text);
  [[nodiscard]] std::string message(uint64_t number, const HttpRequest& request) const;

  Loop& loop_;
  WebSocketRestOptions options_;
  Handlers handlers_;
  State state_ = State::closed;
  bool worked_ = false;  // on this WebSocket
  uint64_t probe_ = 0;   // the number of the probe under way, or 0
  Timer probe_timer_;
  std::map<uint64_t, std::unique_ptr<Open>> open_;  // by number, the oldest first
  std::vector<std::unique_ptr<Open>> cut_;          // their WebSocket has ended; `done` is still to be called
  EndOfTurn tell_cut_;
  uint64_t next_number_ = 1;
};

// `request` over HTTP alone: its answer is no text, or may take long, or its effect may be that no answer
// comes.
[[nodiscard]] bool belongs_on_http(const HttpRequest& request, std::string_view prefix);

}  // namespace aribus::ari
