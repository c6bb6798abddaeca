// The files of `aribus record`: nothing in them is lost by the tool itself.
#include "cli/recording.h"

#include <csignal>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::TempDir;
using Mode = Recording::Mode;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
// As JSON: items can't be copied.
std::string item(const std::string& type, const std::string& members) {
  return "{" + members + R"(,"type":")" + type + "\"}";
}
std::string numbered(int seq) {
  return item("StasisStart", R"("seq":)" + std::to_string(seq) + R"(,"time":"2026-11-22T21:46:07.000Z")");
}
bool add(Recording& file, const std::string& text) {
  Json fields = json(text);
  std::string type(find_string(fields, "type"));
  return file.add({std::move(type), std::move(fields)}, WallTime()).ok();
}
// Adds what is given to the file; returns the cursor at its end.
std::string write(const std::string& path, Mode mode, const std::vector<std::string>& items) {
  auto file = Recording::open(path, mode);
  REQUIRE(file);
  for (const std::string& one : items) CHECK(add(*file, one));
  CHECK(file->flush());
  return file->cursor();
}
std::string error_of(const std::string& path, Mode mode) {
  const auto file = Recording::open(path, mode);
  return file ? "" : file.error().message;
}

const std::string subscribed = item("subscribed", R"("cursor":"a1:10")");

}  // namespace

TEST_CASE("a recording is not overwritten, unless that is said") {
  const TempDir folder;
  const std::string path = folder.path("f");
  CHECK(write(path, Mode::fresh, {subscribed, numbered(11)}) == "a1:11");
  const std::string before = read_file(path);
  CHECK_THAT(error_of(path, Mode::fresh), ContainsSubstring("--append") && ContainsSubstring("--force"));
  CHECK(read_file(path) == before);
  CHECK(write(path, Mode::overwrite, {}).empty());
  CHECK(read_file(path).empty());
  CHECK(error_of(path, Mode::fresh).empty());  // there is nothing in it
}

TEST_CASE("a recording knows the place behind its last record") {
  const TempDir folder;
  const std::string path = folder.path("f");
  CHECK(write(path, Mode::append, {subscribed, numbered(11), numbered(12)}) == "a1:12");
  CHECK(write(path, Mode::append, {}) == "a1:12");
  CHECK(write(path, Mode::append, {item("lost", R"("from":13,"to":20,"records":8)")}) == "a1:20");
  CHECK(write(path, Mode::append, {item("disconnected", R"("reason":"x")")}) == "a1:20");
  CHECK(write(path, Mode::append, {item("subscribed", R"("cursor":"b2:3","resumed":false)"), numbered(4)}) ==
        "b2:4");
  // What a caller can have in a record is no place.
  CHECK(write(path, Mode::append,
              {item("ChannelUserevent",
                    R"("seq":5,"userevent":{"type":"record.subscribed","cursor":"c:9"})")}) == "b2:5");
  CHECK(write(path, Mode::append, {}) == "b2:5");
  const std::string text = read_file(path);
  CHECK_THAT(text,
             ContainsSubstring(R"({"seq":10,"time":"1970-01-01T00:00:00.000Z","type":"record.subscribed",)"
                               R"("cursor":"a1:10"})"
                               "\n") &&
                 ContainsSubstring(R"("type":"record.lost","from":13,"to":20,"records":8})") &&
                 ContainsSubstring(R"("type":"record.disconnected","reason":"x"})"));
  const auto own = recorded_item(json(text.substr(0, text.find('\n'))));
  REQUIRE(own);
  CHECK(own->type == "subscribed");
  CHECK_FALSE(recorded_item(json(numbered(1))));
}

TEST_CASE("a last line that was cut off is removed before the recording goes on") {
  const TempDir folder;
  const std::string path = folder.path("f");
  write(path, Mode::fresh, {subscribed, numbered(11), numbered(12)});
  const std::string whole = read_file(path);
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(whole.size() - 5)) == 0);
  {
    const auto file = Recording::open(path, Mode::append);
    REQUIRE(file);
    CHECK(file->cursor() == "a1:11");
    CHECK(file->removed_bytes() > 20);
  }
  CHECK(write(path, Mode::append, {numbered(12)}) == "a1:12");
  CHECK(read_file(path) == whole);
}

TEST_CASE("nothing is appended to what is no recording, and the file stays as it is") {
  const TempDir folder;
  for (const std::string text : {"minutes of a meeting", "minutes\nof a meeting\n", "{\"seq\":1}\n", "\n"}) {
    const std::string path = folder.write("notes", text);
    INFO(text);
    CHECK_THAT(error_of(path, Mode::append), ContainsSubstring(":1: no record"));
    CHECK(read_file(path) == text);
  }
  const std::string cut = folder.write("cut", R"({"seq":11,"ti)");
  CHECK(write(cut, Mode::append, {numbered(12)}).empty());
  CHECK(read_file(cut).starts_with(R"({"seq":12,)"));
  CHECK_THAT(error_of("/nonexistent/f", Mode::fresh), ContainsSubstring("/nonexistent/f: No such file"));
}

TEST_CASE("two processes do not record to one file") {
  const TempDir folder;
  const auto first = Recording::open(folder.path("f"), Mode::append);
  REQUIRE(first);
  CHECK_THAT(error_of(folder.path("f"), Mode::append), ContainsSubstring("another process"));
}

TEST_CASE("a full disk is told with the file's name") {
  auto file = Recording::open("/dev/full", Mode::fresh);
  REQUIRE(file);
  CHECK(add(*file, numbered(1)));
  const auto written = file->flush();
  REQUIRE_FALSE(written);
  CHECK_THAT(written.error().message, ContainsSubstring("/dev/full") && ContainsSubstring("No space left"));
}

TEST_CASE("a disk that becomes full leaves whole records") {
  const TempDir folder;
  const std::string path = folder.path("f");
  write(path, Mode::fresh, {numbered(1)});
  const std::string one = read_file(path);
  // A file that may not become larger: a part of the third record has room.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit bound{2 * one.size() + 9, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &bound);
  {
    auto file = Recording::open(path, Mode::append);
    REQUIRE(file);
    CHECK(add(*file, numbered(2)));
    CHECK(add(*file, numbered(3)));
    CHECK_FALSE(file->flush());
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(read_file(path).size() == 2 * one.size());
  CHECK(read_file(path).ends_with("}\n"));
}
