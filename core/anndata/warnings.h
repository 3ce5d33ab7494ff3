// Warn tells the user that a file was read, but not all of it or not in the obvious way: a column
// that was left out, a layer that stands in for X. What cannot be read at all is an error instead.
//
// Warnings go to one handler per process, because a reader is opened far below the command that
// knows the terminal. Both functions are thread-safe.
#pragma once

#include <functional>
#include <string>

namespace unlasting::anndata {

using WarningHandler = std::function<void(const std::string& message)>;

// Replaces the handler and forgets what was said before. The handler gets one line without an end
// of line; it must not call Warn. nullptr restores the default, which writes "warning: MESSAGE" to
// standard error.
void SetWarningHandler(WarningHandler handler);

// Passes "PATH: WHAT" to the handler. A file may be opened several times by one command: the same
// message is passed on once.
void Warn(const std::string& path, const std::string& what);

}  // namespace unlasting::anndata
