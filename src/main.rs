//! The binary `chat`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat::app::cli::main()
}
