//! The test's own part inside a namespace: see `interop::helper`.

use std::env;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    interop::helper::main(&arguments)
}
