// Keys of a terminal.
#include "cli/keys.h"

#include "tests/catch.h"

using namespace aribus::cli;
using Kind = Key::Kind;

namespace {

std::vector<Kind> kinds(const std::vector<Key>& keys) {
  std::vector<Kind> out;
  for (const Key& key : keys) out.push_back(key.kind);
  return out;
}

}  // namespace

TEST_CASE("the sequences that terminals send are keys") {
  KeyReader reader;
  CHECK(reader.read("q") == std::vector<Key>{{Kind::text, "q"}});
  CHECK(reader.read("日") == std::vector<Key>{{Kind::text, "日"}});
  CHECK(kinds(reader.read("\x1b[A\x1b[B\x1bOA\x1bOB")) ==
        std::vector{Kind::up, Kind::down, Kind::up, Kind::down});
  CHECK(kinds(reader.read("\x1b[5~\x1b[6~")) == std::vector{Kind::page_up, Kind::page_down});
  CHECK(kinds(reader.read("\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH\x1bOF\x1b[7~\x1b[8~")) ==
        std::vector{Kind::home, Kind::end, Kind::home, Kind::end, Kind::home, Kind::end, Kind::home,
                    Kind::end});
  CHECK(kinds(reader.read("\r\n\x7f\b\t")) ==
        std::vector{Kind::enter, Kind::enter, Kind::backspace, Kind::backspace, Kind::other});
  CHECK(kinds(reader.read("\x1b[1;5C\x1b[15~")) == std::vector{Kind::other, Kind::other});
  CHECK_FALSE(reader.is_waiting());
}

TEST_CASE("a key may come in pieces, and a lone Escape is one when nothing follows") {
  KeyReader reader;
  CHECK(reader.read("\x1b").empty());
  CHECK(reader.is_waiting());
  CHECK(reader.read("[").empty());
  CHECK(kinds(reader.read("A")) == std::vector{Kind::up});
  CHECK(reader.read("\xe6\x97").empty());
  CHECK(reader.read("\xa5") == std::vector<Key>{{Kind::text, "日"}});
  CHECK(reader.read("\x1b").empty());
  CHECK(kinds(reader.give_up_waiting()) == std::vector{Kind::escape});
  CHECK(kinds(reader.read("\x1bq")) == std::vector{Kind::escape, Kind::text});
  CHECK(reader.read("\x1b[1;").empty());
  CHECK(reader.give_up_waiting().empty());
  CHECK_FALSE(reader.is_waiting());
}

TEST_CASE("whatever a terminal sends is bounded, and harmless") {
  KeyReader reader;
  static_cast<void>(reader.read("\x1b[" + std::string(1000, '1')));
  CHECK(kinds(reader.read("\xff\xc3(\xc2\x9b")).size() >= 3);
  CHECK_FALSE(reader.is_waiting());
  for (const Key& key : reader.read("\xff\xe2\x80\xae\x01")) CHECK(key.kind == Kind::other);
}
