// The connection to one Asterisk, and how another one takes over from it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ari/client.h"
#include "net/loop.h"
#include "pbx/graceful_close.h"

namespace aribus::pbx {

struct ConnectionsOptions {
  Milliseconds takeover_timeout{1000};  // for the last events on the connection that is replaced
  Milliseconds sweep_interval{50};      // between two looks whether replaced connections have ended
  size_t max_held_bytes = 16 << 20;     // of events that wait for the end of a take-over
};

// Owns the connections to one Asterisk. Usually there is one, the present connection. A change of the
// configuration needs another one, and no event may be missed or come twice or out of order:
//
// 1. The next connection is made beside the present one and claims the applications. Asterisk moves each
//    application to it, and ends the application's events on the present connection with ApplicationReplaced.
//    From then on the application's events come on the next connection, where they are held.
// 2. When ApplicationReplaced has come for every application that both connections have, all earlier events
//    have been handled. The next connection becomes the present one, and the held events are handled, in
//    their order. This happens at once when nothing is left to wait for (no application in common, or
//    Asterisk was restarted in between), and in any case after `takeover_timeout` or `max_held_bytes`.
// 3. The replaced connection still gets the answers to its requests, and is then closed (GracefulClose).
//
// When one of the two fails meanwhile, the next one becomes the present one at once and its held events are
// dropped: it reconnects like any other, and what may have been missed is found out.
//
// Two connections can't coexist where Asterisk connects to aribus, and there is nothing to take over while
// the present one is not connected: there the present one is closed first, and then the next one connects.
// The end of aribusd, or of this Asterisk in the configuration, is the same without a next one (leave()).
//
// Lives on the loop's thread. Callbacks come from the loop.
class Connections {
 public:
  // One connection.
  struct Link {
    std::unique_ptr<ari::Client> client;
    bool holds = false;  // its messages wait for those of the present connection
  };
  struct Handlers {
    // The present connection is up, or became the present one while it was up.
    std::function<void(const ari::ServerInfo&)> connected;
    // The present connection, or the next one, was lost, or an attempt failed.
    std::function<void(const std::string& reason, Milliseconds retry_in)> disconnected;
    // The present connection was closed on purpose. `ended_at`: Asterisk's startup_time, when the event
    // stream was read to its end, else "".
    std::function<void(const std::string& ended_at)> closed;
    // A message of the event stream, cut when `total_bytes` is more than its size. `link`: see is_ours().
    std::function<void(const Link& link, std::string_view text, size_t total_bytes)> message;
    // `now` has become the present connection in place of `before`, which may still answer requests.
    std::function<void(const ari::Client& before, ari::Client& now)> switched;
    // See ari::Client::Handlers.
    std::function<void(const HttpRequest&, const HttpResponse&)> application_answered;
    std::function<void(bool over_websocket)> rest_changed;  // of the present connection
    std::function<void(const std::string& text)> warned;
  };

  // Throws std::invalid_argument when `client` can't be used.
  Connections(Loop& loop, ari::ClientOptions client, Handlers handlers, ConnectionsOptions options = {});
  // Drops all connections: afterwards nothing is called any more.
  void drop();

  [[nodiscard]] ari::Client& client() { return *link_->client; }
  [[nodiscard]] const ari::Client& client() const { return *link_->client; }
  [[nodiscard]] bool is_present(const Link& link) const { return &link == link_.get(); }

  // Takes the time-outs of `client` without connecting again. Required: it differs in nothing else.
  void set_times(const ari::ClientOptions& client);
  // Connects with other options. Requests under way have up to `patience`.
  void replace(ari::ClientOptions client, Milliseconds patience);
  // Closes the present connection for good; requests under way have up to `patience`. Then calls `left`.
  void leave(Milliseconds patience, std::function<void()> left);
  // After leave(): all connections have ended, and no request is under way any more.
  [[nodiscard]] bool is_gone() const;

  // An ApplicationReplaced for `app` came on `link`: whether it was the next connection, or the present one,
  // that took the application over from it.
  [[nodiscard]] bool is_ours(const Link& link, const std::string& app);

 private:
  // A connection that was replaced. On the heap, so that its members are destroyed in order.
  struct OldConnection {
    std::unique_ptr<GracefulClose> graceful_close;
    std::unique_ptr<Link> link;
  };

  [[nodiscard]] std::unique_ptr<Link> make_link();
  void begin_takeover();
  void close_first();
  void on_connected(Link& link, const ari::ServerInfo& info);
  void on_disconnected(const Link& link, const std::string& reason, Milliseconds retry_in);
  void on_message(const Link& link, std::string_view text, size_t total_bytes);
  [[nodiscard]] bool is_same_asterisk() const;
  void take_over();
  void promote_next();

  Loop& loop_;
  ari::ClientOptions client_;
  Handlers handlers_;
  ConnectionsOptions options_;
  std::unique_ptr<Link> link_;                       // the present connection
  std::unique_ptr<Link> next_;                       // that takes over from it; nullptr: none
  bool again_ = false;                               // another one is to follow next_
  std::set<std::string> open_apps_;                  // those that next_ has still to take over from link_
  std::deque<std::pair<std::string, size_t>> held_;  // messages of next_
  size_t held_bytes_ = 0;
  Timer takeover_deadline_;
  std::unique_ptr<GracefulClose> graceful_close_;  // of link_
  std::vector<std::unique_ptr<OldConnection>> old_connections_;
  Timer sweep_;  // of old_connections_
  Milliseconds patience_{0};
  bool leaving_ = false;
  std::function<void()> left_;
};

}  // namespace aribus::pbx
