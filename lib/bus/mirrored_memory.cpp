#include "bus/mirrored_memory.h"

#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus::bus {

Result<MirroredMemory> MirroredMemory::make(size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t size = (bytes + page - 1) / page * page;
  const Fd file(::memfd_create("aribus-ring", MFD_CLOEXEC));
  if (!file.valid()) return system_error("memory for the ring");
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return system_error("memory for the ring");
  return map(file.get(), 0, size);
}

Result<MirroredMemory> MirroredMemory::map(int fd, size_t offset, size_t size) {
  void* reserved = ::mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return system_error("address space for the ring");
  MirroredMemory memory(static_cast<char*>(reserved), size);
  for (char* at : {memory.data_, memory.data_ + size}) {
    if (::mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(offset)) ==
        MAP_FAILED) {
      return system_error("mapping the ring");
    }
  }
  return memory;
}

MirroredMemory::MirroredMemory(MirroredMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MirroredMemory::~MirroredMemory() {
  if (data_ != nullptr) ::munmap(data_, 2 * size_);
}

}  // namespace aribus::bus
