// What the documentation must name, because the code has it.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/result.h"
#include "protocol/rpc_code.h"
#include "tests/catch.h"
#include "tests/docs/markdown.h"

namespace {

using namespace aribus::test;

std::set<std::string> matches_in(const std::string& text, const std::string& expression) {
  std::set<std::string> found;
  const std::regex regex(expression);
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

// The lines of `text` that begin with `mark`.
std::string lines_of(const std::string& text, std::string_view mark) {
  std::istringstream lines(text);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(mark)) found += line + "\n";
  }
  return found;
}

std::string rows_of(const std::string& text) {
  return lines_of(text, "|");
}

// The anchor that a heading gets when the document is rendered.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

// Many links lead into the same document: each is read once.
const std::set<std::string>& anchors_of(const std::string& document) {
  static std::map<std::string, std::set<std::string>> known;
  const auto [found, is_new] = known.try_emplace(document, std::set<std::string>{""});
  std::set<std::string>& anchors = found->second;
  if (!is_new) return anchors;
  for (const std::string& heading : matches_in(prose_of(document), "(?:^|\n)#+ ([^\n]+)")) {
    anchors.insert(anchor_of(heading));
  }
  return anchors;
}

}  // namespace

TEST_CASE("every link leads somewhere", "[docs]") {
  for (const std::string& document : documents()) {
    for (const std::string& link : matches_in(prose_of(document), R"re(\]\(([^)]+)\))re")) {
      if (link.starts_with("https://")) continue;
      INFO(document << ": " << link);
      const std::string path = link.substr(0, link.find('#'));
      const std::string anchor = link.find('#') == std::string::npos ? "" : link.substr(link.find('#') + 1);
      const std::string folder = document.substr(0, document.rfind('/') + 1);  // "" for README.md
      const std::string target = path.empty() ? document : folder + path;
      CHECK_FALSE(read_document(target).empty());
      CHECK(anchors_of(target).contains(anchor));
    }
  }
}

TEST_CASE("every key of the configuration is documented", "[docs]") {
  // Those of lib/config are in the configurations of several programs.
  const std::string source =
      read_document("lib/config/aribusd/config.cpp") + read_document("lib/config/aribusd/access.cpp") +
      read_document("lib/config/aribusd/groups.cpp") + read_document("lib/config/values.cpp");
  const std::set<std::string> keys = matches_in(source, R"re((?:optional|required)\("([a-z_]+)")re");
  CHECK(keys.size() > 30);
  const std::string text = read_document("docs/configuration.md");
  const std::string rows = rows_of(text);
  const std::string headings = lines_of(text, "## ");
  for (const std::string& key : keys) {
    INFO(key);
    const bool has_row = std::regex_search(rows, std::regex("\\| `([a-z_]+(\\[\\])?\\.)+" + key + "` \\|"));
    const bool has_section = headings.find("## `" + key + "`\n") != std::string::npos;
    CHECK((has_row || has_section));
  }
}

TEST_CASE("every key of aribus-nats' configuration is documented", "[docs]") {
  const std::string source =
      read_document("bridges/nats/config.cpp") + read_document("lib/config/values.cpp");
  const std::set<std::string> keys = matches_in(source, R"re((?:optional|required)\("([a-z_]+)")re");
  CHECK(keys.size() > 20);
  const std::string rows = rows_of(read_document("docs/nats-configuration.md"));
  for (const std::string& key : keys) {
    INFO(key);
    CHECK(std::regex_search(rows, std::regex("\\| `([a-z_]+\\.)*" + key + "[`.]")));
  }
}

TEST_CASE("every bound that has a key stands in the table of bounds", "[docs]") {
  const std::string text = read_document("docs/configuration.md");
  const size_t begin = text.find("\n## Bounds");
  REQUIRE(begin != std::string::npos);
  const size_t end = text.find("\n## ", begin + 1);
  const std::string rows = rows_of(text.substr(begin, end - begin));
  // Keys whose value is a size, a duration or a count.
  std::set<std::string> keys = matches_in(
      read_document("lib/config/aribusd/config.cpp") + read_document("lib/config/aribusd/access.cpp") +
          read_document("lib/config/aribusd/groups.cpp"),
      R"re(optional\(\s*"([a-z_]+)",\s*\[&\]\(const YamlValue& v\)[^}]*v\.(?:bytes|duration|integer)\()re");
  keys.erase("port");  // bounds nothing
  CHECK(keys.size() >= 15);
  for (const std::string& key : keys) {
    INFO(key);
    CHECK(std::regex_search(rows, std::regex("`([a-z_]+(\\[\\])?\\.)*" + key + "`")));
  }
}

TEST_CASE("every error code is documented", "[docs]") {
  const std::string rows = rows_of(read_document("docs/protocol.md"));
  for (int kind = 0; kind <= static_cast<int>(aribus::ErrorKind::system); ++kind) {
    const std::string code = std::to_string(aribus::code_of(static_cast<aribus::ErrorKind>(kind)));
    INFO(code);
    CHECK_THAT(rows, ContainsSubstring("| " + code + " |"));
  }
}

TEST_CASE("every parameter of subscribe is documented", "[docs]") {
  const std::string source = read_document("lib/session/subscribe_params.cpp");
  const size_t begin = source.find("subscribe_params[]");
  const std::string table = source.substr(begin, source.find("};", begin) - begin);
  const std::set<std::string> names = matches_in(table, R"re(\{?"([a-z_]+)")re");
  CHECK(names.size() >= 9);
  // Those of members of groups have a page of their own.
  const std::string rows = rows_of(read_document("docs/protocol.md")) + rows_of(read_document("docs/groups.md"));
  for (const std::string& name : names) {
    INFO(name);
    CHECK_THAT(rows, ContainsSubstring("| `" + name + "` |"));
  }
}

TEST_CASE("every file that the architecture and CONTRIBUTING name exists", "[docs]") {
  for (const char* document : {"docs/architecture.md", "CONTRIBUTING.md"}) {
    const std::set<std::string> paths = matches_in(
        read_document(document), R"re(`((?:lib|daemon|cli|bridges|tests|scripts|config)/[\w/.-]+)`)re");
    CHECK(paths.size() > 15);
    for (const std::string& path : paths) {
      INFO(document << ": " << path);
      CHECK(std::filesystem::exists(ARIBUS_SOURCE_DIR "/" + path));
    }
  }
}

TEST_CASE("every folder of the library has its row in the architecture", "[docs]") {
  const std::string rows = rows_of(read_document("docs/architecture.md"));
  for (const std::string& name :
       matches_in(read_document("lib/CMakeLists.txt"), R"re( ([\w/]+)/\w+\.cpp)re")) {
    INFO(name);
    CHECK_THAT(rows, ContainsSubstring("| `lib/" + name + "` |"));
  }
}

namespace {

// The texts of the warnings and errors that a source logs, `…` for each value in them: of each statement that
// names such a level, the string literals after it, put together. Those that only pass on another text are
// left out.
std::set<std::string> warnings_in(const std::string& source) {
  static const std::regex call(
      R"re((?:spdlog::warn|spdlog::error|level::warn|level::err)\b([\s\S]*?)\);\n)re");
  static const std::regex literal(R"re("((?:[^"\\]|\\.)*)"(\s*(?="))?)re");
  static const std::regex value(R"re(\{[^}]*\})re");
  std::set<std::string> texts;
  for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) {
    const std::string statement = (*at)[1];
    std::string text;
    for (std::sregex_iterator part(statement.begin(), statement.end(), literal); part != end; ++part) {
      if ((*part)[1].str().find(' ') == std::string::npos && text.empty()) continue;  // the name of a field
      text += (*part)[1];
      if (!(*part)[2].matched) break;
    }
    text = std::regex_replace(text, value, "…");
    if (std::ranges::count_if(text, [](unsigned char c) { return std::isalpha(c) != 0; }) > 10)
      texts.insert(text);
  }
  return texts;
}

}  // namespace

TEST_CASE("every warning and error of the log is explained", "[docs]") {
  const std::string text =
      rows_of(read_document("docs/operations.md") + read_document("docs/nats-operations.md"));
  size_t count = 0;
  for (const char* folder : {"lib", "daemon", "bridges"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(ARIBUS_SOURCE_DIR "/" + std::string(folder))) {
      if (entry.path().extension() != ".cpp") continue;
      const std::string path = entry.path().string().substr(sizeof ARIBUS_SOURCE_DIR);
      for (const std::string& warning : warnings_in(read_document(path))) {
        INFO(path << ": " << warning);
        CHECK(text.find(warning) != std::string::npos);
        ++count;
      }
    }
  }
  CHECK(count >= 15);
}
