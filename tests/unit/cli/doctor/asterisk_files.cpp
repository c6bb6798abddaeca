#include "cli/doctor/asterisk_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

namespace aribus::cli {

TEST_CASE("a file of Asterisk's: sections, values, comments") {
  const AsteriskFile file = AsteriskFile::parse(
      "; a comment = here\n"
      "[general]\n"
      "enabled = Yes ; on\r\n"
      ";-- not\n"
      "enabled=no\n"
      "--; prefix=pbx\n"
      "bindport => 8089\n"
      "[user] ; one\n"
      "password=a\\;b;c\n"
      "PASSWORD_FORMAT=plain\n");
  CHECK(file.value("general", "enabled") == "Yes");
  CHECK(file.is_true("general", "enabled"));
  CHECK(file.value("general", "prefix") == "pbx");
  CHECK(file.value("general", "bindport") == "8089");
  CHECK(file.value("user", "password") == "a;b");
  CHECK(file.value("user", "password_format") == "plain");
  CHECK(file.value("user", "enabled").empty());
  CHECK(file.sections() == std::vector<std::string>{"general", "user"});
  CHECK_FALSE(file.has("nobody"));
  CHECK_FALSE(file.is_true("nobody", "enabled"));
}

TEST_CASE("a file of Asterisk's: templates, sections that are added to") {
  const AsteriskFile file = AsteriskFile::parse(
      "[base](!)\ntype=user\npassword=general\n"
      "[second](!,base)\nread_only=yes\n"
      "[one](second)\npassword=own\n"
      "[one](+)\nread_only=no\n"
      "[circle](circle)\n");
  CHECK(file.value("one", "type") == "user");
  CHECK(file.value("one", "password") == "own");
  CHECK(file.value("one", "read_only") == "no");
  CHECK_FALSE(file.has("base"));
  CHECK(file.has("one"));
  CHECK(file.value("circle", "type").empty());
}

TEST_CASE("a file of Asterisk's with damaged lines") {
  const AsteriskFile file = AsteriskFile::parse("lost=value\n[open\n=\n[]\nx\n[a](\n#include\n");
  CHECK(file.has("open"));
  CHECK(file.has("a"));
  CHECK(file.value("", "x").empty());
}

TEST_CASE("a file of Asterisk's includes others, and itself") {
  char name[] = "/tmp/aribus-files-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name);
  std::ofstream(folder / "ari.conf") << "[general]\n#include ari_general.conf\n#tryinclude \"none.conf\"\n"
                                        "#include <ari_users*.conf>\n#include ari.conf\n";
  std::ofstream(folder / "ari_general.conf") << "enabled=1\n";
  std::ofstream(folder / "ari_users_a.conf") << "[a]\npassword=x\\;y\n";
  std::ofstream(folder / "ari_users_b.conf") << "[b]\n";
  const auto file = AsteriskFile::read(folder / "ari.conf");
  REQUIRE(file);
  CHECK(file->is_true("general", "enabled"));
  CHECK(file->value("a", "password") == "x;y");
  CHECK(file->has("b"));
  CHECK_FALSE(AsteriskFile::read(folder / "none.conf"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a file that includes itself, a device, a pipe or too much is read within bounds") {
  const aribus::test::TempDir folder;
  const std::string path = folder.path("ari.conf"), pipe = folder.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::ofstream(folder.path("large")) << std::string(5 << 20, '#');
  std::string text = "[general]\nenabled=yes\n";
  for (int i = 0; i < 50; ++i) text += "#include \"ari.conf\"\n";
  for (const std::string& other :
       {std::string("/dev/zero"), pipe, folder.path("large"), std::string("/proc/kmsg")}) {
    text += "#include \"" + other + "\"\n";
  }
  std::ofstream(path) << text + "[last]\ntype=user\n";
  const auto read = AsteriskFile::read(path);
  REQUIRE(read);
  CHECK(read->is_true("general", "enabled"));
  CHECK(read->value("last", "type") == "user");
  CHECK_FALSE(AsteriskFile::read("/dev/zero"));
  CHECK_FALSE(AsteriskFile::read(pipe));
}

}  // namespace aribus::cli
