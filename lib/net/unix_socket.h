// A listening Unix socket and its file.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"

namespace aribus {

inline constexpr size_t max_socket_path_bytes = 107;  // of a socket (unix(7))

struct SocketOptions {
  std::string path;
  mode_t mode = 0660;
  std::optional<uid_t> owner = {};  // of the file; none: the process' user
  std::optional<gid_t> group = {};  // likewise

  bool operator==(const SocketOptions&) const = default;
};

// Owns the file of a socket: the destructor removes it, unless another file has replaced it.
class SocketFile {
 public:
  SocketFile() = default;
  // Required: the file exists.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;  // "": none
  dev_t device_ = 0;  // with the inode it identifies our file
  ino_t inode_ = 0;
};

struct ListeningSocket {
  SocketFile file;
  Fd socket;  // listens; non-blocking
};

// Binds and listens. The file of a daemon that has ended is replaced; that of a running one is not.
// Errors: system, invalid_params (path too long, a live daemon listens there).
[[nodiscard]] Result<ListeningSocket> listen_on(const SocketOptions& options);

// Sets mode, owner and group of the file. An error changes nothing. Errors: system.
[[nodiscard]] Result<void> set_rights(const SocketOptions& options);

// The file's mode, owner and group, as set_rights() takes them; none: there is no such file.
[[nodiscard]] std::optional<SocketOptions> rights_of(const std::string& path);

}  // namespace aribus
