// Serves calls with coroutines, many at a time on one thread.
#pragma once

#include <coroutine>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client/channel.h"
#include "client/client.h"

namespace aribus::client {

struct ServeOptions {
  std::vector<std::string> args{};  // only calls whose Stasis arguments begin with these
  bool existing = false;            // also calls that are in the application already
  bool hang_up = true;              // hang up a call when its handler has ended
};

class OriginateOptions {
 public:
  OriginateOptions() {}
  // How long it rings, in seconds (default 30).
  OriginateOptions& timeout(int64_t seconds) { return timeout_ = seconds, *this; }
  // The application that it enters (default: the one that is served, or aribusd's first).
  OriginateOptions& app(std::string app) { return app_ = std::move(app), *this; }
  OriginateOptions& app_args(std::string args) { return app_args_ = std::move(args), *this; }
  // For example "Sales <200>".
  OriginateOptions& caller_id(std::string id) { return caller_id_ = std::move(id), *this; }
  OriginateOptions& variable(const std::string& name, std::string value) {
    return variables_[name] = std::move(value), *this;
  }
  // The channel for which this one is made: when that leaves or its handler ends, this one is hung up; if it
  // leaves before this one has answered, ChannelGone is thrown.
  OriginateOptions& originator(const Channel& channel) { return originator_ = channel, *this; }
  OriginateOptions& server(std::string name) { return server_ = std::move(name), *this; }

 private:
  friend class Calls;
  std::optional<int64_t> timeout_{};
  std::optional<std::string> app_{}, app_args_{}, caller_id_{};
  std::map<std::string, std::string> variables_{};
  std::optional<Channel> originator_{};
  std::string server_{};
};

// The calls of one client, whose subscription it uses for itself. It must outlive its channels and bridges.
// Not thread-safe.
class Calls {
 public:
  using Handler = std::function<Task<void>(Channel)>;
  using Clock = std::chrono::steady_clock;

  explicit Calls(Client client);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  ~Calls();

  // Serves the calls that enter an application: `handler` is called for each. When its coroutine ends, the
  // call and the channels originated for it are hung up. Its exceptions go to on_error, except ChannelGone of
  // this call. Channels that programs make with originate() are not served. Errors: invalid_params when
  // aribusd does not hold the application, or it is served already; those of Client::call().
  [[nodiscard]] Result<void> serve(const std::string& app, Handler handler, ServeOptions options = {});

  // Calls an endpoint, for example "PJSIP/100", and returns its channel once it has answered. Throws
  // CallFailed. At most 24 calls of a client ring at once; others wait.
  Task<Channel> originate(std::string endpoint, OriginateOptions options = OriginateOptions());

  // Makes a bridge with these channels, if any. `type` is ARI's, for example "mixing" or "holding".
  // Throws ChannelGone.
  Task<Bridge> bridge(std::vector<Channel> channels, std::string type = "mixing", std::string name = "");
  template <typename... More>
  Task<Bridge> bridge(const Channel& first, const More&... more) {
    return bridge(std::vector<Channel>{first, more...});
  }

  // Calls any method of the daemon; `params` is a JSON object as text. Throws Raised.
  Task<Json> call(std::string method, std::string params = "{}");

  // Waits; other coroutines continue.
  Task<void> sleep(std::chrono::milliseconds time);
  // Starts a coroutine; it runs concurrently with the others.
  void start(Task<void> work);

  // Runs until stop().
  void run();
  // Runs until `work` has ended; throws what it throws.
  void run(Task<void> work);
  void stop() { stopped_ = true; }
  // For programs with a loop of their own: call turn() when fd() is readable, and when the time that turn()
  // returned is over. It waits at most `wait` for something to happen.
  std::chrono::milliseconds turn(std::chrono::milliseconds wait);
  [[nodiscard]] int fd() const { return client_.fd(); }

  // Gets exceptions of handlers. The default writes them to standard error.
  std::function<void(const Channel&, const std::exception&)> on_error;

 private:
  friend class Channel;
  friend class Bridge;

  struct Waiting {
    std::function<bool()> is_ready;
    Clock::time_point until;
    std::coroutine_handle<> handle;
  };
  // Waits until a condition holds, which is checked after each record and answer, or until a time. (It has a
  // constructor because GCC 12 destroys aggregates within co_await twice.)
  class Until {
   public:
    Until(Calls& calls, std::function<bool()> is_ready, Clock::time_point until = Clock::time_point::max())
        : calls_(&calls), is_ready_(std::move(is_ready)), until_(until) {}
    bool await_ready() { return is_ready_(); }
    void await_suspend(std::coroutine_handle<> handle) {
      calls_->waiting_.push_back({std::move(is_ready_), until_, handle});
    }
    void await_resume() {}

   private:
    Calls* calls_;
    std::function<bool()> is_ready_;
    Clock::time_point until_;
  };
  struct Serving {
    Handler handler;
    ServeOptions options;
    std::string began;
  };
  struct Ending;
  using ChannelPtr = std::shared_ptr<ChannelState>;
  using BridgePtr = std::shared_ptr<BridgeState>;

  static Clock::time_point after(const Timeout& timeout);
  [[nodiscard]] Result<void> begin();
  Task<Json> send(std::string method, std::string params, std::string server);
  // As call(), when it is its turn; without a connection, waits for one while `is_over` returns false.
  Task<Json> patiently(std::string method, std::string params, std::string server,
                       std::function<bool()> is_over);
  Task<Json> on_channel(ChannelPtr channel, std::string method, std::string params);
  Task<Json> on_bridge(BridgePtr bridge, std::string method, std::string params);
  Task<std::string> variable_of(ChannelPtr channel, std::string variable);
  Task<void> until_gone(ChannelPtr channel);
  Task<std::optional<char>> digit_of(ChannelPtr channel, Timeout timeout);
  Task<std::string> digits_of(ChannelPtr channel, std::optional<size_t> count, std::string terminator,
                              Timeout timeout, Timeout between);
  Task<std::optional<char>> play_on(ChannelPtr channel, std::vector<std::string> media, PlayOptions options);
  Task<ari::LiveRecording> record_of(ChannelPtr channel, std::string name, RecordOptions options);
  Task<void> begin_ending(ChannelPtr channel, std::shared_ptr<Ending> ending, std::string method,
                          std::string params);
  Task<bool> is_there(std::shared_ptr<Ending> ending);
  Task<void> look_at(std::shared_ptr<Ending> ending);
  Task<void> look_at(BridgePtr bridge);
  Task<void> add_to(BridgePtr bridge, Channel channel);
  Task<Channel> left_of(BridgePtr bridge);
  Task<void> destroy(BridgePtr bridge);
  Task<void> hang_up(ChannelPtr channel);
  Task<void> handle(Serving serving, ChannelPtr channel);
  Task<void> catch_up();
  Task<void> make(std::string endpoint, OriginateOptions options, ChannelPtr leg);

  void take(const Item& item);
  void entered(std::string_view server, std::string_view app, std::vector<std::string> args,
               const JsonValue& data, bool is_told);
  void gone(std::string_view server, std::string_view id);
  void end(const ChannelPtr& channel);
  void bridge_gone(const BridgePtr& bridge);
  void left(const BridgePtr& bridge, const ChannelPtr& channel);
  void ended(std::string_view kind, std::string_view server, const JsonValue& item);
  void look_at_all(std::string_view server);
  void close(const Error& error);
  void check(const ChannelState& channel) const;
  void resume();

  Client client_;
  bool begun_ = false, stopped_ = false;
  std::optional<Error> closed_;
  size_t commands_ = 0, ringing_ = 0;                                   // under way
  std::map<std::pair<std::string, std::string>, ChannelPtr> channels_;  // in an application, by server and id
  std::map<std::string, ChannelPtr> legs_;                              // not in their application yet, by id
  std::set<std::string> own_;                                           // ids of channels made here
  std::set<std::string> abandoned_;  // those of own_ that no coroutine wants any more
  std::map<std::string, BridgePtr> bridges_;
  std::set<std::shared_ptr<Ending>> endings_;
  std::map<std::string, Serving> servings_;
  std::list<Waiting> waiting_;
  std::list<Task<void>> tasks_;
};

}  // namespace aribus::client
