#include "cli/doctor/dialplan.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

namespace aribus::cli {
namespace {

// "context:app" of each, and "?" when there are some with variables.
std::string found_in(const std::string& text) {
  const Dialplan dialplan = Dialplan::of(AsteriskFile::parse(text));
  std::string all;
  for (const Dialplan::Stasis& call : dialplan.calls)
    all += (all.empty() ? "" : " ") + call.context + ":" + call.app;
  return all + (dialplan.has_variables ? "?" : "");
}

}  // namespace

TEST_CASE("the applications of a dialplan are those that it runs") {
  CHECK(found_in("[in]\nexten => 100,1,Stasis(demo)\n same => n,Stasis(other,a,${CALLERID(num)})\n") ==
        "in:demo in:other");
  CHECK(found_in("[in]\nexten = _X.,1(start),stasis( demo , a)\nsame=n,Hangup()\n") == "in:demo");
  CHECK(found_in("[a](!)\nexten => s,1,Stasis(template)\n[in](a)\nexten => s,1,Stasis(\"demo\")\n") ==
        "in:demo");
  CHECK(found_in("[in]\nexten => s,1,ExecIf($[${X}=1]?Stasis(one):Stasis(two,x))\n same => "
                 "n,TryExec(Stasis(three))\n") == "in:one in:two in:three");
  CHECK(found_in("[in]\nexten => s,1,Stasis(demo)\nexten => t,1,Stasis(demo)\n") == "in:demo");
}

TEST_CASE("what is no call of Stasis is passed over, and what only Asterisk knows is not judged") {
  CHECK(found_in(
            "[in]\nexten => s,1,NoOp(to Stasis(x))\n same => n,StasisBroadcast(5,x)\n;same => n,Stasis(y)\n"
            " same => n,MyStasis(z)\n include => other\n ignorepat => 9\n")
            .empty());
  CHECK(found_in("[in]\nexten => s,1,Stasis(${APP},x)\nexten => t,1,Stasis(pre-${APP})\n") == "?");
  CHECK(found_in("[in]\nexten => s,1,Stasis()\nexten => s\nsame => n\nexten => s,1\nexten => s,1,Stasis(\n")
            .empty());
  CHECK(found_in("exten => s,1,Stasis(x)\n").empty());
}

TEST_CASE("a dialplan is read with what it includes, and what a program would print is not") {
  const test::TempDir directory;
  std::filesystem::create_directory(directory.path("more"));
  static_cast<void>(directory.write("more/a.conf", "exten => 1,1,Stasis(one)\n"));
  static_cast<void>(directory.write("custom.conf", "[custom]\nexten => 2,1,Stasis(two)\n"));
  const auto file = AsteriskFile::read(
      directory.write("extensions.conf",
                      "#exec /bin/echo exten=>3,1,Stasis(three)\n[in]\n#include more/*.conf\n"
                      "#tryinclude nothing.conf\n#include \"custom.conf\"\n"));
  REQUIRE(file);
  const Dialplan dialplan = Dialplan::of(*file);
  REQUIRE(dialplan.calls.size() == 2);
  CHECK(dialplan.calls[0].context + dialplan.calls[0].app == "inone");
  CHECK(dialplan.calls[1].context + dialplan.calls[1].app == "customtwo");
}

TEST_CASE("the time of a file is that of the newest one that it includes") {
  const test::TempDir directory;
  const auto at = [](long seconds) { return std::filesystem::file_time_type(std::chrono::seconds(seconds)); };
  const std::string inner = directory.write("inner.conf", "[a]\nx=1\n");
  const std::string outer = directory.write("outer.conf", "#include inner.conf\n");
  CHECK_FALSE(AsteriskFile::parse("[a]\n").changed());
  std::filesystem::last_write_time(outer, at(0));
  std::filesystem::last_write_time(inner, at(100));
  const auto newer = AsteriskFile::read(outer)->changed();
  std::filesystem::last_write_time(inner, at(-100));
  REQUIRE(newer);
  CHECK(*newer - *AsteriskFile::read(outer)->changed() == std::chrono::seconds(100));
}

}  // namespace aribus::cli
