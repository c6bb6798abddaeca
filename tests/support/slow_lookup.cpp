// Preloaded into a program: the name server of names that end in ".slow" is dead. Each look-up takes 20 s.
#include <cstring>

#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using Function = decltype(&getaddrinfo);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const size_t length = name == nullptr ? 0 : std::strlen(name);
  if (length > 5 && std::strcmp(name + length - 5, ".slow") == 0 &&
      (hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0)) {
    ::sleep(20);
    return EAI_AGAIN;
  }
  return real(name, service, hints, found);
}
