#include "base/fd.h"

#include <unistd.h>

namespace aribus {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace aribus
