// runtime/sync.h - locks and barriers that park the goroutine and leave its M free to run others.
//
// All wait queues are first come, first served. Everything here may be held or waited for across a
// move of the goroutine to another M; a std::mutex may not.
#pragma once

#include "runtime/cond.h"
#include "runtime/mutex.h"
#include "runtime/once.h"
#include "runtime/rw_mutex.h"
#include "runtime/semaphore.h"
#include "runtime/wait_group.h"
