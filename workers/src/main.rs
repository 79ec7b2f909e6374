use std::process::ExitCode;

fn main() -> ExitCode {
    workers::main()
}
