#include "base/suggest.h"

#include <array>

#include "tests/catch.h"

using namespace aribus;

namespace {

constexpr std::array<std::string_view, 4> known = {"channelId", "endpoint", "timeout", "app"};

}  // namespace

TEST_CASE("a mistyped word is recognised") {
  CHECK(suggest("chanelId", known) == "channelId");   // one letter left out
  CHECK(suggest("channeldI", known) == "channelId");  // two swapped
  CHECK(suggest("CHANNELID", known) == "channelId");  // case
  CHECK(suggest("endpoints", known) == "endpoint");   // one too many
  CHECK(suggest("ap", known) == "app");
  CHECK(suggest("timeout", known) == "timeout");
}

TEST_CASE("a word that is no typing error is not corrected") {
  CHECK(suggest("bridge", known).empty());
  CHECK(suggest("", known).empty());
  CHECK(suggest(std::string(10'000, 'a'), known).empty());
  CHECK(suggest("channelId", {}).empty());
}

TEST_CASE("a short word of which every letter differs is not corrected") {
  constexpr std::array<std::string_view, 1> short_words = {"y"};
  CHECK(suggest("x", short_words).empty());
  CHECK(suggest("", short_words).empty());
}

TEST_CASE("a suggestion is a sentence or nothing") {
  CHECK(did_you_mean("timout", known) == "; did you mean 'timeout'?");
  CHECK(did_you_mean("zzz", known).empty());
}

TEST_CASE("words are joined with commas") {
  CHECK(join(known) == "channelId, endpoint, timeout, app");
  CHECK(join({}).empty());
}

TEST_CASE("among words of any length only those of about the same are meant") {
  constexpr std::array<std::string_view, 3> words = {"get", "getChannelVariable", "bridges.addChannel"};
  CHECK(suggest("gte", words) == "get");
  CHECK(suggest("getChannelVarable", words) == "getChannelVariable");
  CHECK(suggest("bridges.adChannels", words) == "bridges.addChannel");
  CHECK(suggest("addChannel", words).empty());
}

TEST_CASE("a word that is short for only one is meant for it") {
  constexpr std::array<std::string_view, 3> words = {"warning", "error", "errors.all"};
  CHECK(suggest("warn", words) == "warning");
  CHECK(suggest("WARN", words) == "warning");
  CHECK(suggest("err", words).empty());
  CHECK(suggest("wa", words).empty());
}
