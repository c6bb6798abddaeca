#include "base/hash.h"

#include <cstring>
#include <set>
#include <string>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("hashes differ from process to process: their keys can't be chosen to collide") {
  // What they would be without a secret.
  const auto known = [](std::string_view bytes) {
    constexpr uint64_t factor = 0x9E3779B97F4A7C15;
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    const auto product = static_cast<unsigned __int128>(((bytes.size() + 1) * factor) ^ word) * factor;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  CHECK(hash_of("c1") != known("c1"));
  CHECK(hash_of("c1") == hash_of("c1"));
  std::set<uint64_t> low;
  for (int i = 0; i < 10'000; ++i) low.insert(hash_of(std::to_string(i)) % 16'381);
  CHECK(low.size() > 7000);  // 10,000 throws at 16,381 boxes hit some 7,480
}
