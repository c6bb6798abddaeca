#include "session/program_name.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/utf8.h"

namespace aribus::session {

std::string program_of(pid_t process) {
  if (process <= 0) return {};
  const Fd file(::open(("/proc/" + std::to_string(process) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  char name[64];  // the kernel's has 15 bytes
  const ssize_t count = file.valid() ? ::read(file.get(), name, sizeof name) : 0;
  std::string_view text(name, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  if (text.ends_with('\n')) text.remove_suffix(1);
  return to_valid_utf8(text, sizeof name);
}

}  // namespace aribus::session
