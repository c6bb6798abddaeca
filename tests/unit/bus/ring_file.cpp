// The log in a file: what a process leaves behind, however it ends.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/log.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;
using aribus::test::padded_record;
using aribus::test::record_of;

namespace {

constexpr size_t ring_bytes = Log::min_ring_bytes;

Log open(const std::string& path, size_t bytes = ring_bytes) {
  auto made = Log::make({.ring_bytes = bytes, .path = path});
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

std::vector<std::string> lines_of(const Log& log) {
  std::vector<std::string> lines;
  for (uint64_t seq = log.first(); seq < log.next(); ++seq) lines.emplace_back(log.line(seq));
  return lines;
}

record::Record random_record(std::mt19937& random) {
  record::Record record = padded_record(random() % 900, "Type" + std::to_string(random() % 5));
  for (size_t i = random() % 4; i > 0; --i) record.ids.add(record::IdKind::channel, "c" + std::to_string(i));
  return record;
}

// What a process that appends and is killed with SIGKILL had reported: each record's line, after its append.
std::vector<std::string> reported_until_killed(const std::string& path, unsigned seed) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    std::mt19937 random(seed);
    Log log = open(path);
    for (;;) {
      const uint64_t seq = log.append(random_record(random));
      const std::string_view line = log.line(seq);
      if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(1);
    }
  }
  ::close(ends[1]);
  std::string all;
  const size_t enough = 20'000 + seed * 3777 % 150'000;  // where it is killed
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<size_t>(count));
    if (all.size() > enough) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  std::vector<std::string> lines;
  for (size_t begin = 0, end = 0; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(all.substr(begin, end + 1 - begin));
  return lines;
}

std::string error_of(const std::string& path) {
  const auto made = Log::make({.ring_bytes = ring_bytes, .path = path});
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().kind == ErrorKind::invalid_params);
  return made.error().message;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a log in a file goes on where it ended") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  std::string stream;
  std::vector<std::string> before;
  {
    Log log = open(path);
    CHECK_FALSE(log.resumed());
    CHECK(log.not_resumed_because().empty());
    stream = log.stream();
    for (int i = 0; i < 400; ++i) log.append(padded_record(500));  // more than once around
    before = lines_of(log);
    CHECK(log.first() > 1);
  }
  Log log = open(path);
  CHECK(log.resumed());
  CHECK(log.stream() == stream);
  CHECK(log.next() == 401);
  CHECK(lines_of(log) == before);
  CHECK(log.append(record_of("Next")) == 401);
  CHECK(log.line(401).find(R"("seq":401,)") != std::string_view::npos);
}

TEST_CASE("the index is made again from the lines") {
  const test::TempDir directory;
  record::Record record = record_of("StasisStart", "pbx2", "ivr \"x\"");
  record.ids.add(record::IdKind::channel, "c\\1");
  record.ids.add(record::IdKind::bridge, "b1");
  record::Record many = record_of("Many");
  for (int i = 0; i < 2000; ++i) many.ids.add(record::IdKind::channel, std::to_string(i));
  {
    Log log = open(directory.path("bus.log"), 1 << 20);
    log.append(record);
    log.append(many);
  }
  const Log log = open(directory.path("bus.log"), 1 << 20);
  const Entry& entry = log.entry(1);
  CHECK(log.name(entry.type) == "StasisStart");
  CHECK(log.name(entry.server) == "pbx2");
  CHECK(log.name(entry.app) == "ivr \"x\"");
  REQUIRE(entry.ids_count == 2);
  CHECK(log.id(entry, 0) == record::id_hash(record::IdKind::channel, "c\\1"));
  CHECK(log.id(entry, 1) == record::id_hash(record::IdKind::bridge, "b1"));
  CHECK(log.entry(2).ids_count == any_id);
}

TEST_CASE("an empty log in a file goes on as such") {
  const test::TempDir directory;
  std::string stream;
  {
    const Log log = open(directory.path("bus.log"));
    stream = log.stream();
  }
  Log log = open(directory.path("bus.log"));
  CHECK(log.resumed());
  CHECK(log.stream() == stream);
  CHECK(log.append(record_of("First")) == 1);
}

TEST_CASE("a file in use is left alone") {
  const test::TempDir directory;
  const Log log = open(directory.path("bus.log"));
  const auto second = Log::make({.ring_bytes = ring_bytes, .path = directory.path("bus.log")});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().kind == ErrorKind::invalid_params);
  CHECK_THAT(second.error().message, ContainsSubstring("another process uses it"));
}

TEST_CASE("a file that can't be gone on with is set aside") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  std::string reason;
  std::string stream;
  {
    Log log = open(path);
    stream = log.stream();
    for (int i = 0; i < 10; ++i) log.append(padded_record(500));
  }
  const auto overwrite = [&](std::streamoff at, std::string_view bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  };
  size_t bytes = ring_bytes;
  SECTION("another size") {
    bytes = 2 * ring_bytes;
    reason = "bus.ring_bytes was 65536 before";
  }
  SECTION("another version") {
    overwrite(8, "\x63");
    reason = "version 99";
  }
  SECTION("something else") {
    std::ofstream(path) << "a letter to my aunt";
    reason = "no log of aribus";
  }
  SECTION("damaged records") {
    overwrite(4096 + 3000, "\xFF\xFF\xFF");
    reason = "damaged";
  }
  SECTION("a record that is another's") {
    overwrite(4096 + 57, "7");  // seq
    reason = "damaged";
  }
  SECTION("a machine that went down") {
    overwrite(12, std::string_view("\0\0\0\0", 4));  // not closed
    overwrite(24, "another-boot");
    reason = "the machine went down";
  }
  const Log log = open(path, bytes);
  CHECK_FALSE(log.resumed());
  CHECK_THAT(std::string(log.not_resumed_because()),
             ContainsSubstring(reason) && ContainsSubstring(path + ".old"));
  CHECK(log.stream() != stream);
  CHECK(log.next() == 1);
  CHECK(std::filesystem::exists(path + ".old"));
}

TEST_CASE("a file that can't be had is an error that says why") {
  const test::TempDir directory;
  const auto error_of = [](const std::string& path, size_t bytes = ring_bytes) {
    const auto made = Log::make({.ring_bytes = bytes, .path = path});
    REQUIRE_FALSE(made.ok());
    return made.error().message;
  };
  CHECK_THAT(error_of(directory.path("no/such/bus.log")),
             ContainsSubstring("bus.path ") && ContainsSubstring("No such file or directory"));
  CHECK_THAT(error_of("/dev/null"), ContainsSubstring("a regular file is expected"));
  // /dev/full and quotas aside, a file system that is too small is what a full disk is like.
  CHECK_THAT(error_of(directory.path("bus.log"), size_t{1} << 50), ContainsSubstring("reserving"));
  CHECK_FALSE(std::filesystem::exists(directory.path("bus.log")));
}

TEST_CASE("nobody else can read a log in a file, whatever the umask") {
  const test::TempDir directory;
  for (const mode_t mask : {0, 0777}) {
    const std::string path = directory.path("bus" + std::to_string(mask));
    const mode_t before = ::umask(mask);
    const Log log = open(path);
    ::umask(before);
    CHECK(mode_of(path) == 0600);
  }
}

TEST_CASE("a file that others can read is kept from them, and goes on") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  open(path).append(record_of("First"));
  const mode_t mode = GENERATE(0644, 0640, 0604, 0611);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  const Log log = open(path);
  CHECK(mode_of(path) == 0600);
  CHECK(log.resumed());
  CHECK(log.next() == 2);
}

TEST_CASE("a file that others can write to is not trusted, and set aside") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  const bool empty = GENERATE(true, false);
  if (empty) {
    std::ofstream{path};
  } else {
    open(path).append(record_of("First"));
  }
  const mode_t mode = GENERATE(0666, 0620, 0602);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  Log log = open(path);
  log.append(padded_record(100));
  CHECK_FALSE(log.resumed());
  CHECK_THAT(std::string(log.not_resumed_because()), ContainsSubstring("others could write to the file"));
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path + ".old") == 0600);
  std::ifstream old(path + ".old", std::ios::binary);  // which somebody may have open still
  CHECK(std::string(std::istreambuf_iterator<char>(old), {}).find("Padded") == std::string::npos);
}

TEST_CASE("a file set aside before is kept from others, too") {
  const test::TempDir directory;
  REQUIRE(::chmod(directory.write("bus.log.old", "what was said").c_str(), 0644) == 0);
  const Log log = open(directory.path("bus.log"));
  CHECK(mode_of(directory.path("bus.log.old")) == 0600);
}

TEST_CASE("a symbolic link is not followed to where others read") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  const std::string target = directory.write("elsewhere", "");
  const bool dangling = GENERATE(true, false);
  if (dangling) std::filesystem::remove(target);
  std::filesystem::create_symlink(target, path);
  CHECK_THAT(error_of(path), ContainsSubstring("bus.path " + path) && ContainsSubstring("symbolic link") &&
                                 ContainsSubstring("name the file"));
  CHECK(std::filesystem::exists(target) == !dangling);
}

TEST_CASE("the file of another user is refused with its owner") {
  if (::geteuid() != 0) {
    WARN("left out: only root can give files away");
    return;
  }
  const test::TempDir directory;
  const std::string path = directory.write("bus.log", "");
  REQUIRE(::chown(path.c_str(), 4321, 4321) == 0);
  CHECK_THAT(error_of(path), ContainsSubstring("belongs to user 4321") && ContainsSubstring("chown"));
  CHECK(std::filesystem::file_size(path) == 0);
  // As the daemon's own user, who can't open it.
  const auto other = [&] {
    std::filesystem::permissions(std::filesystem::path(path).parent_path(), std::filesystem::perms(0755));
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    if (::seteuid(4322) != 0) throw std::runtime_error("seteuid");
    const auto made = Log::make({.ring_bytes = ring_bytes, .path = path});
    if (::seteuid(0) != 0) throw std::runtime_error("seteuid");
    return made ? std::string() : made.error().message;
  };
  CHECK_THAT(other(), ContainsSubstring("belongs to user 4321, not to user 4322"));
}

TEST_CASE("whatever a killed process had reported is in the file, and no part of anything else") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  std::string stream;
  uint64_t next = 1;
  for (unsigned round = 1; round <= 12; ++round) {
    INFO("round " << round);
    const std::vector<std::string> reported = reported_until_killed(path, round);
    const Log log = open(path);
    REQUIRE(log.resumed());
    if (!stream.empty()) REQUIRE(log.stream() == stream);
    stream = log.stream();
    const uint64_t last_reported = next + reported.size() - 1;
    REQUIRE(log.next() > last_reported);       // nothing is gone
    REQUIRE(log.next() <= last_reported + 2);  // one may have been complete and not reported
    for (uint64_t seq = std::max(log.first(), next); seq <= last_reported; ++seq)
      REQUIRE(log.line(seq) == reported[seq - next]);
    for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
      const Json line = test::json(log.line(seq));
      REQUIRE(find(*find(line, "params"), "seq")->GetUint64() == seq);
    }
    next = log.next();
  }
}
