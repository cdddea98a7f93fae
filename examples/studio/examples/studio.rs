//! The studio's program as an example: after the other examples it compiles nothing of burn anew, which it would as a
//! package of its own, without what trains.

use std::process::ExitCode;

fn main() -> ExitCode {
    studio::command::run()
}
