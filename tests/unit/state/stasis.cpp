// Which application a channel is in.
#include "state/stasis.h"

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::state;

namespace {

std::string channel_in(const std::string& app_name, const std::string& app_data) {
  return R"({"id":"c1","dialplan":{"context":"x","exten":"x","priority":1,"app_name":")" + app_name +
         R"(","app_data":")" + app_data + R"("}})";
}

// What is known of a channel c1, and who hears of it.
struct Case {
  const char* what;
  std::string last;          // the application that an event told, or "-": nothing is known
  std::string shown_before;  // app_data of Stasis() then
  std::string app_name, app_data;
  std::vector<std::string> listed;  // by these applications
  std::string app;                  // that it is in
};

}  // namespace

TEST_CASE("the arguments of Stasis() are cut as Asterisk cuts them") {
  const auto args = [](std::string_view data) { return dialplan_args(data); };
  using Args = std::vector<std::string>;
  CHECK(args(R"(a1,"Smith, John",f(1,2),a\,b,[c,d],Bob\,Jane,)") ==
        Args{"a1", "Smith, John", "f(1,2)", "a,b", "[c,d]", "Bob,Jane", ""});
  CHECK(args("a1") == Args{"a1"});
  CHECK(args("") == Args{""});
  CHECK(args("a1,,") == Args{"a1", "", ""});
  CHECK(args("a1, b ,c") == Args{"a1", " b ", "c"});
  CHECK(args(R"(a1,"",x)") == Args{"a1", "", "x"});
  CHECK(args(R"(a1,"a""b")") == Args{"a1", "ab"});
  CHECK(args("a1,it's,b") == Args{"a1", "it's", "b"});
  CHECK(args(R"(a1,\"x\",\\,y)") == Args{"a1", "\"x\"", "\\", "y"});
  CHECK(args("a1,(a,[b,(c,d)],e),f") == Args{"a1", "(a,[b,(c,d)],e)", "f"});
  CHECK(args("a1,),],b") == Args{"a1", ")", "]", "b"});
  CHECK(args("a1,(x,y") == Args{"a1", "(x,y"});
  CHECK(args("a1,x\\") == Args{"a1", "x"});
}

TEST_CASE("the application is what events told, and else what Asterisk's answers allow to know") {
  const std::vector<std::string> ours{"a1", "a2", "all"};
  const Case cases[] = {
      {"nothing has changed", "a1", "a1,x", "Stasis", "a1,x", {"a1"}, "a1"},
      {"moved, as told", "a2", "a1,x", "Stasis", "a1,x", {"a2"}, "a2"},
      {"originated and moved, as told", "a2", "a1,x", "Stasis", "a1,x", {"a1", "a2"}, "a2"},
      {"moved unseen", "a1", "a1,x", "Stasis", "a1,x", {"a2"}, "a2"},
      {"moved back unseen", "a2", "a1,x", "Stasis", "a1,x", {"a1"}, "a1"},
      {"moved unseen to an application of others", "a1", "a1,x", "Stasis", "a1,x", {"other"}, ""},
      {"moved on unseen, by who originated it", "a2", "other,x", "Stasis", "other,x", {"a1", "other"}, "a1"},
      {"left unseen, and who originated it hears of it", "a1", "a1,x", "Playback", "y", {"a1"}, ""},
      {"left unseen for another one", "a1", "a1,x", "Stasis", "a2,y", {"a1", "a2"}, "a2"},
      {"claimed, as told", "a1", "5000", "StasisBroadcast", "5000", {"a1"}, "a1"},
      {"claimed unseen", "-", "", "StasisBroadcast", "5000,,a1:x", {"a2"}, "a2"},
      {"offered", "-", "", "StasisBroadcast", "5000", {}, ""},
      {"came unseen", "-", "", "Stasis", "a1,x", {"a1"}, "a1"},
      {"came and was moved unseen", "-", "", "Stasis", "a1,x", {"a2"}, "a2"},
      {"came to others and was moved here unseen", "-", "", "Stasis", "other,x", {"a2"}, "a2"},
      {"others' call, which one of ours asked for", "-", "", "Stasis", "other,x", {"a2", "other"}, ""},
      {"in one of two", "-", "", "Stasis", "a1,x", {"a1", "a2"}, ""},
      {"in the dialplan, and asked for", "-", "", "Dial", "PJSIP/x", {"a1"}, ""},
      {"in the one that hears of all", "-", "", "Stasis", "all,x", {}, "all"},
      {"others' call, and one hears of all", "-", "", "Stasis", "other,x", {"other"}, ""},
      {"the name is quoted", "-", "", "Stasis", R"(\"a1\",x)", {"a1"}, "a1"},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    FetchedState fetched;
    fetched.apps["all"].all[static_cast<size_t>(IdKind::channel)] = true;
    for (const std::string& app : one.listed) fetched.apps[app].ids[static_cast<size_t>(IdKind::channel)].insert("c1");
    Object before;
    before.text = channel_in(one.app_name == "Playback" || one.app_name == "Stasis" ? "Stasis" : one.app_name,
                             one.shown_before);
    before.app = one.last;
    CHECK(app_of_channel(fetched, ours, "c1", channel_in(one.app_name, one.app_data),
                         one.last == "-" ? nullptr : &before) == one.app);
  }
}

TEST_CASE("what was known of another channel with the same id says nothing") {
  FetchedState fetched;
  for (const char* app : {"a1", "a2"})
    fetched.apps[app].ids[static_cast<size_t>(IdKind::channel)].insert("c1");
  Object before;
  before.made = "2026-11-22T21:46:17.690+0000";
  before.text = channel_in("Stasis", "a2,x");
  before.app = "a2";
  const auto app = [&](const std::string& made) {
    std::string text = channel_in("Stasis", "a1,y");
    text.insert(1, R"("creationtime":")" + made + "\",");
    return app_of_channel(fetched, {"a1", "a2"}, "c1", text, &before);
  };
  CHECK(app(before.made) == "a1");                     // it entered again
  CHECK(app("2026-11-22T21:46:18.000+0000").empty());  // it may have been moved
}
