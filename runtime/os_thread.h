// runtime/os_thread.h - a goroutine and a thread for each other alone.
//
// For what is kept per thread: a library with thread-local state, a credential or namespace that a
// system call changes for the calling thread only, a thread that must be the same for every call.
#pragma once

namespace gorun::runtime {

/// Locks the calling goroutine to its thread until as many unlock_os_thread(): it runs on no other,
/// and that thread runs no other goroutine. Parking then costs a hand-over between threads.
///
/// A goroutine that ends while locked takes its thread with it, so that what it did to the thread
/// meets nobody else. threads: a goroutine. source: Go, runtime.LockOSThread.
void lock_os_thread();

/// Undoes one lock_os_thread(); does nothing if there was none. Put the thread back into the state
/// in which it was found before.
void unlock_os_thread();

}  // namespace gorun::runtime
