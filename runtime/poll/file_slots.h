// runtime/poll/file_slots.h - how many threads may be in file input and output at a time.
//
// A read that has to wait for a disk holds its thread. A thousand goroutines that read a thousand
// files would make a thousand threads, and no disk is faster for it: beyond some dozens of requests
// in flight they only queue in the kernel instead of here.
#pragma once

namespace gorun::runtime {

/// One of the slots, for as long as it lives. On a goroutine; parks while none is free, first come,
/// first served.
class FileSlot {
 public:
  FileSlot();
  ~FileSlot();
  FileSlot(const FileSlot&) = delete;
  FileSlot& operator=(const FileSlot&) = delete;
};

}  // namespace gorun::runtime
