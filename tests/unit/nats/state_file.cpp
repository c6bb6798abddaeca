#include "nats/state_file.h"

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using aribus::test::TempDir;

TEST_CASE("a state file is made with an installation of its own, and read again") {
  const TempDir folder;
  const std::string path = folder.path("state.json");
  Result<StateFile> file = StateFile::open(path);
  REQUIRE(file);
  const std::string installation = file->state().installation;
  CHECK(installation.size() == 16);
  REQUIRE(file->write({.installation = installation, .place = {"s", 12}, .last = 34, .report = {"s", 56}}));
  const Result<StateFile> again = StateFile::open(path);
  REQUIRE(again);
  CHECK(again->state().installation == installation);
  CHECK(again->state().place == Place{"s", 12});
  CHECK(again->state().last == 34);
  CHECK(again->state().report == Place{"s", 56});
  CHECK(again->state().flight == Flight{});
  REQUIRE(file->write({.installation = installation, .place = {"s", 12}, .flight = {34, "s", {13, 15}}}));
  const Result<StateFile> with_flight = StateFile::open(path);
  REQUIRE(with_flight);
  CHECK(with_flight->state().flight == Flight{34, "s", {13, 15}});
  const Flight read{34, "s", {13, 15, 16}, {13, 15, 2}, 35};
  REQUIRE(file->write({.installation = installation, .place = {"s", 16}, .flight = read}));
  const Result<StateFile> with_missing = StateFile::open(path);
  REQUIRE(with_missing);
  CHECK(with_missing->state().flight == read);
  const TempDir other;
  const Result<StateFile> others = StateFile::open(other.path("state.json"));
  REQUIRE(others);
  CHECK(others->state().installation != installation);
}

TEST_CASE("what is no state file is refused, and stays as it is") {
  const TempDir folder;
  const std::string path = folder.path("state.json");
  for (const char* text : {"", "{", "[]", "{}", R"({"installation":7})"}) {
    INFO(text);
    std::ofstream(path) << text;
    const Result<StateFile> file = StateFile::open(path);
    REQUIRE_FALSE(file);
    CHECK(file.error().kind == ErrorKind::malformed);
    CHECK(file.error().message.find(path) != std::string::npos);
    CHECK(std::filesystem::file_size(path) == std::string_view(text).size());
  }
}

TEST_CASE("a state file that can't be written is an error, with its path") {
  const TempDir folder;
  const Result<StateFile> file = StateFile::open(folder.path("none/state.json"));
  REQUIRE_FALSE(file);
  CHECK(file.error().kind == ErrorKind::system);
  CHECK(file.error().message.find("none/state.json") != std::string::npos);
}

TEST_CASE("what can't be written is known to this process all the same") {
  const TempDir folder;
  std::filesystem::create_directory(folder.path("state"));
  const std::string path = folder.path("state/state.json");
  Result<StateFile> file = StateFile::open(path);
  REQUIRE(file);
  CHECK(file->is_written());
  const std::string installation = file->state().installation;
  std::filesystem::rename(folder.path("state"), folder.path("away"));
  REQUIRE_FALSE(file->write(
      {.installation = installation, .place = {"s", 12}, .last = 34, .flight = {34, "s", {13, 15}}}));
  CHECK_FALSE(file->is_written());
  CHECK(file->state().place == Place{"s", 12});
  CHECK(file->state().flight == Flight{34, "s", {13, 15}});
  std::filesystem::rename(folder.path("away"), folder.path("state"));
  REQUIRE(file->write(file->state()));
  CHECK(file->is_written());
  CHECK(StateFile::open(path)->state().flight == Flight{34, "s", {13, 15}});
}

TEST_CASE("a state file is for one process at a time") {
  const TempDir folder;
  const std::string path = folder.path("state.json");
  Result<StateFile> second = StateFile::open(path);
  REQUIRE(second);
  {
    Result<StateFile> first = StateFile::open(path);
    REQUIRE(first);
    REQUIRE(first->hold());
    REQUIRE(first->write({.installation = "i", .place = {}}));  // which replaces the file
    const auto held = second->hold();
    REQUIRE_FALSE(held);
    CHECK(held.error().message.find("another running aribus-nats uses this state_file") != std::string::npos);
  }
  CHECK(second->hold());
}
