//! The `oneex` program.

fn main() -> std::process::ExitCode {
    oneex::main(std::env::args_os())
}
