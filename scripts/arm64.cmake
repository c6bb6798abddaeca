# Cross-compiles for Debian's arm64, with the libraries of the folder ARIBUS_ARM64_ROOT; scripts/test-arm64 makes it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# CMake reads this file again, without the cache, for each try of the compiler.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ARIBUS_ARM64_ROOT)
set(CMAKE_SYSROOT ${ARIBUS_ARM64_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${ARIBUS_ARM64_ROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${ARIBUS_ARM64_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${ARIBUS_ARM64_ROOT}/usr/share/pkgconfig)

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -cpu cortex-a72 -L ${ARIBUS_ARM64_ROOT})
