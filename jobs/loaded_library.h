// jobs/loaded_library.h - a shared library that is loaded when it is needed, and stays.
//
//   struct Zoo { decltype(&::zoo_feed) feed; } zoo;
//   LoadedLibrary library("libzoo.so.1");
//   library.find("zoo_feed", &zoo.feed);
//   if (!library.is_whole()) ...  // something is missing: no function may be called
//
// For libraries that are large, or bring others with them: to map and relocate those of libcurl and
// OpenSSL takes three times as long as all the rest of a start of gorun, and a start is what a loop
// in a shell waits for again and again.
//
// Not chosen: linking with them, as with the others. Parts of gorun that are linked with them and
//   loaded: more files to install, and to find.
#pragma once

namespace gorun::jobs {

class LoadedLibrary {
 public:
  /// soname  with the version of the ABI that the headers describe; searched as any library is.
  explicit LoadedLibrary(const char* soname);

  template <class Function>
  void find(const char* name, Function** function) {
    *function = reinterpret_cast<Function*>(address_of(name));
  }

  /// False if the library was not found or lacks a function that was asked for.
  [[nodiscard]] bool is_whole() const { return is_whole_; }

 private:
  void* address_of(const char* name);

  void* const handle_;  // never closed: the library's threads and exit handlers may be anywhere
  bool is_whole_;
};

}  // namespace gorun::jobs
