// What vector instructions find is what the portable code finds, which is what a loop over the bytes finds.
#include "json/simd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/catch.h"

using namespace aribus;

#if defined(__x86_64__) || defined(__aarch64__)
static_assert(!std::is_same_v<Block16, PortableBlock>, "this processor has vector instructions");
#endif

namespace {

constexpr size_t max_size = 70;  // over four blocks
constexpr size_t alignments = 16;

bool is_special(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// The bytes around each border between special and plain.
constexpr std::string_view borders("\x00\x01\x1F\x20\x21\"#[\\]\x7F\x80\x9F\xA0\xA2\xDC\xFE\xFF", 18);

using Bytes = std::array<char, 16>;

std::vector<Bytes> many_blocks() {
  std::vector<Bytes> blocks;
  for (size_t at = 0; at < 16; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      blocks.emplace_back().fill('x');
      blocks.back()[at] = static_cast<char>(byte);
    }
  }
  std::mt19937 random(20261127);
  for (int round = 0; round < 20'000; ++round) {
    Bytes& block = blocks.emplace_back();
    for (char& c : block)
      c = round % 2 == 0 ? borders[random() % borders.size()] : static_cast<char>(random());
  }
  return blocks;
}

// `text` at `alignment` bytes past a border of sixteen bytes. Memory ends with the text, and `behind` it: a
// sanitizer sees what reads further.
class Placed {
 public:
  Placed(std::string_view text, size_t alignment, size_t behind = 0)
      : memory_(static_cast<char*>(::operator new(alignment + text.size() + behind, std::align_val_t(16)))),
        text_(memory_ + alignment) {
    std::fill_n(memory_, alignment, '"');
    std::copy(text.begin(), text.end(), text_);
    std::fill_n(text_ + text.size(), behind, '"');
  }
  ~Placed() { ::operator delete(memory_, std::align_val_t(16)); }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  [[nodiscard]] char* data() const { return text_; }

 private:
  char* memory_;
  char* text_;
};

template <class Block>
bool has_right_bits(const Bytes& bytes, const Bytes& other) {
  unsigned special = 0, same = 0;
  for (unsigned i = 0; i < 16; ++i) {
    special |= static_cast<unsigned>(is_special(bytes[i])) << i;
    same |= static_cast<unsigned>(bytes[i] == other[i]) << i;
  }
  uint64_t words[2];
  std::memcpy(words, bytes.data(), 16);
  const Block block = Block::load(bytes.data());
  return block.special_bits() == special && Block::make(words[0], words[1]).special_bits() == special &&
         block.same_bits(Block::load(other.data())) == same && block.same_bits(block) == 0xFFFF;
}

// A text of `size` bytes, which are plain, with the byte `odd` at `at`.
std::string text_with(size_t size, size_t at, char odd) {
  std::string text(size, 'x');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  if (at < size) text[at] = odd;
  return text;
}

// Calls `holds` for every alignment, length and place in it with some byte there. Returns where it was false,
// the first time.
template <class Holds>
std::string first_failure(Holds holds) {
  for (size_t alignment = 0; alignment < alignments; ++alignment) {
    for (size_t size = 0; size <= max_size; ++size) {
      for (size_t at = 0; at <= size; ++at) {  // `size`: nowhere
        const char odd = borders[(alignment + size + at) % borders.size()];
        if (holds(text_with(size, at, odd), alignment)) continue;
        return "alignment " + std::to_string(alignment) + ", size " + std::to_string(size) + ", byte " +
               std::to_string(static_cast<unsigned char>(odd)) + " at " + std::to_string(at);
      }
    }
  }
  return "";
}

}  // namespace

TEMPLATE_TEST_CASE("the bits of a block are those of its bytes", "", Block16, PortableBlock) {
  const std::vector<Bytes> blocks = many_blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    INFO("block " << i);
    REQUIRE(has_right_bits<TestType>(blocks[i], blocks[i * 31 % blocks.size()]));
  }
}

TEMPLATE_TEST_CASE("a text is plain at every alignment and length if no byte is special", "", Block16,
                   PortableBlock) {
  CHECK(first_failure([](const std::string& text, size_t alignment) {
          const Placed placed(text, alignment), copy(std::string(text.size(), 0), 15 - alignment);
          const bool plain = std::ranges::none_of(text, is_special);
          return is_plain<TestType>({placed.data(), text.size()}) == plain &&
                 copy_if_plain<TestType>({placed.data(), text.size()}, copy.data()) == plain &&
                 (!plain || std::string_view(copy.data(), text.size()) == text);
        }) == "");
}

TEMPLATE_TEST_CASE("a string is read up to its first special byte at every alignment and length", "", Block16,
                   PortableBlock) {
  CHECK(first_failure([](const std::string& text, size_t alignment) {
          const Placed in(text, alignment, 1 + 31);  // its quote, and what may be read
          const auto end = std::ranges::find_if(text, is_special);
          return next_special<TestType>(in.data()) == in.data() + (end - text.begin());
        }) == "");
}

TEMPLATE_TEST_CASE("bytes are the same at every alignment and length if none differs", "", Block16,
                   PortableBlock) {
  size_t turn = 0;
  CHECK(first_failure([&](const std::string& text, size_t alignment) {
          const std::string other = text_with(text.size(), text.size(), 0);
          const Placed one(text, alignment, 16);  // what may be read
          const Placed two(other, turn++ % alignments, 16);
          two.data()[text.size()] = 'x';  // what differs behind them does not matter
          return same_bytes<TestType>(one.data(), two.data(), text.size()) == (text == other);
        }) == "");
}
