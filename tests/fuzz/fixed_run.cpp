// Runs the seeds of a folder, and so many changes of them, which are the same each time.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

std::vector<std::string> seeds_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::string> seeds;
  for (const auto& file : files) {
    std::ifstream stream(file);
    seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// Some bytes changed, taken out, doubled, or brought over from another seed.
std::string changed(std::string text, const std::vector<std::string>& seeds, std::mt19937& random) {
  const auto below = [&](size_t end) { return end == 0 ? 0 : random() % end; };
  for (size_t times = 1 + below(6); times > 0; --times) {
    const size_t at = below(text.size() + 1), length = below(std::min<size_t>(text.size() - at, 40) + 1);
    const std::string& other = seeds[below(seeds.size())];
    const size_t from = below(other.size() + 1);
    switch (below(5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(at, other.substr(from, below(60)));
        break;
      default:
        text.insert(at, 1, "{}[]\",:\n\t '&*-#%\\0()"[below(20)]);
    }
  }
  return text;
}

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 3, "arguments: a folder of seeds, a number of rounds");
  const std::vector<std::string> seeds = seeds_in(argv[1]);
  require(!seeds.empty(), "there are seeds");
  for (const std::string& seed : seeds) run(seed);
  std::mt19937 random(1);  // NOLINT: always the same
  for (int rounds = std::atoi(argv[2]); rounds > 0; --rounds) {
    run(changed(seeds[random() % seeds.size()], seeds, random));
  }
  return 0;
}
