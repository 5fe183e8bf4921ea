#include "jobs/http/curl_library.h"

#include <cerrno>

#include "jobs/loaded_library.h"

namespace gorun::jobs {
namespace {

constexpr const char* kCurlName = "libcurl.so.4";  // the ABI since 2006

struct LoadedCurl {
  CurlLibrary functions;
  bool is_ready = false;

  LoadedCurl() {
    LoadedLibrary library(kCurlName);
#define GORUN_CURL_FIND(name) library.find("curl_" #name, &functions.name);
    GORUN_CURL_FUNCTIONS(GORUN_CURL_FIND)
#undef GORUN_CURL_FIND
    is_ready = library.is_whole() && functions.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }
};

const LoadedCurl& loaded_curl() {
  static const LoadedCurl once;
  return once;
}

}  // namespace

std::optional<SystemError> load_curl() {
  if (loaded_curl().is_ready) return std::nullopt;
  return SystemError{"load", ELIBACC, kCurlName};
}

const CurlLibrary& curl() { return loaded_curl().functions; }

}  // namespace gorun::jobs
