// The log in a file: what a process leaves behind, however it ends.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/record_log.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;
using aribus::test::padded_record;
using aribus::test::record_of;

namespace {

constexpr size_t ring_bytes = RecordLog::min_ring_bytes;

RecordLog open(const std::string& path, size_t bytes = ring_bytes) {
  auto made = RecordLog::make({.ring_bytes = bytes, .path = path}, test::framing);
  if (!made) throw std::runtime_error(made.error().message);
  if (auto placed = made->put_in_place(); !placed) throw std::runtime_error(placed.error().message);
  return std::move(*made);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string& path, size_t at, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file << bytes;
}

const auto header_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
constexpr size_t next_at = 144;  // in the header

// A log of `records` records in a file, and where the line of each begins in that.
class Damageable {
 public:
  explicit Damageable(uint64_t records) : path_(directory_.path("bus.log")) {
    RecordLog log = open(path_);
    for (uint64_t i = 0; i < records; ++i) log.append(padded_record(200 + 10 * i));
    for (uint64_t seq = 1; seq <= records; ++seq) {
      lines_.emplace_back(log.line(seq));
      begins_.push_back(header_bytes + log.entry(seq).offset);
    }
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& line(uint64_t seq) const { return lines_[seq - 1]; }
  void damage(uint64_t seq, std::string_view bytes, size_t at = 150) const {
    overwrite(path_, begins_[seq - 1] + at, bytes);
  }
  void damage_end(uint64_t seq) const { damage(seq, "x", line(seq).size() - 1); }
  void renumber(uint64_t seq, char digit) const { damage(seq, {&digit, 1}, line(seq).find("\"seq\":") + 6); }
  // The records of the log that is opened now: each either is what it was, or can't be read. These are
  // returned.
  [[nodiscard]] std::vector<uint64_t> lost() const {
    const RecordLog log = open(path_);
    CHECK(log.resumed());
    std::vector<uint64_t> lost;
    for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
      if (log.readable_from(seq) != seq) {
        CHECK(log.line(seq).empty());
        lost.push_back(seq);
      } else {
        CHECK(log.line(seq) == line(seq));
        CHECK(log.readable_until(seq) > seq);
      }
    }
    CHECK(log.first() == 1);
    CHECK(log.next() == lines_.size() + 1);
    return lost;
  }

 private:
  const test::TempDir directory_;
  std::string path_;
  std::vector<std::string> lines_;
  std::vector<size_t> begins_;
};

using Seqs = std::vector<uint64_t>;

std::vector<std::string> lines_of(const RecordLog& log) {
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
    RecordLog log = open(path);
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
  const auto made = RecordLog::make({.ring_bytes = ring_bytes, .path = path}, test::framing);
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
    RecordLog log = open(path);
    CHECK_FALSE(log.resumed());
    CHECK(log.not_resumed_because().empty());
    stream = log.stream();
    for (int i = 0; i < 400; ++i) log.append(padded_record(500));  // more than once around
    before = lines_of(log);
    CHECK(log.first() > 1);
  }
  RecordLog log = open(path);
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
    RecordLog log = open(directory.path("bus.log"), 1 << 20);
    log.append(record);
    log.append(many);
  }
  const RecordLog log = open(directory.path("bus.log"), 1 << 20);
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
    const RecordLog log = open(directory.path("bus.log"));
    stream = log.stream();
  }
  RecordLog log = open(directory.path("bus.log"));
  CHECK(log.resumed());
  CHECK(log.stream() == stream);
  CHECK(log.append(record_of("First")) == 1);
}

TEST_CASE("a file in use is left alone") {
  const test::TempDir directory;
  const RecordLog log = open(directory.path("bus.log"));
  const auto second =
      RecordLog::make({.ring_bytes = ring_bytes, .path = directory.path("bus.log")}, test::framing);
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
    RecordLog log = open(path);
    stream = log.stream();
    for (int i = 0; i < 10; ++i) log.append(padded_record(500));
  }
  const auto overwrite = [&](size_t at, std::string_view bytes) { ::overwrite(path, at, bytes); };
  size_t bytes = ring_bytes;
  SECTION("another size") {
    bytes = 2 * ring_bytes;
    reason = "bus.ring_bytes was 65536 before";
  }
  SECTION("another version") {
    overwrite(8, "\x63");
    reason = "format version 99";
  }
  SECTION("something else") {
    std::ofstream(path) << "a letter to my aunt";
    reason = "not a record log of aribus";
  }
  SECTION("no record that can be read") {
    overwrite(header_bytes, std::string(10'000, 'x'));
    reason = "damaged";
  }
  SECTION("a machine that went down") {
    overwrite(12, std::string_view("\0\0\0\0", 4));  // not closed
    overwrite(24, "another-boot");
    reason = "the machine went down";
  }
  const RecordLog log = open(path, bytes);
  CHECK_FALSE(log.resumed());
  CHECK_THAT(std::string(log.not_resumed_because()),
             ContainsSubstring(reason) && ContainsSubstring(path + ".old"));
  CHECK(log.stream() != stream);
  CHECK(log.next() == 1);
  CHECK(std::filesystem::exists(path + ".old"));
}

TEST_CASE("a damaged line costs its own record") {
  const Damageable log(9);
  CHECK(log.lost().empty());
  SECTION("in the middle") {
    log.damage(5, "\xFF\xFF\xFF");
    CHECK(log.lost() == Seqs{5});
    CHECK(log.lost() == Seqs{5});  // and at every start
  }
  SECTION("with line ends in it") {
    log.damage(5, "\n{}\n\n\"x\"\n");
    CHECK(log.lost() == Seqs{5});
  }
  SECTION("its own end") {
    log.damage_end(5);
    CHECK(log.lost() == Seqs{5, 6});  // one line now
  }
  SECTION("two in a row") {
    log.damage(5, "\"");
    log.damage(6, "\n\n");
    CHECK(log.lost() == Seqs{5, 6});
  }
  SECTION("two with one between them") {
    log.damage(5, "\n\n");
    log.damage(7, "\n\n");
    CHECK(log.lost() == Seqs{5, 7});
  }
  SECTION("the first") {
    log.damage(1, "\x01");
    CHECK(log.lost() == Seqs{1});
  }
  SECTION("the last, and those before it") {
    log.damage(8, "\n");
    log.damage(9, "\n");
    CHECK(log.lost() == Seqs{8, 9});
  }
  SECTION("the end of the last") {
    log.damage_end(9);
    CHECK(log.lost() == Seqs{9});
  }
  SECTION("its number") {
    const char digit = GENERATE('2', '6', '8', '4', '0', '/');
    log.renumber(5, digit);
    CHECK(log.lost() == Seqs{5});
  }
  SECTION("the number of the first") {
    log.renumber(1, '7');
    CHECK(log.lost() == Seqs{1});
  }
  SECTION("a number behind a damaged line") {
    log.damage(4, "\n");
    log.renumber(5, '6');
    CHECK(log.lost() == Seqs{4, 5});
  }
}

TEST_CASE("a log with damaged lines goes on with the next number, and forgets them with the others") {
  const Damageable damaged(9);
  damaged.damage(5, "\n");
  damaged.damage(9, "\n");
  RecordLog log = open(damaged.path());
  CHECK(log.append(record_of("Next")) == 10);
  CHECK(log.readable_from(9) == 10);
  while (log.first() < 8) log.append(padded_record(1000));
  CHECK(log.readable_from(5) == log.first());
  while (log.first() < 20) log.append(padded_record(1000));
  CHECK(log.readable_from(1) == log.first());
  CHECK(log.readable_until(log.first()) == log.next());
  CHECK(log.used_bytes() <= ring_bytes);
}

TEST_CASE("of a file of 0.1.0 whose last line is damaged no number is given twice") {
  const Damageable damaged(9);
  overwrite(damaged.path(), next_at, std::string(8, '\0'));
  damaged.damage(9, "\n");
  RecordLog log = open(damaged.path());
  CHECK(log.resumed());
  CHECK(log.readable_from(9) == log.next());
  CHECK(log.append(record_of("Next")) > 9);
}

TEST_CASE("whatever bytes of a log are damaged, what is read of it is what was written") {
  std::mt19937 random(20261126);
  for (int round = 0; round < 150; ++round) {
    const Damageable damaged(9);
    std::string bytes(1 + random() % 700, '\0');
    for (char& byte : bytes) byte = "\n{}\"0,x\xFF"[random() % 8];
    overwrite(damaged.path(), header_bytes + random() % 2500, bytes);
    const RecordLog log = open(damaged.path());
    INFO("round " << round);
    if (!log.resumed()) continue;
    REQUIRE(log.next() == 10);
    size_t read = 0;
    for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
      if (log.readable_from(seq) != seq) continue;
      ++read;
      // Bytes within a string can't be told from what was there.
      if (log.line(seq).find("xxx") != std::string_view::npos) {
        REQUIRE(log.line(seq).find("\"seq\":" + std::to_string(seq) + ',') != std::string_view::npos);
      }
    }
    REQUIRE(read >= 4);
  }
}

TEST_CASE("a log with the deepest event in it goes on") {
  const test::TempDir directory;
  const std::string text = R"({"type":"Odd","seq":)" + std::string(63, '[') + std::string(63, ']') + "}";
  {
    RecordLog log = open(directory.path("bus.log"));
    log.append(test::read_event(text, text.size(), "pbx1", wall_now()));
    log.append(record_of("Next"));
  }
  const RecordLog log = open(directory.path("bus.log"));
  CHECK(log.resumed());
  CHECK(log.next() == 3);
  CHECK(log.readable_from(1) == 1);
}

TEST_CASE("a start that fails changes nothing on the disk") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  open(path).append(record_of("First"));
  const std::string before = content_of(path);
  const std::string old = directory.write("bus.log.old", "an older one");
  const auto unchanged = [&] {
    CHECK(content_of(path) == before);
    CHECK(content_of(old) == "an older one");
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
  };
  CHECK_THAT(RecordLog::make({.ring_bytes = size_t{1} << 50, .path = path}, test::framing).error().message,
             ContainsSubstring("reserving"));
  unchanged();
  {
    const auto elsewhere = RecordLog::make({.ring_bytes = 2 * ring_bytes, .path = path},
                                           test::framing);  // what comes next failed
    REQUIRE(elsewhere.ok());
    CHECK_THAT(error_of(path), ContainsSubstring("another process uses it"));
  }
  unchanged();
  std::ofstream(path + ".new") << "left by a process that was killed";
  const RecordLog other = open(path, 2 * ring_bytes);
  CHECK_FALSE(other.resumed());
  CHECK(content_of(old) == before);
  CHECK(std::filesystem::file_size(path) == header_bytes + 2 * ring_bytes);
  CHECK(mode_of(path) == 0600);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  CHECK_THAT(error_of(path), ContainsSubstring("another process uses it"));
}

TEST_CASE("a file that can't be had is an error that says why") {
  const test::TempDir directory;
  const auto error_of = [](const std::string& path, size_t bytes = ring_bytes) {
    const auto made = RecordLog::make({.ring_bytes = bytes, .path = path}, test::framing);
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
    const RecordLog log = open(path);
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
  const RecordLog log = open(path);
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
  RecordLog log = open(path);
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
  const RecordLog log = open(directory.path("bus.log"));
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
  if (test::needs_root()) return;
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
    const auto made = RecordLog::make({.ring_bytes = ring_bytes, .path = path}, test::framing);
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
    const RecordLog log = open(path);
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
