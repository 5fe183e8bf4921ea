// jobs/pipelines.h - the kind "pipeline": the stages of another job file in its place.
//
//   "deploy": {"kind": "pipeline", "file": "deploy.json", "vars": {"to": "prod"}, "needs": "test"}
//
// The other file is read as if it were run by itself, with its own vars, env, pools and defaults;
// its mistakes are shown where they are. Its stages become stages of this job and are called
// "deploy/NAME". "deploy" means all of them, so that others can need it. They need what it needs
// and are left out with it.
//
// What speaks of a whole run is that of the job that is run: "name", "limits", "fail", "report" and
// "targets" of the other file have no say, and all of its stages are run. Where it says something
// else than the run does, that is worth a warning: JobFile::warnings. A file that includes it may
// have these keys, for runs of its own.
#pragma once

#include "jobs/diagnostic.h"
#include "jobs/job_file.h"
#include "jobs/load_world.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// Replaces the pipelines of `file`, which is the first of `source`, and those in them, by their
/// stages, and gives it the warnings. The files are appended to `source`; a file that would run
/// itself is a mistake.
void expand_pipelines(Source* source, JobFile* file, const LoadWorld& world, Diagnostics* errors);

}  // namespace gorun::jobs
