// jobs/scope.h - what an expression in a job file may refer to at one place of it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/load_world.h"
#include "jobs/vars.h"

namespace gorun::jobs {

/// The values of one combination of a stage's matrix, by key, in file order.
using MatrixValues = std::vector<std::pair<std::string, std::string>>;

/// A view: everything outlives it.
struct Scope {
  const Vars& vars;
  const LoadWorld& world;
  const MatrixValues* matrix = nullptr;  // nullptr: there is none here
  bool in_defaults = false;              // "matrix.KEY" will mean something in the stages
};

}  // namespace gorun::jobs
