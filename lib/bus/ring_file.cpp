#include "bus/ring_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace aribus::bus {
namespace {

constexpr char magic[8] = {'a', 'r', 'i', 'b', 'u', 's', 'l', 'g'};
constexpr uint32_t version = 1;
constexpr const char* aside_suffix = ".old";
constexpr const char* fresh_suffix = ".new";
constexpr mode_t private_mode = 0600;
constexpr mode_t by_others = S_IRWXG | S_IRWXO;

size_t page_bytes() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// The id of the machine's present boot.
std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

template <size_t size>
void put_text(char (&to)[size], const std::string& text) {
  std::memset(to, 0, size);
  std::memcpy(to, text.data(), std::min(size - 1, text.size()));
}

Error file_error(const std::string& path, const std::string& what) {
  return system_error("bus.path " + path + ": " + what);
}

// Why a file must not be used, or "". It contains what callers dial: a link could lead to a place where
// others can read it, and a file's owner can read it whatever its mode.
std::string objection_to(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return "it is a symbolic link; name the file that it leads to";
  if (!S_ISREG(status.st_mode)) return "a regular file is expected there";
  if (status.st_uid == ::geteuid()) return {};
  return "it belongs to user " + std::to_string(status.st_uid) + ", not to user " +
         std::to_string(::geteuid()) + ", as whom aribusd runs: chown or remove it";
}

// Opens the file and locks it against other processes.
Result<Fd> open_locked(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const int reason = errno;
  struct stat status {};
  const int looked = file.valid() ? ::fstat(file.get(), &status) : ::lstat(path.c_str(), &status);
  if (const std::string objection = looked == 0 ? objection_to(status) : ""; !objection.empty()) {
    return Error{ErrorKind::invalid_params, "bus.path " + path + ": " + objection, {}};
  }
  if (!file.valid()) {
    errno = reason;
    return file_error(path, "opening it (it lies in a directory that aribusd may write to?)");
  }
  if (looked != 0) return file_error(path, "looking at it");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error(path, "locking it");
    return Error{ErrorKind::invalid_params,
                 "bus.path " + path + ": another process uses it (is aribusd running?)",
                 {}};
  }
  struct stat present {};
  if (::lstat(path.c_str(), &present) != 0 || present.st_ino != status.st_ino ||
      present.st_dev != status.st_dev) {
    return Error{ErrorKind::invalid_params,
                 "bus.path " + path + ": another process has just put another file in its place",
                 {}};
  }
  return file;
}

// Creates the file, which no other process uses.
Result<Fd> make_locked(const std::string& path) {
  ::unlink(path.c_str());  // left by a process that was killed
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, private_mode));
  if (!file.valid()) return file_error(path, "making it");
  if (::fchmod(file.get(), private_mode) != 0)
    return file_error(path, "setting its mode");  // open() applied the umask
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return file_error(path, "locking it");
  return file;
}

// There is a complete file at `path` at any time: the old one gets its second name before it is replaced.
Result<void> replace_file(const std::string& path, const std::string& fresh, const std::string& aside) {
  ::unlink(aside.c_str());
  const bool kept = ::link(path.c_str(), aside.c_str()) == 0;
  if (!kept && ::rename(path.c_str(), aside.c_str()) != 0)  // a file system without links
    return file_error(path, "setting it aside as " + aside);
  if (::rename(fresh.c_str(), path.c_str()) == 0) return {};
  Error error = file_error(path, "putting " + fresh + " in its place");
  if (!kept) ::rename(aside.c_str(), path.c_str());
  return error;
}

// Makes the file, and the one that was set aside before, accessible to its owner only. `before` is the mode
// that the file had.
Result<void> keep_from_others(const std::string& path, const Fd& file, mode_t before) {
  if ((before & 07777) != private_mode && ::fchmod(file.get(), private_mode) != 0)
    return file_error(path, "setting its mode");
  if ((before & by_others) != 0) {
    spdlog::warn("bus.path {}: others could open it (mode {:04o}); its mode is 0600 now", path,
                 before & 07777);
  }
  const Fd aside(::open((path + aside_suffix).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (aside.valid() && ::fstat(aside.get(), &status) == 0 && objection_to(status).empty())
    ::fchmod(aside.get(), private_mode);
  return {};
}

}  // namespace

// In the machine's byte order: a file from a machine with another one has no magic.
struct RingFile::Header {
  char magic[8];
  uint32_t version;
  uint32_t closed;  // 1 when it was closed properly
  uint64_t ring_bytes;
  char boot[64];
  char stream[32];
  alignas(64) std::atomic<uint64_t> begin;
  std::atomic<uint64_t> end;
  std::atomic<uint64_t> next;  // 0 in files of 0.1.0
};

void RingFile::Unmap::operator()(Header* header) const {
  ::munmap(header, page_bytes());
}

Result<RingFile> RingFile::open(const std::string& path, size_t ring_bytes) {
  Result<Fd> file = open_locked(path);
  if (!file) return file.error();
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return file_error(path, "looking at it");
  if (auto kept = keep_from_others(path, *file, status.st_mode); !kept) return kept.error();
  const size_t page = page_bytes();
  const size_t bytes = page + (ring_bytes + page - 1) / page * page;
  RingFile made;
  made.file_ = std::move(*file);
  const auto replaced = [&](const std::string& reason) {
    return replace(path, ring_bytes, reason, std::move(made));
  };
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return replaced("others could write to the file");
  if (status.st_size == 0) {
    if (auto mapped = made.map(path, bytes - page); !mapped) {
      ::unlink(path.c_str());  // so that the next start finds no part of it
      return mapped.error();
    }
    return made;
  }
  Header found{};
  if (::pread(made.file_.get(), static_cast<void*>(&found), sizeof found, 0) != sizeof found ||
      std::memcmp(found.magic, magic, sizeof magic) != 0) {
    return replaced("the file is not a record log of aribus, or its creation was interrupted");
  }
  if (found.version != version)
    return replaced("the file has format version " + std::to_string(found.version));
  if (found.ring_bytes != bytes - page || static_cast<size_t>(status.st_size) != bytes) {
    return replaced("bus.ring_bytes was " + std::to_string(found.ring_bytes) + " before");
  }
  found.boot[sizeof found.boot - 1] = '\0';
  if (found.closed != 1 && found.boot != boot_id()) {
    return replaced("the machine went down while the file was in use, so its contents may be damaged");
  }
  if (found.begin > found.end || found.end - found.begin > bytes - page) {
    return replaced("the file's header is damaged");
  }
  if (auto mapped = made.map(path, bytes - page); !mapped) return mapped.error();
  made.resumed_ = true;
  return made;
}

Result<RingFile> RingFile::replace(const std::string& path, size_t ring_bytes, const std::string& reason,
                                   RingFile before) {
  const size_t page = page_bytes();
  const std::string fresh = path + fresh_suffix;
  Result<Fd> file = make_locked(fresh);
  if (!file) return file.error();
  RingFile made;
  made.file_ = std::move(*file);
  if (auto mapped = made.map(fresh, (ring_bytes + page - 1) / page * page); !mapped) {
    ::unlink(fresh.c_str());
    return mapped.error();
  }
  made.path_ = path;
  made.before_ = std::make_unique<RingFile>(std::move(before));
  made.reason_ = reason + "; it is kept as " + path + aside_suffix;
  return made;
}

Result<void> RingFile::put_in_place() {
  if (path_.empty()) return {};
  if (auto replaced = replace_file(path_, path_ + fresh_suffix, path_ + aside_suffix); !replaced)
    return replaced;
  path_.clear();
  before_.reset();
  return {};
}

Result<void> RingFile::map(const std::string& path, size_t ring_bytes) {
  const size_t page = page_bytes();
  // A full disk must show now: later, writing to the mapping would kill the process.
  if (const int error = ::posix_fallocate(file_.get(), 0, static_cast<off_t>(page + ring_bytes));
      error != 0) {
    errno = error;
    return file_error(path, "reserving " + std::to_string(page + ring_bytes) + " bytes");
  }
  void* header = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (header == MAP_FAILED) return file_error(path, "mapping it");
  header_.reset(static_cast<Header*>(header));
  Result<MirroredMemory> ring = MirroredMemory::map(file_.get(), page, ring_bytes);
  if (!ring) return ring.error();
  ring_ = std::make_unique<MirroredMemory>(std::move(*ring));
  header_->version = version;
  header_->ring_bytes = ring_bytes;
  header_->closed = 0;
  put_text(header_->boot, boot_id());
  // Last: without it the file is no log.
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(header_->magic, magic, sizeof magic);
  ::msync(header, page, MS_SYNC);
  return {};
}

RingFile::~RingFile() {
  if (!header_) return;
  if (!path_.empty()) {
    ::unlink((path_ + fresh_suffix).c_str());
    return;
  }
  ::fdatasync(file_.get());
  header_->closed = 1;
  ::msync(header_.get(), page_bytes(), MS_SYNC);
}

std::string RingFile::stream() const {
  return {header_->stream, ::strnlen(header_->stream, sizeof header_->stream)};
}
void RingFile::set_stream(const std::string& stream) {
  put_text(header_->stream, stream);
}
uint64_t RingFile::begin() const {
  return header_->begin.load(std::memory_order_relaxed);
}
uint64_t RingFile::end() const {
  return header_->end.load(std::memory_order_relaxed);
}
// Release: whoever sees the new place sees everything that was written before.
void RingFile::set_begin(uint64_t offset) {
  header_->begin.store(offset, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // nothing that follows is written before it
}
void RingFile::set_end(uint64_t offset, uint64_t next) {
  header_->end.store(offset, std::memory_order_release);
  header_->next.store(next, std::memory_order_relaxed);
}
uint64_t RingFile::next() const {
  return header_->next.load(std::memory_order_relaxed);
}

}  // namespace aribus::bus
