//! Everything that has to work under each runtime, under async-std.

mod cases;
mod common;

/// Starts a task, which moves from thread to thread: its futures are `Send`.
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> impl Future<Output = T> + Send {
    async_std::task::spawn(task)
}

/// Runs a test as a task.
fn run<T: Send + 'static>(test: impl Future<Output = T> + Send + 'static) -> T {
    async_std::task::block_on(spawn(test))
}
