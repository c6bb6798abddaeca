// Random subscribers against a simple model of the log: whatever they do, each gets the stream in order,
// every record that it asked for once, and is told of each that it lost.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>

#include "bus/cursor.h"
#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

const std::vector<std::string> types{"StasisStart", "StasisEnd", "ChannelVarset", "Dial", "server.gap"};
const std::vector<std::string> apps{"", "demo", "ivr"};
const std::vector<std::string> channels{"c1", "c2", "c3", "c4"};

// What the model knows of a record.
struct Known {
  std::string type;
  std::string app;
  std::vector<std::string> channels;
  std::string line;  // as the log holds it
};

// What a subscriber asks for: lists as in `subscribe`, empty ones for anything.
struct Wish {
  std::vector<std::string> types;
  std::vector<std::string> exclude;
  std::vector<std::string> apps;
  std::vector<std::string> channels;

  [[nodiscard]] bool fits(const Known& record) const {
    const auto has = [](const auto& list, const std::string& item) {
      return std::ranges::find(list, item) != list.end();
    };
    if (!types.empty() && !has(types, record.type)) return false;
    if (has(exclude, record.type)) return false;
    if (!apps.empty() && !has(apps, record.app)) return false;
    return channels.empty() ||
           std::ranges::any_of(record.channels, [&](const auto& channel) { return has(channels, channel); });
  }
};

class Randomness {
 public:
  explicit Randomness(unsigned seed) : random_(seed) {}
  size_t below(size_t bound) { return random_() % bound; }
  bool one_in(size_t chances) { return below(chances) == 0; }
  std::vector<std::string> some_of(const std::vector<std::string>& all) {
    std::vector<std::string> some;
    for (const std::string& item : all) {
      if (one_in(3)) some.push_back(item);
    }
    return some;
  }

 private:
  std::mt19937 random_;
};

std::string list_text(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out += (out.empty() ? "\"" : ",\"") + item + "\"";
  return "[" + out + "]";
}

class World {
 public:
  World(unsigned seed, const Connect& connect) : random(seed) { daemon.connect = connect; }

  void append() {
    Known known{types[random.below(types.size())], apps[random.below(apps.size())], random.some_of(channels),
                ""};
    record::Record record = record_of(known.type, "pbx1", known.app);
    for (const std::string& channel : known.channels) record.ids.add(record::IdKind::channel, channel);
    const size_t size = random.one_in(20) ? random.below(8000) : random.below(300);
    record.fields = R"(,"padding":")" + std::string(size, 'x') + '"';
    const uint64_t seq = daemon.log.append(record);
    known.line = daemon.log.line(seq);
    REQUIRE(seq == records.size() + 1);
    records.push_back(std::move(known));
  }
  // The first record of [from, to] that `wish` fits, or 0.
  [[nodiscard]] uint64_t first_fit(const Wish& wish, uint64_t from, uint64_t to) const {
    for (uint64_t seq = from; seq <= to; ++seq) {
      if (wish.fits(records[seq - 1])) return seq;
    }
    return 0;
  }
  [[nodiscard]] uint64_t newest() const { return records.size(); }
  void turn() { uv_run(daemon.loop.raw(), UV_RUN_NOWAIT); }

  Daemon daemon{{}, 1024, bus::RecordLog::min_ring_bytes};
  std::vector<Known> records;  // record `seq` is at seq - 1
  Randomness random;
};

class Subscriber {
 public:
  explicit Subscriber(World& world) : world_(world) { program_.emplace(world.daemon); }

  void act() {
    if (world_.random.one_in(200)) {  // goes, in the middle of whatever it was, and comes back
      program_.emplace(world_.daemon);
      unread_.clear();
      asked_.clear();
      subscribed_ = false;
      leaving_ = false;
    }
    if (world_.random.one_in(30)) subscribe();
    if (world_.random.one_in(150)) unsubscribe();
    if (lazy_ == 0 && world_.random.one_in(100)) lazy_ = world_.random.below(400);
    if (lazy_ > 0) {
      --lazy_;
      return;
    }
    read(world_.random.one_in(3) ? 1 + world_.random.below(3000) : SIZE_MAX);
  }
  // Reads all that is there to come, and checks that nothing is missing.
  void finish() {
    for (int idle = 0; idle < 20;) {
      world_.turn();
      idle = read(SIZE_MAX) ? 0 : idle + 1;
    }
    REQUIRE(unread_.empty());
    if (subscribed_) REQUIRE(world_.first_fit(wish_, position_ + 1, world_.newest()) == 0);
  }

  size_t delivered = 0;
  size_t losses = 0;
  size_t resumed = 0;
  size_t disconnected = 0;

 private:
  struct Asked {
    bool subscribe = false;
    Wish wish;
    bool disconnect = false;
    std::optional<bus::Cursor> since;
    uint64_t newest = 0;  // when it asked
  };

  void subscribe() {
    Randomness& random = world_.random;
    Asked asked{true, {}, random.one_in(4), {}, world_.newest()};
    std::string params;
    const auto list = [&](const char* name, std::vector<std::string>& wanted, const auto& all) {
      if (!random.one_in(4)) return;
      wanted = random.some_of(all);
      if (!wanted.empty()) params += ",\"" + std::string(name) + "\":" + list_text(wanted);
    };
    list("types", asked.wish.types, types);
    list("exclude", asked.wish.exclude, types);
    list("apps", asked.wish.apps, apps);
    list("channels", asked.wish.channels, channels);
    if (asked.disconnect) params += R"(,"on_overflow":"disconnect")";
    if (random.one_in(2)) {
      asked.since = bus::Cursor{world_.daemon.log.stream(), position_};
      if (random.one_in(5)) asked.since->seq = random.below(world_.newest() + 20);
      if (random.one_in(20)) asked.since->stream = "another";
      params += R"(,"since":")" + asked.since->text() + '"';
    }
    ask("subscribe", "{" + (params.empty() ? params : params.substr(1)) + "}", std::move(asked));
  }
  void unsubscribe() { ask("unsubscribe", "{}", Asked{}); }
  void ask(const std::string& method, const std::string& params, Asked asked) {
    program_->ask(method, params, std::to_string(++last_id_));
    asked_.emplace(last_id_, std::move(asked));
  }

  // Returns whether anything came.
  bool read(size_t bytes) {
    const size_t before = program_->bytes().size();
    program_->read(bytes);
    const std::string_view came = std::string_view(program_->bytes()).substr(before);
    unread_ += came;
    size_t begin = 0;
    for (size_t end = 0; (end = unread_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      take(std::string_view(unread_).substr(begin, end + 1 - begin));
    }
    unread_.erase(0, begin);
    if (!came.empty() || !leaving_) return !came.empty();
    ++disconnected;  // as it was told
    leaving_ = false;
    subscribed_ = false;
    program_.emplace(world_.daemon);
    return true;
  }

  void take(std::string_view line) {
    const Json message = json(line);
    if (const JsonValue* id = find(message, "id")) return take_answer(id->GetInt(), *find(message, "result"));
    const JsonValue& params = *find(message, "params");
    REQUIRE(subscribed_);
    REQUIRE_FALSE(leaving_);
    if (find_string(message, "method") == "lost") return take_lost(params);
    const uint64_t seq = find(params, "seq")->GetUint64();
    REQUIRE(seq > position_);
    REQUIRE(world_.first_fit(wish_, position_ + 1, seq) ==
            seq);  // none left out, none that was not asked for
    REQUIRE(line == world_.records[seq - 1].line);
    position_ = seq;
    ++delivered;
  }

  void take_lost(const JsonValue& params) {
    const uint64_t from = find(params, "from")->GetUint64();
    const uint64_t to = find(params, "to")->GetUint64();
    REQUIRE(find(params, "records")->GetUint64() == to - from + 1);
    REQUIRE(from > position_);
    REQUIRE(to >= from);
    REQUIRE(world_.first_fit(wish_, position_ + 1, from - 1) == 0);
    REQUIRE(to < world_.daemon.log.first());  // nothing was called lost that could have been had
    position_ = to;
    leaving_ = disconnect_;
    ++losses;
  }

  void take_answer(int id, const JsonValue& result) {
    const Asked asked = asked_.extract(id).mapped();
    const auto cursor = bus::Cursor::parse(find_string(result, "cursor"));
    REQUIRE(cursor);
    REQUIRE(cursor->stream == world_.daemon.log.stream());
    // What was subscribed until now was delivered up to here; of a new subscription this is the beginning.
    if (!asked.subscribe) {
      if (subscribed_) REQUIRE(world_.first_fit(wish_, position_ + 1, cursor->seq) == 0);
      subscribed_ = false;
      return;
    }
    const JsonValue* honoured = find(result, "resumed");
    REQUIRE((honoured != nullptr) == asked.since.has_value());
    if (honoured != nullptr && honoured->GetBool()) {
      REQUIRE(cursor->text() == asked.since->text());
      ++resumed;
    } else {
      REQUIRE(cursor->seq >= asked.newest);
      if (asked.since) {
        REQUIRE_FALSE(find_string(result, "reason").empty());
        REQUIRE((asked.since->stream != cursor->stream || asked.since->seq > asked.newest ||
                 asked.since->seq + 1 < world_.daemon.log.first()));
      }
    }
    subscribed_ = true;
    wish_ = asked.wish;
    disconnect_ = asked.disconnect;
    position_ = cursor->seq;
  }

  World& world_;
  std::optional<Program> program_;
  std::string unread_;
  std::map<int, Asked> asked_;  // by id
  int last_id_ = 0;
  size_t lazy_ = 0;  // for so many turns it reads nothing
  bool subscribed_ = false;
  bool disconnect_ = false;
  bool leaving_ = false;  // it was told of a loss, and will be disconnected
  Wish wish_;
  uint64_t position_ = 0;  // all up to here was delivered, lost or not wanted
};

}  // namespace

TEST_CASE("whatever subscribers do, what they receive is the stream") {
  // ARIBUS_DELIVERY_ROUNDS: how many worlds, each from its own number.
  const char* more = std::getenv("ARIBUS_DELIVERY_ROUNDS");
  const unsigned rounds = more == nullptr ? 3 : static_cast<unsigned>(std::atoi(more));
  const auto [name, connect] = GENERATE(from_range(every_transport(true)));
  INFO(name);
  size_t delivered = 0, losses = 0, resumed = 0, disconnected = 0;
  for (unsigned seed = 1; seed <= rounds; ++seed) {
    INFO("world " << seed);
    World world(seed, connect);
    std::deque<Subscriber> subscribers;
    for (int i = 0; i < 8; ++i) subscribers.emplace_back(world);
    for (int step = 0; step < 3000; ++step) {
      if (world.random.one_in(2)) {
        for (size_t count = world.random.below(world.random.one_in(50) ? 400 : 8); count > 0; --count)
          world.append();
      }
      world.turn();
      for (Subscriber& subscriber : subscribers) subscriber.act();
    }
    for (Subscriber& subscriber : subscribers) {
      subscriber.finish();
      delivered += subscriber.delivered;
      losses += subscriber.losses;
      resumed += subscriber.resumed;
      disconnected += subscriber.disconnected;
    }
  }
  // It has seen what it is about.
  CHECK(delivered > 10'000);
  CHECK(losses > 10);
  CHECK(resumed > 10);
  CHECK(disconnected > 0);
}
