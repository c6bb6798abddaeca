#include "tests/docs/markdown.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "tests/support/process.h"

namespace aribus::test {
namespace {

const char* const earlier_documents = std::getenv("ARIBUS_DOCUMENTS");

std::string root() {
  return earlier_documents != nullptr ? earlier_documents : ARIBUS_SOURCE_DIR;
}

}  // namespace

bool are_of_an_earlier_version() {
  return earlier_documents != nullptr;
}

std::string Fence::text() const {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string Fence::option(const std::string& name, const std::string& otherwise) const {
  std::istringstream words(info);
  for (std::string word; words >> word;) {
    if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
  }
  return otherwise;
}

std::vector<std::string> documents() {
  std::vector<std::string> found{"README.md"};
  if (!are_of_an_earlier_version()) found.emplace_back("CONTRIBUTING.md");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root() + "/docs")) {
    if (entry.path().extension() != ".md") continue;
    found.push_back(std::filesystem::relative(entry.path(), root()).string());
  }
  std::ranges::sort(found);
  return found;
}

std::string read_document(const std::string& document) {
  std::string text = read_file(root() + "/" + document);
  if (text.empty()) throw std::runtime_error(document + " is missing or empty");
  return text;
}

std::string prose_of(const std::string& document) {
  std::istringstream text(read_document(document));
  std::string prose;
  bool fenced = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      fenced = !fenced;
    } else if (!fenced) {
      prose += line + "\n";
    }
  }
  return prose;
}

std::vector<Fence> all_fences() {
  std::vector<Fence> fences;
  for (const std::string& document : documents()) {
    std::istringstream text(read_document(document));
    bool open = false;
    int number = 0;
    for (std::string line; std::getline(text, line);) {
      ++number;
      if (!line.starts_with("```")) {
        if (open) fences.back().lines.push_back(line);
        continue;
      }
      open = !open;
      if (!open) continue;
      Fence& fence = fences.emplace_back();
      fence.where = document + ":" + std::to_string(number);
      std::istringstream info(line.substr(3));
      info >> fence.kind;
      std::getline(info, fence.info);
    }
    if (open) throw std::runtime_error(fences.back().where + ": this fence is not closed");
  }
  return fences;
}

std::vector<Fence> fences_of(const std::string& kind) {
  std::vector<Fence> fences = all_fences();
  std::erase_if(fences, [&](const Fence& fence) { return fence.kind != kind; });
  return fences;
}

}  // namespace aribus::test
