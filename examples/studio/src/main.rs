//! `deepcompose-studio`: the [`studio`]'s program.

use std::process::ExitCode;

fn main() -> ExitCode {
    studio::command::run()
}
