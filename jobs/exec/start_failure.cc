#include "jobs/exec/start_failure.h"

#include <cerrno>
#include <string_view>

#include "jobs/open_files.h"
#include "jobs/stage.h"

namespace gorun::jobs {
namespace {

std::string_view way_out(int error_number) {
  switch (error_number) {
    case EAGAIN:
      return "; the limit of processes is reached (ulimit -u, or pids.max of a container): fewer "
             "\"workers\" may help";
    case ENOMEM:
      return "; memory is short: fewer \"workers\", or --memfree, may help";
    default:
      return way_out_of_open_files(error_number);
  }
}

}  // namespace

Failure start_failure(const SystemError& error) {
  Failure failure = failure_of(error);
  failure.what += way_out(error.error_number);
  return failure;
}

}  // namespace gorun::jobs
