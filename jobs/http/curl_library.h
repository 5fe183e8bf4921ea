// jobs/http/curl_library.h - libcurl, which is loaded by the first stage that fetches.
//
//   if (const auto error = load_curl()) return *error;
//   CURL* easy = curl().easy_init();
//
// Why it is not linked: loaded_library.h.
#pragma once

#include <curl/curl.h>

#include <optional>

#include "jobs/system_error.h"

namespace gorun::jobs {

// Every function that is used, without its "curl_".
// clang-format off
#define GORUN_CURL_FUNCTIONS(USE)                                                                \
  USE(global_init) USE(free)                                                                     \
  USE(easy_init) USE(easy_setopt) USE(easy_getinfo) USE(easy_pause) USE(easy_strerror)           \
  USE(easy_cleanup)                                                                              \
  USE(multi_init) USE(multi_setopt) USE(multi_add_handle) USE(multi_remove_handle)               \
  USE(multi_socket_action) USE(multi_info_read) USE(multi_cleanup)                               \
  USE(slist_append) USE(slist_free_all)                                                          \
  USE(url) USE(url_set) USE(url_get) USE(url_cleanup)
// clang-format on

struct CurlLibrary {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declared name takes none
#define GORUN_CURL_MEMBER(name) decltype(&::curl_##name) name = nullptr;
  GORUN_CURL_FUNCTIONS(GORUN_CURL_MEMBER)
#undef GORUN_CURL_MEMBER
};

/// Loads and sets up libcurl, once in the process. Blocks for some milliseconds the first time.
/// returns what is missing, each time it is asked.  threads: any.
[[nodiscard]] std::optional<SystemError> load_curl();

/// The functions; load_curl() has returned no error.  threads: any.
[[nodiscard]] const CurlLibrary& curl();

}  // namespace gorun::jobs
