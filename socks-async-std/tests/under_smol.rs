//! Everything that has to work under each runtime, under smol.

mod cases;
mod common;

/// Starts a task, which moves from thread to thread: its futures are `Send`.
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> impl Future<Output = T> + Send {
    smol::spawn(task)
}

/// Runs a test as a task.
fn run<T: Send + 'static>(test: impl Future<Output = T> + Send + 'static) -> T {
    smol::block_on(spawn(test))
}
