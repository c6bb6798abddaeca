#include "bus/mirrored_memory.h"

#include <cstring>
#include <string_view>

#include <unistd.h>

#include "tests/catch.h"

using namespace aribus::bus;

TEST_CASE("mirrored memory follows itself") {
  auto made = MirroredMemory::make(100'000);
  REQUIRE(made.ok());
  char* data = made->data();
  const size_t size = made->size();
  CHECK(size >= 100'000);
  CHECK(size % static_cast<size_t>(::sysconf(_SC_PAGESIZE)) == 0);
  for (size_t i = 0; i < size; i += 997) {
    data[i] = static_cast<char>(i / 997 + 1);
    REQUIRE(data[i + size] == data[i]);
    data[i + size] = static_cast<char>(~data[i]);
    REQUIRE(data[i] == data[i + size]);
  }
  std::memcpy(data + size - 3, "abcdef", 6);
  CHECK(std::memcmp(data, "def", 3) == 0);
  CHECK(std::memcmp(data + size - 3, "abcdef", 6) == 0);
  CHECK(std::memcmp(data + 2 * size - 3, "abc", 3) == 0);
}

TEST_CASE("mirrored memory begins as zeros") {
  auto made = MirroredMemory::make(1);
  REQUIRE(made.ok());
  CHECK(std::string_view(made->data(), 2 * made->size()).find_first_not_of('\0') == std::string_view::npos);
}

TEST_CASE("mirrored memory can be moved") {
  auto made = MirroredMemory::make(1);
  REQUIRE(made.ok());
  made->data()[0] = 'x';
  const MirroredMemory moved = std::move(*made);
  CHECK(moved.data()[moved.size()] == 'x');
  CHECK(made->data() == nullptr);
}

TEST_CASE("more memory than there can be is an error") {
  const auto made = MirroredMemory::make(size_t{1} << 60);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().kind == aribus::ErrorKind::system);
}
