// jobs/version.cc - keeps the header self-contained.

#include "jobs/version.h"
