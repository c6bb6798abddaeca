#include "base/nearest.h"

#include <array>

#include "tests/catch.h"

using namespace aribus;

namespace {

constexpr std::array<std::string_view, 4> known = {"channelId", "endpoint", "timeout", "app"};

}  // namespace

TEST_CASE("a mistyped word is recognised") {
  CHECK(nearest("chanelId", known) == "channelId");   // one letter left out
  CHECK(nearest("channeldI", known) == "channelId");  // two swapped
  CHECK(nearest("CHANNELID", known) == "channelId");  // case
  CHECK(nearest("endpoints", known) == "endpoint");   // one too many
  CHECK(nearest("ap", known) == "app");
  CHECK(nearest("timeout", known) == "timeout");
}

TEST_CASE("a word that is no typing error is not corrected") {
  CHECK(nearest("bridge", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(10'000, 'a'), known).empty());
  CHECK(nearest("channelId", {}).empty());
}

TEST_CASE("a short word of which every letter differs is not corrected") {
  constexpr std::array<std::string_view, 1> short_words = {"y"};
  CHECK(nearest("x", short_words).empty());
  CHECK(nearest("", short_words).empty());
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
  CHECK(nearest("gte", words) == "get");
  CHECK(nearest("getChannelVarable", words) == "getChannelVariable");
  CHECK(nearest("bridges.adChannels", words) == "bridges.addChannel");
  CHECK(nearest("addChannel", words).empty());
}

TEST_CASE("a word that is short for only one is meant for it") {
  constexpr std::array<std::string_view, 3> words = {"warning", "error", "errors.all"};
  CHECK(nearest("warn", words) == "warning");
  CHECK(nearest("WARN", words) == "warning");
  CHECK(nearest("err", words).empty());
  CHECK(nearest("wa", words).empty());
}
