#include "base/journal_sink.h"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;

namespace {

// A journal that is read when the test says so, and the log on its way there.
class Journal {
 public:
  Journal() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const std::string path = directory_.path("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    auto sink = JournalSink::make(path);
    REQUIRE(sink);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("journal", *sink));
  }
  ~Journal() { spdlog::set_default_logger(before_); }

  // The next entry; "" when there is none.
  [[nodiscard]] std::string entry() const {
    char buffer[10'000];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return count < 0 ? "" : std::string(buffer, static_cast<size_t>(count));
  }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  test::TempDir directory_;
  Fd socket_;
};

std::string entry_of(const std::string& text, const std::string& priority, const std::string& more = "") {
  return "MESSAGE=" + text + "\nPRIORITY=" + priority + "\nSYSLOG_IDENTIFIER=aribusd\n" + more;
}

}  // namespace

TEST_CASE("a line becomes an entry with the fields that it is about") {
  const Journal journal;
  log_line(spdlog::level::warn, {{"SERVER", "pbx1"}, {"APP", "demo"}, {"CHANNEL", ""}}, "{}: {}", "pbx1",
           "taken");
  CHECK(journal.entry() == entry_of("pbx1: taken", "4", "ARIBUS_SERVER=pbx1\nARIBUS_APP=demo\n"));
  spdlog::error("not of it");
  CHECK(journal.entry() == entry_of("not of it", "3"));
}

TEST_CASE("a value with line breaks makes no fields of its own") {
  const Journal journal;
  log_line(spdlog::level::info, {{"CHANNEL", "a\nPRIORITY=0"}}, "two\nlines");
  using namespace std::string_literals;
  CHECK(journal.entry() ==
        "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=6\nSYSLOG_IDENTIFIER=aribusd\n"
        "ARIBUS_CHANNEL\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n"s);
}

TEST_CASE("a journal that stands still stops nobody, and is told what is missing") {
  const Journal journal;
  constexpr int lines = 5000;  // more than net.unix.max_dgram_qlen and the socket's buffer hold
  for (int i = 0; i < lines; ++i) spdlog::info("line {}", i);
  int kept = 0;
  for (std::string entry = journal.entry(); !entry.empty(); entry = journal.entry()) {
    REQUIRE(entry == entry_of("line " + std::to_string(kept++), "6"));
  }
  REQUIRE(kept < lines);
  spdlog::info("again");
  CHECK(journal.entry() == entry_of(std::to_string(lines - kept) + " lines of the log are lost: the journal "
                                                                   "took no more",
                                    "4"));
  CHECK(journal.entry() == entry_of("again", "6"));
  CHECK(journal.entry().empty());
}

TEST_CASE("standard error is the journal when $JOURNAL_STREAM says that it is this one") {
  struct stat status {};
  REQUIRE(::fstat(STDERR_FILENO, &status) == 0);
  const std::string device = std::to_string(status.st_dev) + ":";
  ::unsetenv("JOURNAL_STREAM");
  CHECK_FALSE(JournalSink::is_standard_error());
  ::setenv("JOURNAL_STREAM", (device + std::to_string(status.st_ino)).c_str(), 1);
  CHECK(JournalSink::is_standard_error());
  ::setenv("JOURNAL_STREAM", (device + std::to_string(status.st_ino + 1)).c_str(), 1);
  CHECK_FALSE(JournalSink::is_standard_error());
  ::unsetenv("JOURNAL_STREAM");
}

TEST_CASE("without a journal there is no sink") {
  CHECK_FALSE(JournalSink::make("/nonexistent/socket"));
}

TEST_CASE("an entry's text moves no terminal, and is not left out by journalctl for it") {
  const Journal journal;
  spdlog::info("{}", "a\x1b[2J\xC2\x9B\xE2\x80\xAE\xFF");
  CHECK(journal.entry() == entry_of(R"(a\x1b[2J\u009b\u202e\xff)", "6"));
}
