#include "net/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

namespace aribus {
namespace {

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::invalid_params,
                 "socket " + path + ": a path of at most " + std::to_string(sizeof address.sun_path - 1) +
                     " bytes is expected",
                 {}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes the file of a daemon that has ended. Errors: somebody listens there, or it is no socket.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Error{
        ErrorKind::invalid_params, "socket " + path + ": there is a file of that name that is no socket", {}};
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (connected == 0 || errno == EAGAIN) {
    return Error{ErrorKind::invalid_params,
                 "socket " + path + ": another program listens there already (is aribusd running?)",
                 {}};
  }
  if (errno != ECONNREFUSED) {  // another type, such as a datagram socket, or no permission to connect
    return Error{
        ErrorKind::invalid_params,
        "socket " + path + ": there is a socket that may be another program's: " + std::strerror(errno),
        {}};
  }
  if (::unlink(path.c_str()) != 0) return system_error("removing the stale socket " + path);
  spdlog::info("socket {}: replaced the file of a daemon that is gone", path);
  return {};
}

// An error leaves what was set before it.
Result<void> set_each(const SocketOptions& options) {
  constexpr auto as_it_is = static_cast<uid_t>(-1);
  const std::string& path = options.path;
  if (options.group && ::chown(path.c_str(), as_it_is, *options.group) != 0) {
    return system_error("socket " + path + ": giving it to group " + std::to_string(*options.group) +
                        " (the daemon's user must be in it)");
  }
  if (options.owner && ::chown(path.c_str(), *options.owner, as_it_is) != 0) {
    return system_error("socket " + path + ": giving it to user " + std::to_string(*options.owner) +
                        " (only root may)");
  }
  if (::chmod(path.c_str(), options.mode) != 0) return system_error("socket " + path + ": setting its mode");
  return {};
}

}  // namespace

Result<void> set_rights(const SocketOptions& options) {
  const std::optional<SocketOptions> before = rights_of(options.path);
  Result<void> set = set_each(options);
  if (!set && before) static_cast<void>(set_each(*before));
  return set;
}

std::optional<SocketOptions> rights_of(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  return SocketOptions{
      .path = path, .mode = status.st_mode & 07777, .owner = status.st_uid, .group = status.st_gid};
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept {
  *this = std::move(other);
}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

SocketFile::~SocketFile() {
  struct stat status {};
  if (!path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

Result<ListeningSocket> listen_on(const SocketOptions& options) {
  const std::string& path = options.path;
  Result<sockaddr_un> address = unix_address(path);
  if (!address) return address.error();
  if (auto removed = remove_stale(path, *address); !removed) return removed.error();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("socket " + path);
  // Nobody may connect before mode and group are set.
  const mode_t before = ::umask(0777);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  ::umask(before);
  if (bound != 0) return system_error("socket " + path);
  SocketFile file(path);
  if (::listen(socket.get(), SOMAXCONN) != 0) return system_error("socket " + path);
  if (auto given = set_rights(options); !given) return given.error();
  return ListeningSocket{std::move(file), std::move(socket)};
}

}  // namespace aribus
