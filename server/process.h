// PrepareProcess sets up the process of unlasting-server: what signals do to it, how many files it
// may open, and whether a crash leaves the cells of patients on disk.
#pragma once

#include "absl/time/time.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

class Server;

// Call once, before threads are started. A reader of the log that goes away does not end the
// process (SIGPIPE). Warns where it runs as root.
void PrepareProcess(const ServerConfig& config);

// From now on SIGHUP has `server` look at its models, tokens and certificates, unless the process
// was started with it ignored, as nohup does. `server` outlives the process, or is null: SIGHUP is
// then ignored.
void ReloadOnHangUp(Server* server);

// Ends the process, with exit code 1, `patience` from now: for a server that is draining and may
// hang in a file system or a driver.
void ExitAfter(absl::Duration patience);

}  // namespace unlasting::server
