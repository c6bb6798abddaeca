#include "config/passwords.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "config/files.h"
#include "config/yaml_text.h"

namespace aribus::config {
namespace {

constexpr size_t max_secret_bytes = 4096;

}  // namespace

bool is_variable(std::string_view text) {
  if (!text.starts_with('$')) return false;
  text.remove_prefix(1);
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  const auto is_of_name = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '_'); };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::ranges::all_of(text, is_of_name);
}

std::string read_secret(const std::string& file, const std::string& shown_file, const YamlValue& value,
                        const std::string& where) {
  expect_file(file, shown_file, value);
  std::ifstream stream(file);
  std::string secret;
  if (!stream) {
    value.fail("the password can't be read from " + shown_file + ": " + std::strerror(errno) +
               "; the file must be there, and the daemon's user must be able to read it" + where);
  }
  for (char c = 0; secret.size() <= max_secret_bytes && stream.get(c) && c != '\n';) secret += c;
  if (stream.bad()) value.fail(shown_file + " can't be read; a file is expected");
  if (secret.size() > max_secret_bytes) {
    value.fail("the first line of " + shown_file + " is longer than " + std::to_string(max_secret_bytes) +
               " bytes; is it the right file?");
  }
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.find('\0') != std::string::npos)
    value.fail("the first line of " + shown_file + " holds a NUL byte");
  if (secret.empty())
    value.fail("the first line of " + shown_file + " is empty; the password is expected there" + where);
  return secret;
}

void warn_of_password(Reading& reading, const YamlValue& value, const std::string& password,
                      const std::string& where, const std::string& blanks_cure) {
  constexpr std::string_view blanks = " \t", byte_order_mark = "\xEF\xBB\xBF";
  if (password.find_last_not_of(blanks) != password.size() - 1) {
    reading.warn(value, "the password " + where + " ends with a blank, which belongs to it; " + blanks_cure);
  } else if (password.find_first_not_of(blanks) != 0) {
    reading.warn(value,
                 "the password " + where + " begins with a blank, which belongs to it; " + blanks_cure);
  }
  if (password.starts_with(byte_order_mark)) {
    reading.warn(value, "the password " + where +
                            " begins with a byte order mark, which belongs to it; save the file without one");
  }
}

namespace {

std::string read_written(const YamlValue& value, Reading& reading, const std::string& blanks_cure) {
  std::string password = value.string();
  warn_if_readable(reading.file, reading.warnings);
  warn_of_password(reading, value, password, "here", blanks_cure);
  if (is_variable(password)) {
    reading.warn(value, std::string(variable_warning) +
                            "; a password comes from one with password_env, and the name alone");
  }
  if (is_cut_by_comment(reading.text, value.mark(), password)) {
    reading.warn(value,
                 "the password ends before ' #', where YAML begins a comment; write it in quotes if what "
                 "follows belongs to it");
  }
  return password;
}

std::string read_from_file(const YamlValue& value, Reading& reading, const std::string& blanks_cure) {
  const std::string path = value.string();
  const std::string shown_file = file_for_error(path);
  std::string password = read_secret(path, shown_file, value);
  reading.files.push_back(path);
  warn_if_readable(path, reading.warnings);
  warn_of_password(reading, value, password, "in the first line of " + shown_file, blanks_cure);
  return password;
}

std::string read_from_environment(const YamlValue& value, Reading& reading, const std::string& blanks_cure) {
  const char* found = std::getenv(value.string().c_str());
  if (found == nullptr || *found == '\0') {
    if (reading.purpose == Purpose::start) value.fail("the environment variable that it names is not set");
    reading.warn(value,
                 "the environment variable that it names is not set here; the daemon needs it in its own");
    return {};
  }
  std::string password = found;
  warn_of_password(reading, value, password, "in that variable", blanks_cure);
  return password;
}

}  // namespace

int read_password(YamlMap& map, Reading& reading, const std::string& blanks_cure, std::string& password) {
  int given = 0;
  const auto read = [&](const char* key, auto* from) {
    map.optional(key, [&](const YamlValue& value) {
      ++given;
      password = from(value, reading, blanks_cure);
    });
  };
  read("password", read_written);
  read("password_file", read_from_file);
  read("password_env", read_from_environment);
  return given;
}

}  // namespace aribus::config
