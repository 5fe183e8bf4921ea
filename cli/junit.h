// cli/junit.h - a run as JUnit XML, which CI servers show: a test case for each stage.
//
// The elements and attributes are those of the schema that Jenkins publishes and others accept:
// testsuites > testsuite > testcase > failure | error | skipped.
#pragma once

#include <string>

#include "jobs/graph.h"
#include "jobs/outcome.h"

namespace gorun::cli {

/// The document. Secrets of the graph are masked.
[[nodiscard]] std::string junit_text(const jobs::Graph& graph, const jobs::Outcome& outcome);

}  // namespace gorun::cli
