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

namespace aribus::bus {
namespace {

constexpr char magic[8] = {'a', 'r', 'i', 'b', 'u', 's', 'l', 'g'};
constexpr uint32_t version = 1;

size_t page_bytes() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Which start of the machine this is.
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

// Opens the file and keeps other processes away from it.
Result<Fd> open_locked(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid())
    return file_error(path, "opening it (it lies in a directory that aribusd may write to?)");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return file_error(path, "looking at it");
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorKind::invalid_params, "bus.path " + path + ": a regular file is expected there", {}};
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error(path, "locking it");
    return Error{ErrorKind::invalid_params,
                 "bus.path " + path + ": another process uses it (is aribusd running?)",
                 {}};
  }
  return file;
}

}  // namespace

// Of the machine's own byte order: a file from another kind of machine has no magic.
struct RingFile::Header {
  char magic[8];
  uint32_t version;
  uint32_t closed;  // 1 when it was closed properly
  uint64_t ring_bytes;
  char boot[64];
  char stream[32];
  alignas(64) std::atomic<uint64_t> begin;
  std::atomic<uint64_t> end;
};

void RingFile::Unmap::operator()(Header* header) const {
  ::munmap(header, page_bytes());
}

Result<RingFile> RingFile::open(const std::string& path, size_t ring_bytes) {
  Result<Fd> file = open_locked(path);
  if (!file) return file.error();
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return file_error(path, "looking at it");
  const size_t page = page_bytes();
  const size_t bytes = page + (ring_bytes + page - 1) / page * page;
  RingFile made;
  made.file_ = std::move(*file);
  const auto afresh = [&](const std::string& reason) { return open_afresh(path, ring_bytes, reason); };
  if (status.st_size == 0) {
    if (auto mapped = made.map(path, bytes - page); !mapped) {
      ::unlink(path.c_str());  // the next start shall find no part of it
      return mapped.error();
    }
    return made;
  }
  Header found{};
  if (::pread(made.file_.get(), static_cast<void*>(&found), sizeof found, 0) != sizeof found ||
      std::memcmp(found.magic, magic, sizeof magic) != 0) {
    return afresh("the file was no log of aribus, or was never finished");
  }
  if (found.version != version) return afresh("the file was of version " + std::to_string(found.version));
  if (found.ring_bytes != bytes - page || static_cast<size_t>(status.st_size) != bytes) {
    return afresh("bus.ring_bytes was " + std::to_string(found.ring_bytes) + " before");
  }
  found.boot[sizeof found.boot - 1] = '\0';
  if (found.closed != 1 && found.boot != boot_id()) {
    return afresh("the machine went down while the file was in use: what of it is whole can't be known");
  }
  if (found.begin > found.end || found.end - found.begin > bytes - page) {
    return afresh("the file's header is damaged");
  }
  if (auto mapped = made.map(path, bytes - page); !mapped) return mapped.error();
  made.resumed_ = true;
  return made;
}

Result<RingFile> RingFile::open_afresh(const std::string& path, size_t ring_bytes,
                                       const std::string& reason) {
  const std::string aside = path + ".old";
  if (::rename(path.c_str(), aside.c_str()) != 0) return file_error(path, "setting it aside as " + aside);
  Result<RingFile> made = open(path, ring_bytes);
  if (made) made->reason_ = reason + "; it is kept as " + aside;
  return made;
}

Result<void> RingFile::map(const std::string& path, size_t ring_bytes) {
  const size_t page = page_bytes();
  // A disk that is full is to be known now: writing to the mapping would end the process.
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
  // Last: without it there is nothing.
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(header_->magic, magic, sizeof magic);
  ::msync(header, page, MS_SYNC);
  return {};
}

RingFile::~RingFile() {
  if (!header_) return;
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
// Released: whoever sees the place sees all that was written before.
void RingFile::set_begin(uint64_t offset) {
  header_->begin.store(offset, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // nothing that follows may come before
}
void RingFile::set_end(uint64_t offset) {
  header_->end.store(offset, std::memory_order_release);
}

}  // namespace aribus::bus
