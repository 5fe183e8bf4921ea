#include "jobs/loaded_library.h"

#include <dlfcn.h>

namespace gorun::jobs {

LoadedLibrary::LoadedLibrary(const char* soname)
    : handle_(::dlopen(soname, RTLD_NOW | RTLD_LOCAL)), is_whole_(handle_ != nullptr) {}

void* LoadedLibrary::address_of(const char* name) {
  void* const address = handle_ == nullptr ? nullptr : ::dlsym(handle_, name);
  is_whole_ = is_whole_ && address != nullptr;
  return address;
}

}  // namespace gorun::jobs
