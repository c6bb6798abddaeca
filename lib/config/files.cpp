#include "config/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace aribus::config {

Result<std::string> read_text(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return system_error("the configuration " + file);
  if (S_ISDIR(status.st_mode)) {
    return Error{ErrorKind::invalid_params, file + ": it is a folder; a file is expected", {}};
  }
  std::ifstream stream(file);
  if (!stream) return system_error("the configuration " + file);
  std::string text(max_file_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() <= max_file_bytes) return text;
  return Error{
      ErrorKind::invalid_params,
      file + ": it is larger than " + std::to_string(max_file_bytes >> 20) + " MiB; is it the right file?",
      {}};
}

std::string file_for_error(const std::string& file) {
  struct stat status {};
  const auto exists = [&](const std::string& path) { return ::stat(path.c_str(), &status) == 0; };
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  const bool is_path = file.starts_with('/') && (exists(file) || (folder != "/" && exists(folder)));
  return is_path ? file : "the file that it names";
}

void expect_file(const std::string& file, const std::string& shown_file, const YamlValue& value) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return;  // /dev/null: an empty file
  value.fail(shown_file + (S_ISDIR(status.st_mode) ? " is a folder" : " is no ordinary file") +
             "; the name of a file is expected");
}

std::string read_file_name(const YamlValue& value) {
  std::string file = value.string();
  expect_file(file, file_for_error(file), value);
  if (!std::ifstream(file)) {
    const int error = errno;
    value.fail(file_for_error(file) + " can't be read: " + std::strerror(error) +
               "; it must be there, and the daemon's user must be able to read it");
  }
  return file;
}

void warn_if_readable(const std::string& file, std::vector<std::string>& warnings) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return;
  std::string warning = file + " holds a password and is readable by others: chmod o-r " + file;
  if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(std::move(warning));
}

}  // namespace aribus::config
